"""Compares the tokens of one text under several vocabularies, by the bytes where they end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

ROW = 1500
"""Bytes of text in a row, about."""

_NEWLINE = 10


def shared_places(ends: Sequence[Places]) -> Places:
    """Returns where a token ends under every vocabulary.

    Args:
        ends: for each vocabulary, the byte at which each token ends, ascending.
    """
    return reduce(common, ends)


def common(left: Places, right: Places) -> Places:
    """Returns what is in both of two ascending arrays without repetitions.

    numpy's hash tables, which it takes unless told that there are none, are slow on long ones.
    """
    return np.intersect1d(left, right, assume_unique=True)


def differing(ends: Sequence[Places]) -> list[npt.NDArray[np.bool_]]:
    """Returns for each vocabulary which of its tokens are not tokens of all the others.

    Args:
        ends: for each vocabulary, the byte at which each token ends, ascending.
    """
    spans = [places << 32 | np.concatenate([[0], places])[:-1] for places in ends]
    shared = reduce(common, spans)
    return [~np.isin(own, shared, assume_unique=True, kind="sort") for own in spans]


def row_ends(content: bytes, places: Places) -> Places:
    """Returns where rows end, so that each begins and ends with a token.

    Rows end after the last line end of their `ROW` bytes; if there is none, a little later, at the
    next of the places.

    Args:
        content: the text's bytes.
        places: where rows may end, ascending; the last one is the end of the text.
    """
    values = np.frombuffer(content, dtype=np.uint8)
    after_lines = places[values[places - 1] == _NEWLINE]
    found: list[int] = []
    start, end = 0, len(content)
    while start < end:
        place = int(np.searchsorted(after_lines, start + ROW, side="right"))
        if place and after_lines[place - 1] > start:
            start = int(after_lines[place - 1])
        else:
            place = min(int(np.searchsorted(places, start + ROW)), len(places) - 1)
            start = int(places[place])
        found.append(start)
    return np.array(found, dtype=np.int64)
