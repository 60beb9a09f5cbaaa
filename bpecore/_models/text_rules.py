"""What is done to a text before the engine sees it: added tokens, normalizers, prefixes.

Most texts are *plain*: the engine's single search for tokens finds what `tokenizers` finds, and the
normalizers leave the text as it is. Any other text is cut at its tokens here, piece by piece.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from bpecore._models.added_tokens import Search

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterator, Sequence

    from bpecore._models.normalizers import Step
from bpecore._models.parts import AddedToken


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
    """

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
            import re

            spellings = {*(token.content for token in tokens), *self.second.contents}
            self._has_tokens = re.compile("|".join(map(re.escape, spellings)))

    @functools.cached_property
    def leaves_ascii(self) -> bool:
        """Whether every ASCII text is plain."""
        return (
            not self._is_never_plain
            and self._has_tokens is None
            and all(step.leaves_ascii for step in self._steps)
        )

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
        for step in self._steps:
            text = step.apply(text)
        return text

    def is_plain(self, text: str) -> bool:
        """Returns whether the engine alone encodes a text as it should be."""
        if self._is_never_plain:
            return False
        for leaves in self._leaves:
            if not leaves(text):
                return False
        return self._has_tokens is None or self._has_tokens.search(text) is None

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
