"""A text that arrives in chunks, for encodings with normalizers or with tokens in two searches.

What more text could still change is held back: the beginning of an added token, and everything from
the last character on that no normalizer joins with the one before it. The engine's own streams get
normalized text without tokens, one for each stretch between two tokens.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from bpecore._core import StreamEncoder, TokenCounter
from bpecore._models.normalizers import is_border
from bpecore._models.parts import AddedToken

if TYPE_CHECKING:
    from collections.abc import Collection

    from bpecore._models.added_tokens import Search
    from bpecore._models.text_rules import TextRules
    from bpecore.core import Encoding

    Parts = list[AddedToken | str]

COUNTED_WAITING = 1 << 12
"""The most characters that may wait while they are counted. A counter normalizes them for each
chunk, so that many more in tiny chunks would take the square of their number. Ordinary text waits
for a few; Unicode's stream-safe format allows 30 marks in a row."""


class _Waiting:
    """Finds tokens in a growing text, and holds back what may become one.

    Args:
        search: finds them.
        skipped: special tokens that do not count.
        joins: whether the text that comes between tokens ends where a normalizer may join it.
    """

    def __init__(self, search: Search, skipped: Collection[str], joins: bool) -> None:
        self._search = search
        self._skipped = skipped
        self._joins = joins
        self._longest = max(map(len, search.contents), default=0)
        self.text = ""
        self._patience = 0

    def feed(self, text: str, is_end: bool) -> Parts:
        """Returns tokens, and the text between them; an empty one is left out.

        Args:
            text: what follows.
            is_end: whether no more text follows.
        """
        self.text += text
        if len(self.text) < self._patience and not is_end:
            return []
        text = self.text
        limit = len(text) if is_end else max(len(text) - max(self._longest - 1, 0), 0)
        parts: Parts = []
        reached = sure = 0
        for start, stop, token in self._search.matches(text, self._skipped):
            if start >= limit and not is_end:
                break
            if token is None:
                limit = limit if stop <= limit else start
                sure = min(stop, limit)
                continue
            parts += [text[reached:start], token]
            reached = sure = stop
        end = limit
        if self._joins and not is_end:
            while end > sure and not (end < len(text) and is_border(text[end])):
                end -= 1
        end = max(end, reached)
        parts.append(text[reached:end])
        self.text = text[end:]
        # What was looked at in vain is looked at again when it is twice as long.
        self._patience = 0 if end else 2 * len(text)
        return [part for part in parts if part]

    def lose_patience(self) -> None:
        """Lets the next `feed` look at the text, however short it is."""
        self._patience = 0


class ChangedText:
    """The parts of a growing text.

    Args:
        rules: what is done to it.
        skipped: special tokens that do not count.
    """

    def __init__(self, rules: TextRules, skipped: Collection[str]) -> None:
        self._rules = rules
        self._first = _Waiting(rules.first, skipped, bool(rules.changes_text))
        self._second = _Waiting(rules.second, skipped, False)

    def __copy__(self) -> ChangedText:
        made = object.__new__(ChangedText)
        made._rules = self._rules
        made._first, made._second = copy.copy(self._first), copy.copy(self._second)
        return made

    def feed(self, chunk: str, is_end: bool = False) -> Parts:
        """Returns the parts that no more text can change: added tokens, and normalized text.

        Args:
            chunk: what follows.
            is_end: whether no more text follows.
        """
        parts: Parts = []
        for part in self._first.feed(chunk, is_end):
            if isinstance(part, AddedToken):
                parts += [*self._second.feed("", True), part]
            else:
                parts += self._second.feed(self._rules.normalized(part), False)
        return parts + self._second.feed("", True) if is_end else parts

    def look_again(self) -> Parts:
        """Returns what `feed` would after more text, if a part is sure already."""
        self._first.lose_patience()
        return self.feed("")

    @property
    def waiting(self) -> int:
        """How many characters wait to be normalized."""
        return len(self._first.text)

    @property
    def state(self) -> tuple[str, str]:
        """The text that waits: as it came, and normalized."""
        return self._first.text, self._second.text

    @state.setter
    def state(self, state: tuple[str, str]) -> None:
        self._first.text, self._second.text = state


