"""datatrove's `.ds`, `.ds.index` and `.ds.metadata`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.folder import write_all
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter


class DatatroveWriter(ShardWriter):
    """`train/00000_unshuffled.ds` and what belongs to it."""

    def open(self) -> None:
        number = self.name.number
        kind = "00000_doc_shuffled" if self.options.shuffle else "unshuffled"
        root = f"{self.name.split}/{self.options.prefix}{number:05d}_{kind}.ds"
        self._ids = self.open_file(root)
        self._index = self.open_file(f"{root}.index")
        self._metadata = self.open_file(f"{root}.metadata")

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)
        write_all(self._index, (np.cumsum(lengths) + self.tokens).astype("<u8"))

    def close(self) -> dict[str, Any]:
        name = self.options.encoding.name
        lines = f"{name}|{self.dtype.itemsize}\n{self.tokens}\n{short_count(self.tokens)}"
        write_all(self._metadata, lines.encode())
        return {}


def short_count(tokens: int) -> str:
    """Returns a number of tokens as people write it.

    Example:
        >>> short_count(1_234_000_000)
        '1.23 GT'
    """
    count = float(tokens)
    units = ["", "K", "M", "G", "T"]
    while count >= 999.5 and len(units) > 1:
        count /= 1000
        units.pop(0)
    decimals = 0 if len(units) == 5 else max(0, 3 - len(str(int(count))))
    return f"{count:.{decimals}f} {units[0]}T"
