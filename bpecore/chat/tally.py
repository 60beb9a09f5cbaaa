"""Collects what a chat costs: texts, which are counted in one batch, and fixed tokens."""

from __future__ import annotations

from collections.abc import Iterable
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
    """Texts and fixed tokens of the parts of a chat."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.entries: list[Entry] = []

    def add(self, kind: str, key: int | str, fixed: int, texts: Iterable[str] = ()) -> None:
        """Adds a part; see `Entry`."""
        self.texts.extend(texts)
        self.entries.append(Entry(kind, key, fixed, len(self.texts)))

    def total(self, encoding: Encoding) -> int:
        """Returns the tokens of all."""
        texts = encoding.count_batch(self.texts, disallowed_special=())
        return sum(texts) + sum(entry.fixed for entry in self.entries)

    def tokens(self, encoding: Encoding) -> list[int]:
        """Returns the tokens of each entry."""
        counts = encoding.count_batch(self.texts, disallowed_special=())
        tokens, start = [], 0
        for entry in self.entries:
            tokens.append(entry.fixed + sum(counts[start : entry.end]))
            start = entry.end
        return tokens
