"""Where the pieces of a text are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._core import SplitPattern, piece_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    import regex

    from bpecore._core import CoreBPE


def spans_of_pieces(core: CoreBPE, text: str) -> Iterator[tuple[int, int]]:
    """Yields where the pieces of ordinary text begin and end, in characters.

    Args:
        core: what splits it.
        text: a text without surrogates.
    """
    yield from spans_of_matches(core.splitter, text)


def spans_of_matches(
    splitter: SplitPattern | regex.Pattern[str], text: str
) -> Iterator[tuple[int, int]]:
    """Yields where a pattern matches in a text without surrogates, in characters."""
    if not isinstance(splitter, SplitPattern):
        yield from (found.span() for found in splitter.finditer(text))
        return
    data = text.encode()
    spans = piece_spans(splitter, data)
    if text.isascii():
        yield from spans
        return
    characters = reached = 0
    for start, stop in spans:
        characters += len(data[reached:start].decode())
        first = characters
        characters += len(data[start:stop].decode())
        reached = stop
        yield first, characters
