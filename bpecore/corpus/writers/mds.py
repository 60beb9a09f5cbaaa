"""MDS of mosaicml-streaming, with one column `tokens`, arrays of uint32."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.folder import write_all
from bpecore.corpus.grouping import Grouping
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

SIZE_LIMIT = 1 << 26
"""Bytes of a file; a longer document has one for itself."""

_PER_DOCUMENT = 16
"""Bytes that a document takes besides its ids, at most: its place, size, shape and type."""


class MdsWriter(ShardWriter):
    """`train/shard.00000.00000.mds` and further ones, which `train/index.json` names in the end."""

    def open(self) -> None:
        self._count = 0
        self._entries: list[dict[str, Any]] = []
        limit = SIZE_LIMIT // 4 - 256
        self._grouping = Grouping(self.dtype, limit, _PER_DOCUMENT // 4, is_below=True)

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        for group in self._grouping.add(ids, lengths):
            self._write_file(*group)

    def _write_file(self, ids: Ids, lengths: Lengths) -> None:
        config = {
            "column_encodings": ["ndarray:uint32"],
            "column_names": ["tokens"],
            "column_sizes": [None],
            "compression": None,
            "format": "mds",
            "hashes": [],
            "size_limit": SIZE_LIMIT,
            "version": 2,
        }
        described = json.dumps(config, sort_keys=True).encode()
        samples = []
        place = 0
        for length in lengths.tolist():
            samples.append(_sample(ids[place : place + length]))
            place += length
        start = 4 + 4 * (len(samples) + 1) + len(described)
        offsets = np.cumsum([start, *map(len, samples)])
        number = f"{self.name.number:05d}.{self._count:05d}"
        name = f"{self.options.prefix}shard.{number}.mds"
        file = self.open_file(f"{self.name.split}/{name}")
        head = np.array([len(samples)], "<u4").tobytes() + offsets.astype("<u4").tobytes()
        write_all(file, b"".join([head, described, *samples]))
        self._count += 1
        raw = {"basename": name, "bytes": int(offsets[-1]), "hashes": {}}
        self._entries.append({**config, "samples": len(samples), "raw_data": raw, "zip_data": None})

    def close(self) -> dict[str, Any]:
        if not self._grouping.is_empty:
            self._write_file(*self._grouping.take())
        return {"mds": self._entries}


def _sample(ids: Ids) -> bytes:
    """Returns a document as a sample: the size of its column, its shape, and its ids."""
    code = next(code for code in range(4) if len(ids) < 1 << (8 << code))
    shape = len(ids).to_bytes(1 << code, "little")
    data = bytes([1 << 2 | code]) + shape + ids.tobytes()
    return len(data).to_bytes(4, "little") + data
