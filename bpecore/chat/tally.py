"""Collects what a chat costs: texts, which are counted in one batch, and fixed tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bpecore.core import Encoding


class Entry(NamedTuple):
    """A part of a chat.

    Attributes:
        kind: "message", "image", another type of content, "tool", or "frame" for the rest.
        key: the number of the message or tool; for other things their place.
        fixed: tokens besides those of its texts.
        end: where its texts end in the tally's; they begin where those before it end.
    """

    kind: str
    key: int | str
    fixed: int
    end: int


class Tally:
    """Texts and fixed tokens of the parts of a chat.

    Args:
        apart: whether the parts are kept apart.
    """

    def __init__(self, apart: bool = False) -> None:
        self.texts: list[str] = []
        self.fixed = 0
        self.entries: list[Entry] | None = [] if apart else None

    def add(self, kind: str, key: int | str, fixed: int, texts: Iterable[str] = ()) -> None:
        """Adds a part; see `Entry`."""
        self.texts += texts
        self.fixed += fixed
        if self.entries is not None:
            self.entries.append(Entry(kind, key, fixed, len(self.texts)))

    def total(self, encoding: Encoding) -> int:
        """Returns the tokens of all."""
        return self.fixed + sum(encoding.count_batch(self.texts, disallowed_special=()))

    def parts(self, encoding: Encoding) -> Iterator[tuple[Entry, int]]:
        """Yields the parts, if they are kept apart, with their tokens."""
        counts = encoding.count_batch(self.texts, disallowed_special=())
        start = 0
        for entry in self.entries or ():
            yield entry, entry.fixed + sum(counts[start : entry.end])
            start = entry.end
