"""The list of pairs of a model's file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_FEW_IDS = 1 << 20


class Merges(NamedTuple):
    """The list of pairs of a file, as ids.

    Attributes:
        left: the id of each pair's left part.
        right: the id of its right part.
        merged: the id of the token that it makes.
    """

    left: Ids
    right: Ids
    merged: Ids


class Places:
    """Finds ids among some others; these may have any holes.

    Args:
        ids: the others, ascending.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        size = int(ids[-1]) + 2 if len(ids) else 1
        self._table = None
        if size <= 16 * len(ids) + _FEW_IDS:
            self._table = np.full(size, -1, dtype=np.int64)
            self._table[ids] = np.arange(len(ids))

    def of(self, ids: Ids) -> Indices:
        """Returns where each id is, -1 for those that are not there."""
        if self._table is not None:
            found: Indices = self._table[np.minimum(ids, len(self._table) - 1)]
            return found
        at = np.searchsorted(self._ids, ids)
        at[at == len(self._ids)] = 0
        return np.where(self._ids[at] == ids, at, -1)


class ListedPairs:
    """A list of pairs, whose tokens are numbers from 0 on in the order of their ids.

    A part that is no such token has the number -1: nothing makes it, so its pairs never occur.

    Args:
        merges: the list.
        ids: of all tokens, ascending.

    Attributes:
        left: the left part of each pair.
        right: its right part.
        merged: the token that it makes.
    """

    def __init__(self, merges: Merges, ids: Ids) -> None:
        self._count = len(ids)
        places = Places(ids)
        self.left, self.right, self.merged = (places.of(part) for part in merges)

    def places(self, left: Indices, right: Indices) -> Indices:
        """Returns where in the list each token's pair is, -1 if it is not there.

        Args:
            left: the left part of each token.
            right: its right part.
        """
        listed = np.flatnonzero(
            (self.merged >= 0)
            & (self.left == left[self.merged])
            & (self.right == right[self.merged])
        )
        # A pair that is listed twice counts where it is last.
        found = np.full(self._count, -1, dtype=np.int64)
        found[self.merged[listed]] = listed
        return found

    def as_dict(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Returns where in the list each pair is, and what it makes."""
        pairs = zip(self.left.tolist(), self.right.tolist())
        return dict(zip(pairs, enumerate(self.merged.tolist())))