class ChangedEncoder:
    """What `StreamEncoder` does for an encoding with rules.

    Args:
        tokenless: the encoding without added tokens and rules.
        text: the text.
    """

    def __init__(self, tokenless: Encoding, text: ChangedText) -> None:
        self._tokenless = tokenless
        self._text = text
        self._inner = StreamEncoder(tokenless)

    def feed(self, chunk: str, is_end: bool = False) -> list[int]:
        """Returns the next ids that are sure; the chunk is not taken if that fails."""
        before = copy.copy(self._text), copy.copy(self._inner)
        try:
            ids: list[int] = []
            for part in self._text.feed(chunk, is_end):
                if isinstance(part, AddedToken):
                    ids += [*self._inner.flush(), part.id]
                    self._inner = StreamEncoder(self._tokenless)
                else:
                    ids += self._inner.feed(part)
            return ids + self._inner.flush() if is_end else ids
        except ValueError:
            self._text, self._inner = before
            raise

    @property
    def waiting(self) -> str:
        """The text whose ids are not sure."""
        inner: str = self.state[1]
        return inner + "".join(reversed(self._text.state))

    @property
    def state(self) -> Any:
        """What `resume` takes."""
        arguments: Any = self._inner.__reduce__()[1]
        return self._text.state, arguments[3]

    def resume(self, state: Any) -> None:
        """Goes on where another one was."""
        self._text.state, text = state
        self._inner.feed(text)


class ChangedCounter:
    """What `TokenCounter` does for an encoding with rules.

    Args:
        tokenless: the encoding without added tokens and rules.
        text: the text.
    """

    def __init__(self, tokenless: Encoding, text: ChangedText) -> None:
        self._tokenless = tokenless
        self._text = text
        self._inner = TokenCounter(tokenless)
        self._before = 0  # tokens up to the last added one
        self.total = 0

    def copy(self) -> ChangedCounter:
        """Returns another one in the same state."""
        made = ChangedCounter(self._tokenless, copy.copy(self._text))
        made._inner.restore(self._inner.checkpoint())
        made._before, made.total = self._before, self.total
        return made

    def feed(self, chunk: str) -> int:
        """Returns the tokens of all text so far; the chunk is not taken if that fails."""
        before = copy.copy(self._text), self._inner.checkpoint(), self._before
        try:
            self._take(self._text.feed(chunk))
            if self._text.waiting > COUNTED_WAITING:
                self._take(self._text.look_again())
            if self._text.waiting > COUNTED_WAITING:
                raise ValueError(
                    f"more than {COUNTED_WAITING:,} characters in a row that a normalizer may join "
                    f"with the one before them; count the whole text with `count` instead"
                )
            waiting = copy.copy(self._text).feed("", True)
            if waiting:
                after = self._inner.checkpoint(), self._before
                self._take(waiting)
                total = self._before + self._inner.total
                self._inner.restore(after[0])
                self._before = after[1]
            else:
                total = self._before + self._inner.total
        except ValueError:
            self._text, mark, self._before = before
            self._inner.restore(mark)
            raise
        self.total = total
        return total

    def _take(self, parts: Parts) -> None:
        for part in parts:
            if isinstance(part, AddedToken):
                self._before += self._inner.total + 1
                self._inner.restore(TokenCounter(self._tokenless).checkpoint())
            else:
                self._inner.feed(part)

    @property
    def state(self) -> Any:
        """What `resume` takes."""
        arguments: Any = self._inner.__reduce__()[1]
        return self._text.state, self._before + arguments[3], arguments[4], self.total

    def resume(self, state: Any) -> None:
        """Goes on where another one was."""
        self._text.state, self._before, text, self.total = state
        self._inner.feed(text)
