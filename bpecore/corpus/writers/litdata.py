"""Chunks of litdata, which litgpt trains from: its `LitData` and `TokensLoader` read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.folder import write_all
from bpecore.corpus.grouping import Grouping
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

SIZE_LIMIT = 1 << 26
"""Bytes of a chunk; a longer document has one for itself."""

CONFIG = {
    "chunk_bytes": SIZE_LIMIT,
    "chunk_size": None,
    "compression": None,
    "data_format": ["no_header_tensor:16"],
    "data_spec": '[1, {"type": null, "context": null, "children_spec": []}]',
    "encryption": None,
    "item_loader": "TokensLoader",
}
"""What `index.json` says of all chunks: tensors of one dimension, int32 as litgpt writes them."""


class LitdataWriter(ShardWriter):
    """`train/chunk-00000-00000.bin` and further ones, which `train/index.json` names in the end.

    A chunk is the number of documents, where the bytes of each begin and the last one's end, as
    uint32, and the ids of all.
    """

    def open(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._grouping = Grouping(self.dtype, SIZE_LIMIT // 4 - 2, 1, is_below=True)

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        for group in self._grouping.add(ids, lengths):
            self._write_file(*group)

    def _write_file(self, ids: Ids, lengths: Lengths) -> None:
        offsets = np.zeros(len(lengths) + 2, np.int64)
        offsets[0] = len(lengths)
        np.cumsum(lengths, out=offsets[2:])
        offsets[1:] = offsets[1:] * self.dtype.itemsize + 4 * len(offsets)
        number = f"{self.name.number:05d}-{len(self._entries):05d}"
        name = f"{self.options.prefix}chunk-{number}.bin"
        file = self.open_file(f"{self.name.split}/{name}")
        write_all(file, offsets.astype("<u4"))
        write_all(file, ids)
        self._entries.append(
            {
                "chunk_bytes": int(offsets[-1]),
                "chunk_size": len(lengths),
                "dim": len(ids),
                "filename": name,
            }
        )

    def close(self) -> dict[str, Any]:
        if not self._grouping.is_empty:
            self._write_file(*self._grouping.take())
        return {"chunks": self._entries}
