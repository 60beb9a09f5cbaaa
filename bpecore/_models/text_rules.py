"""What is done to a text before the engine sees it: added tokens, normalizers, prefixes.

Most texts are *plain*: the engine's single search for tokens finds what `tokenizers` finds, and the
normalizers leave the text as it is. Any other text is cut at its tokens here, piece by piece.
"""

from __future__ import annotations

import functools

from bpecore._core import has_surrogate, texts_with_others
from bpecore._models.added_tokens import Search
from bpecore._models.normalizers import character_set, normalized, with_changes
from bpecore._models.parts import AddedToken

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bpecore._models.normalizers import Change, Step
    from bpecore._tiktoken import CoreBPE

_MOST_CHANGES = 64
"""More parts of a text than these are not replaced for the engine; all of it is copied."""
_NEAR = 64
"""How many characters next to a change are searched for a sure border."""


def _all_places(texts: list[str]) -> Sequence[int]:
    return range(len(texts))


class TextRules:
    """The rules of one encoding.

    Args:
        tokens: its added tokens, special ones included.
        steps: its normalizers.
        prefix_space: whether a blank is put before a stretch that does not begin with one.
        at_once: what `are_found_at_once` returns for the tokens.

    Raises:
        ValueError: nothing is left of a token that is looked for in normalized text.

    Attributes:
        first: finds the tokens that are looked for in the text as it is.
        second: finds the others, in normalized text.
        prefix_space: as the argument.
        engine_suffices: whether the engine alone encodes plain texts.
    """

    engine_suffices = True

    def __init__(
        self,
        tokens: Sequence[AddedToken],
        steps: Sequence[Step],
        prefix_space: bool,
        at_once: bool,
    ) -> None:
        self._steps = steps
        self.prefix_space = prefix_space
        self.first = Search({token.content: token for token in tokens if not token.normalized})
        self.second = Search(
            {self.normalized(token.content): token for token in tokens if token.normalized}
        )
        if "" in self.second.contents:
            content = self.second.contents[""].content
            raise ValueError(f"the normalizers leave nothing of the token {content!r:.60}")
        checks = [step.leaves for step in steps]
        self._leaves: list[Callable[[str], bool]] = [check for check in checks if check]
        changes_tokens = any(
            self.normalized(token.content) != token.content for token in tokens if token.normalized
        )
        self._is_never_plain = prefix_space or None in checks
        self._has_tokens: re.Pattern[str] | None = None
        if changes_tokens or not at_once:
            self._has_tokens = self._any_token

    @functools.cached_property
    def _others(self) -> Callable[[list[str]], Sequence[int]]:
        """Finds the places of the texts that may not be plain."""
        ranges = {step.plain for step in self._steps}
        if self._is_never_plain or self._has_tokens is not None or not self.engine_suffices:
            return _all_places
        if len(self._steps) == 1 and self._steps[0].doubtful is not None:
            return self._steps[0].doubtful
        if "" in ranges or len(ranges) > 1:
            return _all_places
        plain = character_set(*(ranges or {"0-10FFFF"}))
        return lambda texts: texts_with_others(texts, plain)

    @property
    def changes_text(self) -> bool:
        """Whether there are normalizers."""
        return bool(self._steps)

    @property
    def take_chunks(self) -> bool:
        """Whether a text may come in chunks."""
        tokens = [*self.first.contents.values(), *self.second.contents.values()]
        return (
            not self.prefix_space
            and all(step.ends_at_borders for step in self._steps)
            and not any(token.single_word or token.lstrip or token.rstrip for token in tokens)
        )

    @property
    def are_needed(self) -> bool:
        """Whether any text is not plain."""
        return bool(self._steps) or self._is_never_plain or self._has_tokens is not None

    def normalized(self, text: str) -> str:
        """Returns what the normalizers make of a stretch between added tokens."""
        return normalized(self._steps, text)

    def is_plain(self, text: str) -> bool:
        """Returns whether the engine alone encodes a text as it should be."""
        if self._is_never_plain:
            return False
        if not self._others([text]):
            return True
        for leaves in self._leaves:
            if not leaves(text):
                return False
        return self._has_tokens is None or self._has_tokens.search(text) is None

    def engine_form(self, text: str) -> str | None:
        """Returns a text that the engine alone encodes to the ids of another.

        Returns:
            The text if it is plain, its normalized form, or None if added tokens are in it, or if
            the engine alone encodes no text.
        """
        form = None
        if not self.engine_suffices:
            return None
        changes = self._changes_beside_tokens(text)
        if changes is not None:
            return with_changes(text, changes) if not has_surrogate(text) else None
        if len(self._steps) == 1 and not self._is_never_plain and self._has_tokens is None:
            form = self._steps[0].apply(text)
            if form == text:
                return text
        elif self.is_plain(text):
            return text
        if self._any_token.search(text) or has_surrogate(text):
            return None
        form = self.normalized(text) if form is None else form
        if self.prefix_space and form and not form.startswith(" "):
            form = " " + form
        return None if self._any_token.search(form) else form

    def local_changes(self, text: str, core: CoreBPE) -> list[Change] | None:
        """Returns which parts of a text normalizers change, and what the engine gets instead.

        The parts begin and end at sure borders, so that the engine may read the others as they are.

        Args:
            text: the text.
            core: its engine.

        Returns:
            The start, the end and the new form of each; None if there are too many, or if the text
            does not surely change in parts.
        """
        changes = self._changes_beside_tokens(text) if core.splits_by_automaton else None
        if changes is None or len(changes) > _MOST_CHANGES:
            return None
        groups: list[tuple[int, int, list[Change]]] = []
        for change in changes:
            start, stop, _ = change
            low, high = max(start - _NEAR, 0), min(stop + _NEAR, len(text))
            borders = [low + place for place in core._sure_borders(text[low:high])]
            # Neither character at such a border changes.
            left = max((place for place in borders if place < start), default=low)
            right = min((place for place in borders if place > stop), default=high)
            if left == low > 0 or right == high < len(text):
                return None
            joined = [change]
            if groups and left < groups[-1][1]:
                left, _, before = groups.pop()
                joined = [*before, change]
            groups.append((left, right, joined))
        return [
            (
                left,
                right,
                with_changes(
                    text[left:right],
                    [(start - left, stop - left, new) for start, stop, new in joined],
                ),
            )
            for left, right, joined in groups
        ]

    def _changes_beside_tokens(self, text: str) -> list[Change] | None:
        """Returns where the only normalizer changes a text, and what these stretches become.

        Returns:
            Each, or None if there are very many, an added token is near one, or the engine's search
            for tokens is not enough.
        """
        find = self._steps[0].changes if len(self._steps) == 1 else None
        if find is None or self._is_never_plain or self._has_tokens is not None:
            return None
        changes = find(text) if self.engine_suffices else None
        reach = self._longest_token
        for start, stop, new in changes or ():
            before, after = text[max(start - reach, 0) : start], text[stop : stop + reach]
            for stretch in (text[start:stop], new):
                if self._any_token.search(before + stretch + after):
                    return None
        return changes

    @functools.cached_property
    def _longest_token(self) -> int:
        spellings = [*self.first.contents, *self.second.contents]
        contents = [token.content for token in self.second.contents.values()]
        return max(map(len, [*spellings, *contents]), default=0)

    def engine_forms(self, texts: list[str]) -> tuple[list[str], list[int]]:
        """Returns the `engine_form` of each text, and the places of those that have none.

        What is no text stays for the engine to refuse.
        """
        places = self._others(texts)
        if not places:
            return texts, []
        forms, apart = list(texts), []
        for place in places:
            if isinstance(texts[place], str):
                form = self.engine_form(texts[place])
                forms[place] = form or ""
                if form is None:
                    apart.append(place)
        return forms, apart

    @functools.cached_property
    def _any_token(self) -> re.Pattern[str]:
        """Finds each added token, in either search's spelling."""
        import re

        tokens = [*self.first.contents.values(), *self.second.contents.values()]
        spellings = {*(token.content for token in tokens), *self.second.contents}
        return re.compile("|".join(map(re.escape, spellings)) or "(?!)")

    def parts(self, text: str, skipped: Collection[str]) -> Iterator[AddedToken | str]:
        """Yields the added tokens of a text, and what the engine encodes between them.

        Args:
            text: the text.
            skipped: special tokens that do not count.
        """
        for part in self.first.split(text, skipped):
            if isinstance(part, AddedToken):
                yield part
                continue
            for inner in self.second.split(self.normalized(part), skipped):
                if isinstance(inner, str) and self.prefix_space and not inner.startswith(" "):
                    inner = " " + inner
                yield inner
