"""How texts are counted where they are cut: whole, up to a limit, and while they grow."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._core import CoreBPE, TokenCounter

if TYPE_CHECKING:
    from bpecore.core import Encoding

LONG_STRETCH = 4096
"""Characters from which on a stretch without a sure border is likely to be one piece, of which a
`TokenCounter` counts the tokens several times as fast as merging does."""


class Counting(NamedTuple):
    """An encoding and the special tokens that count as such; no others are refused."""

    encoding: Encoding
    allowed_special: AbstractSet[str]

    @property
    def core(self) -> CoreBPE:
        return self.encoding._core_bpe

    def count(self, text: str) -> int:
        return self.encoding.count(
            text, allowed_special=self.allowed_special, disallowed_special=()
        )

    def each(self, texts: list[str]) -> list[int]:
        return self.encoding.count_batch(
            texts,
            num_threads=1,
            allowed_special=self.allowed_special,
            disallowed_special=(),
        )

    def up_to(self, text: str, limit: int) -> int | None:
        """The tokens of a text, None if more than `limit`."""
        return self.encoding.count_up_to(
            text, limit, allowed_special=self.allowed_special, disallowed_special=()
        )

    def fits(self, text: str, limit: int) -> bool:
        if limit < 0:
            return False
        if len(text) > LONG_STRETCH and has_automaton(self.core):
            found: int = growing(self).feed(text)
            return found <= limit
        return self.up_to(text, limit) is not None


def has_automaton(core: CoreBPE) -> bool:
    """Whether the engine itself splits texts, not the `regex` library."""
    return core.splits_by_automaton


class Recounter:
    """Counts like a `TokenCounter`, always anew: for split patterns without an automaton."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._text = ""

    def feed(self, chunk: str) -> int:
        self._text += chunk
        return self._counting.count(self._text)

    def checkpoint(self) -> str:
        return self._text

    def restore(self, checkpoint: str) -> None:
        self._text = checkpoint


def growing(counting: Counting) -> Any:
    """Returns what counts a growing text: a `TokenCounter`, or what does the same."""
    if not has_automaton(counting.core):
        return Recounter(counting)
    return TokenCounter(
        counting.encoding, allowed_special=counting.allowed_special, disallowed_special=()
    )
