"""Where the pieces of a text are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._core import SplitPattern, piece_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpecore._core import CoreBPE


def spans_of_pieces(core: CoreBPE, text: str) -> Iterator[tuple[int, int]]:
    """Yields where the pieces of ordinary text begin and end, in characters.

    Args:
        core: what splits it.
        text: a text without surrogates.
    """
    splitter = core.splitter
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
