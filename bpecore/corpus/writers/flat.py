"""Shards that are ids one after another: `npy`, `bin`, `nanogpt` and `llmc`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from bpecore.corpus.errors import CorpusError
from bpecore.corpus.folder import write_all
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

NPY_HEADER = 128
"""Bytes in front of the numbers of a `.npy` file: enough for any number of them."""

LLMC_HEADER = 1024
LLMC_MAGIC = {"uint16": (20240520, 1), "uint32": (20240801, 7)}


def npy_header(dtype: np.dtype[Any], count: int) -> bytes:
    """Returns the header of a `.npy` file of one dimension, always of the same length."""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': ({count},), }}"
    room = NPY_HEADER - 10
    padded = text.ljust(room - 1) + "\n"
    return b"\x93NUMPY\x01\x00" + room.to_bytes(2, "little") + padded.encode("ascii")


class OffsetsFile:
    """Where documents begin, as a `.npy` file: int64[documents + 1].

    Args:
        file: empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 1
        write_all(file, bytes(NPY_HEADER + 8))

    def add(self, lengths: Lengths, start: int) -> None:
        """Adds documents, the first of which begins at a token."""
        write_all(self._file, np.cumsum(lengths, dtype="<i8") + start)
        self._count += len(lengths)

    def close(self) -> None:
        """Writes the header."""
        self._file.seek(0)
        write_all(self._file, npy_header(np.dtype("<i8"), self._count))


class NpyWriter(ShardWriter):
    """`NAME.npy` and `NAME.offsets.npy`, both for `numpy.load(…, mmap_mode="r")`."""

    def open(self) -> None:
        root = f"{self.options.prefix}{self.name.split}_{self.name.number:05d}"
        self._ids = self.open_file(f"{root}.npy")
        self._offsets = OffsetsFile(self.open_file(f"{root}.offsets.npy"))
        write_all(self._ids, bytes(NPY_HEADER))

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)
        self._offsets.add(lengths, self.tokens)

    def close(self) -> dict[str, Any]:
        self._offsets.close()
        self._ids.seek(0)
        write_all(self._ids, npy_header(self.dtype, self.tokens))
        return {}


class BinWriter(ShardWriter):
    """`NAME.bin`, ids without a header, and `NAME.offsets.npy`."""

    def open(self) -> None:
        root = f"{self.options.prefix}{self.name.split}_{self.name.number:05d}"
        self._ids = self.open_file(f"{root}.bin")
        self._offsets = OffsetsFile(self.open_file(f"{root}.offsets.npy"))

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)
        self._offsets.add(lengths, self.tokens)

    def close(self) -> dict[str, Any]:
        self._offsets.close()
        return {}


class NanoGptWriter(ShardWriter):
    """`train.bin` and `val.bin`, ids without a header; a number follows if there are more."""

    def open(self) -> None:
        number = f"_{self.name.number:05d}" if self.options.tokens_of_shard else ""
        self._ids = self.open_file(f"{self.options.prefix}{self.name.split}{number}.bin")

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)

    def close(self) -> dict[str, Any]:
        return {}


class LlmcWriter(ShardWriter):
    """`NAME_train_000001.bin` of llm.c and modded-nanogpt: 256 numbers, then ids."""

    def open(self) -> None:
        prefix = self.options.prefix or "tokens_"
        self._ids = self.open_file(f"{prefix}{self.name.split}_{self.name.number:06d}.bin")
        write_all(self._ids, bytes(LLMC_HEADER))

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)

    def close(self) -> dict[str, Any]:
        if self.tokens >= 1 << 31:
            raise CorpusError(
                f"llmc counts tokens of a shard in 31 bits, and this one has {self.tokens:,}: "
                "give --shard-tokens"
            )
        header = np.zeros(LLMC_HEADER // 4, "<i4")
        header[:3] = (*LLMC_MAGIC[self.dtype.name], self.tokens)
        self._ids.seek(0)
        write_all(self._ids, header)
        return {}
