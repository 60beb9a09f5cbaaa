"""Groups documents by their number of tokens, wherever batches end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpecore.corpus.tokens import Ids, Lengths


class Grouping:
    """Collects documents until they have a number of units; what is in a group depends on the
    documents alone.

    Args:
        dtype: the type of ids.
        limit: a group ends with the document that reaches this.
        per_document: what a document counts besides its tokens.
        is_below: whether a group ends in front of that document instead, unless it is the first.
    """

    def __init__(
        self, dtype: np.dtype[Any], limit: int, per_document: int = 0, is_below: bool = False
    ) -> None:
        self._limit, self._per_document, self._is_below = limit, per_document, is_below
        self._none = np.empty(0, dtype), np.empty(0, np.int64)
        self._parts: list[tuple[Ids, Lengths]] = []
        self._filled = 0

    def add(self, ids: Ids, lengths: Lengths) -> Iterator[tuple[Ids, Lengths]]:
        """Adds documents; yields the groups that are complete."""
        while len(lengths):
            totals = np.cumsum(lengths + self._per_document) + self._filled
            if self._is_below:
                count = int(np.searchsorted(totals, self._limit, "right"))
                is_full = count < len(lengths)
                if not count and not self._parts:
                    count, is_full = 1, True
            else:
                count = min(int(np.searchsorted(totals, self._limit, "left")) + 1, len(lengths))
                is_full = bool(totals[count - 1] >= self._limit)
            tokens = int(lengths[:count].sum())
            if count:
                self._parts.append((ids[:tokens], lengths[:count]))
                self._filled = int(totals[count - 1])
            ids, lengths = ids[tokens:], lengths[count:]
            if is_full:
                yield self.take()

    def take(self) -> tuple[Ids, Lengths]:
        """Returns what is collected, and begins a new group."""
        parts = self._parts or [self._none]
        self._parts, self._filled = [], 0
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is collected."""
        return not self._parts
