"""Counts texts that are to be cut: whole, up to a limit, and while they grow."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._core import CoreBPE, TokenCounter

if TYPE_CHECKING:
    from bpecore._limits.encoding import CountingEncoding

LONG_STRETCH = 4096
"""Characters from which on text without a sure border is likely to be one piece; a `TokenCounter`
then counts its tokens several times as fast as merging does."""


class Counting(NamedTuple):
    """An encoding and the special tokens that count as such; none are refused."""

    encoding: CountingEncoding
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

    def up_to(self, text: str, limit: int, refused: frozenset[str] = frozenset()) -> int | None:
        """Returns the number of tokens, None if it is above `limit`."""
        return self.encoding.count_up_to(
            text, limit, allowed_special=self.allowed_special, disallowed_special=refused
        )

    def fits(self, text: str, limit: int) -> bool:
        if limit < 0:
            return False
        if len(text) > LONG_STRETCH and has_automaton(self.core):
            found: int = growing(self).feed(text)
            return found <= limit
        return self.up_to(text, limit) is not None


def has_automaton(core: CoreBPE) -> bool:
    """Returns whether the engine splits texts itself, without the `regex` library."""
    return core.splits_by_automaton


class Recounter:
    """Does what a `TokenCounter` does for split patterns without an automaton, by counting the
    whole text each time."""

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
    """Returns a counter of growing text: a `TokenCounter`, or what replaces it."""
    if not has_automaton(counting.core):
        return Recounter(counting)
    encoding: Any = counting.encoding
    return TokenCounter(encoding, allowed_special=counting.allowed_special, disallowed_special=())


def refuse(
    counting: Counting,
    text: str,
    disallowed_special: frozenset[str],
) -> None:
    """Raises ValueError if a text contains a disallowed string."""
    counting.core.refuse_disallowed(
        text,
        counting.allowed_special,
        disallowed_special,
        counting.encoding.special_tokens_set,
    )
