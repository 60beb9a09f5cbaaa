"""Megatron's pair of `.bin` and `.idx`, one sequence per document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.folder import write_all
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

MAGIC = b"MMIDIDX\x00\x00"
HEADER = 34
TYPES = {4: "int32", 8: "uint16"}
_CODES = {name: code for code, name in TYPES.items()}
_BLOCK = 1 << 17


class MegatronWriter(ShardWriter):
    """`NAME_text_document.bin` and `.idx`.

    As in Megatron's own script, a document without ids has no sequence, only a place in the list of
    documents. Lengths wait in a file, so that memory does not grow with them.
    """

    def open(self) -> None:
        key = "_".join(self.options.text_fields)
        root = f"{self.options.prefix}{self.name.split}_{self.name.number:05d}_{key}_document"
        self._ids = self.open_file(f"{root}.bin")
        self._index = self.open_file(f"{root}.idx")
        self._lengths = self.files.scratch()
        self._ends = self.files.scratch()
        self._sequences = 0

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)
        is_sequence = lengths > 0
        write_all(self._lengths, lengths[is_sequence].astype("<i4"))
        write_all(self._ends, np.cumsum(is_sequence, dtype="<i8") + self._sequences)
        self._sequences += int(np.count_nonzero(is_sequence))

    def close(self) -> dict[str, Any]:
        sizes = np.array([self._sequences, self.documents + 1], "<u8")
        code = bytes([_CODES[self.dtype.name]])
        write_all(self._index, MAGIC + (1).to_bytes(8, "little") + code + sizes.tobytes())
        self._copy(self._lengths)
        place = 0
        self._lengths.seek(0)
        while block := self._lengths.read(_BLOCK):
            sizes = np.frombuffer(block, "<i4").astype("<i8") * self.dtype.itemsize
            ends = np.cumsum(sizes) + place
            write_all(self._index, ends - sizes)
            place = int(ends[-1])
        write_all(self._index, bytes(8))
        self._copy(self._ends)
        self._lengths.close()
        self._ends.close()
        return {}

    def _copy(self, file: Any) -> None:
        file.seek(0)
        while block := file.read(_BLOCK):
            write_all(self._index, block)
