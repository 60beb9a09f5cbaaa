"""Reads shards back: those of `bpecore.corpus`, and those that other programs made."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import re
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore.corpus.drafts import GROUP, Group
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.extra import library
from bpecore.corpus.tokens import Ids
from bpecore.corpus.writers.flat import LLMC_HEADER, LLMC_MAGIC
from bpecore.corpus.writers.megatron import HEADER, MAGIC, TYPES

_ENDINGS = {
    ".ds": "datatrove",
    ".mds": "mds",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".npy": "npy",
}
_LITDATA = re.compile(r"chunk-\d+-\d+\.bin$")
_COLUMNS = ("input_ids", "tokens")

Ends = npt.NDArray[np.int64]


class Shard(NamedTuple):
    """A shard that can be read.

    Attributes:
        path: its main file.
        format: one of `bpecore.corpus.FORMATS`.
        dtype: the type of its ids.
        has_documents: whether it says where documents begin.
        groups: yields its documents a few at a time; ids alone if it has no documents.
    """

    path: str
    format: str
    dtype: str
    has_documents: bool
    groups: Callable[[], Iterator[Group]]


class ShardError(CorpusError):
    """A shard is damaged; the message says where."""


def format_of_shard(path: str) -> str:
    """Returns the format of a shard by its name and its first bytes.

    Raises:
        CorpusError: they do not say.
    """
    root, suffix = os.path.splitext(path)
    if suffix == ".bin":
        if os.path.exists(f"{root}.idx"):
            return "megatron"
        if os.path.exists(f"{root}.offsets.npy"):
            return "bin"
        if _LITDATA.search(path):
            return "litdata"
        start = np.fromfile(path, "<i4", 2)
        return "llmc" if tuple(start.tolist()) in LLMC_MAGIC.values() else "nanogpt"
    if suffix == ".npy" and os.path.exists(f"{root}.csv.gz"):
        return "olmo"
    if suffix not in _ENDINGS:
        known = " ".join([".bin", *_ENDINGS])
        raise CorpusError(f"{path}: not the main file of a shard ({known}); --format names others")
    return _ENDINGS[suffix]


def open_shard(path: str, format_name: str = "", dtype: str = "") -> Shard:
    """Opens a shard.

    Args:
        path: its main file, which has the ids.
        format_name: its format; "" for what it looks like.
        dtype: the type of ids where the format does not say.

    Raises:
        ShardError: its files do not fit together.
        CorpusError: it cannot be read.
    """
    name = format_name or format_of_shard(path)
    try:
        return _OPENERS[name](path, dtype or "uint16")
    except CorpusError:
        raise
    except FileNotFoundError as error:
        raise CorpusError(f"{error.filename}: {error.strerror}") from None
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise ShardError(f"{path}: is not a shard of {name}: {text}") from None


def _mapped(path: str, dtype: str, start: int = 0) -> Ids:
    """Returns a file's numbers, mapped."""
    size = os.path.getsize(path) - start
    if size % np.dtype(dtype).itemsize:
        raise ShardError(f"{path}: has {size:,} bytes, which are no whole number of {dtype}")
    if size <= 0:
        return np.empty(0, dtype)
    with open(path, "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(mapping, dtype, offset=start)


def _cut_by(path: str, format_name: str, ids: Ids, ends: Ends) -> Shard:
    """Returns a shard of ids and of where documents end."""
    last = int(ends[-1]) if len(ends) else 0
    if last != len(ids):
        raise ShardError(f"{path}: its index ends at token {last:,}, and it has {len(ids):,}")
    if len(ends) and (int(ends[0]) < 0 or bool((np.diff(ends) < 0).any())):
        raise ShardError(f"{path}: its index does not increase")

    def groups() -> Iterator[Group]:
        document = start = 0
        while document < len(ends):
            end = max(document + 1, int(np.searchsorted(ends, start + GROUP, "right")))
            lengths = np.diff(ends[document:end], prepend=start)
            yield Group(ids[start : int(ends[end - 1])], lengths, ())
            document, start = end, int(ends[end - 1])

    return Shard(path, format_name, ids.dtype.name, True, groups)


def _uncut(path: str, format_name: str, ids: Ids) -> Shard:
    """Returns a shard of ids that does not say where documents begin."""
    none = np.empty(0, np.int64)

    def groups() -> Iterator[Group]:
        for start in range(0, len(ids), GROUP):
            yield Group(ids[start : start + GROUP], none, ())

    return Shard(path, format_name, ids.dtype.name, False, groups)


def _offsets(path: str) -> Ends:
    offsets: Ends = np.load(f"{os.path.splitext(path)[0]}.offsets.npy", mmap_mode="r")
    if not len(offsets) or int(offsets[0]) != 0:
        raise ShardError(f"{path}: its offsets do not begin with 0")
    return offsets[1:]


def _open_npy(path: str, _: str) -> Shard:
    ids = np.load(path, mmap_mode="r")
    if os.path.exists(f"{os.path.splitext(path)[0]}.offsets.npy"):
        return _cut_by(path, "npy", ids, _offsets(path))
    return _uncut(path, "npy", ids)


def _open_bin(path: str, dtype: str) -> Shard:
    ends = _offsets(path)
    size = os.path.getsize(path)
    if len(ends) and int(ends[-1]):
        dtype = "uint32" if size >= 4 * int(ends[-1]) else "uint16"
    return _cut_by(path, "bin", _mapped(path, dtype), ends)


def _open_nanogpt(path: str, dtype: str) -> Shard:
    return _uncut(path, "nanogpt", _mapped(path, dtype))


def _open_llmc(path: str, _: str) -> Shard:
    header = np.fromfile(path, "<i4", LLMC_HEADER // 4)
    kinds = {magic: dtype for dtype, magic in LLMC_MAGIC.items()}
    dtype = kinds.get((int(header[0]), int(header[1]))) if len(header) == 256 else None
    if dtype is None:
        raise ShardError(f"{path}: does not begin as a shard of llmc")
    ids = _mapped(path, dtype, LLMC_HEADER)
    if len(ids) != int(header[2]):
        raise ShardError(f"{path}: its header says {header[2]:,} tokens, and it has {len(ids):,}")
    return _uncut(path, "llmc", ids)


def _open_megatron(path: str, _: str) -> Shard:
    index = f"{os.path.splitext(path)[0]}.idx"
    data = _mapped(index, "uint8")
    if data[: len(MAGIC)].tobytes() != MAGIC or int(data[17]) not in TYPES:
        raise ShardError(f"{index}: does not begin as Megatron's index with a known type")
    dtype = TYPES[int(data[17])]
    sequences, places = np.frombuffer(data, "<u8", 2, 18).tolist()
    if len(data) != HEADER + 12 * sequences + 8 * places:
        raise ShardError(f"{index}: has {len(data):,} bytes for {sequences:,} sequences")
    lengths = np.frombuffer(data, "<i4", sequences, HEADER).astype(np.int64)
    pointers = np.frombuffer(data, "<i8", sequences, HEADER + 4 * sequences)
    documents = np.frombuffer(data, "<i8", places, HEADER + 12 * sequences)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    if not np.array_equal(pointers, ends[:-1] * np.dtype(dtype).itemsize):
        raise ShardError(f"{index}: its places do not fit its lengths")
    if len(documents) and (int(documents[0]) != 0 or int(documents[-1]) != sequences):
        raise ShardError(f"{index}: its documents do not fit its sequences")
    return _cut_by(path, "megatron", _mapped(path, dtype), ends[documents[1:]])


def _open_datatrove(path: str, dtype: str) -> Shard:
    metadata = f"{path}.metadata"
    if os.path.exists(metadata):
        with open(metadata, encoding="utf-8") as file:
            dtype = {"2": "uint16", "4": "uint32"}[file.readline().strip().rpartition("|")[2]]
    return _cut_by(
        path, "datatrove", _mapped(path, dtype), _mapped(f"{path}.index", "<u8").astype(np.int64)
    )


def _open_olmo(path: str, dtype: str) -> Shard:
    import csv

    found: list[int] = []
    last = 0
    table = f"{os.path.splitext(path)[0]}.csv.gz"
    with gzip.open(table, "rt", encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if int(row[0]) != last:
                raise ShardError(f"{path}: its table has a gap at token {last:,}")
            last = int(row[1])
            found.append(last)
    if last:
        dtype = "uint32" if os.path.getsize(path) >= 4 * last else "uint16"
    return _cut_by(path, "olmo", _mapped(path, dtype), np.array(found, np.int64))


def _open_mds(path: str, _: str) -> Shard:
    data = _mapped(path, "uint8")
    count = int(np.frombuffer(data, "<u4", 1)[0])
    offsets = np.frombuffer(data, "<u4", count + 1, 4).astype(np.int64)
    config = json.loads(data[8 + 4 * count : int(offsets[0])].tobytes())
    if int(offsets[-1]) != len(data) or bool((np.diff(offsets) < 5).any()):
        raise ShardError(f"{path}: its offsets do not fit its {len(data):,} bytes")
    if config["column_encodings"] != ["ndarray:uint32"]:
        raise ShardError(f"{path}: its columns are {config['column_encodings']}, not uint32 ids")

    def sample(number: int) -> Ids:
        start, end = int(offsets[number]) + 4, int(offsets[number + 1])
        width = 1 << (int(data[start]) & 3)
        return np.frombuffer(data[start + 1 + width : end].tobytes(), "<u4")

    def groups() -> Iterator[Group]:
        for first in range(0, count, 256):
            found = [sample(number) for number in range(first, min(first + 256, count))]
            yield Group(np.concatenate(found), np.array([len(ids) for ids in found]), ())

    return Shard(path, "mds", "uint32", True, groups)


def _open_litdata(path: str, _: str) -> Shard:
    data = _mapped(path, "uint8")
    count = int(np.frombuffer(data, "<u4", 1)[0])
    offsets = np.frombuffer(data, "<u4", count + 1, 4).astype(np.int64)
    start = 4 * (count + 2)
    if int(offsets[0]) != start or int(offsets[-1]) != len(data):
        raise ShardError(f"{path}: its offsets do not fit its {len(data):,} bytes")
    return _cut_by(path, "litdata", _mapped(path, "int32", start), (offsets[1:] - start) // 4)


def _open_columns(path: str, batches: Callable[[], Iterator[Any]], format_name: str) -> Shard:
    def groups() -> Iterator[Group]:
        for batch in batches():
            names = [name for name in _COLUMNS if name in batch.schema.names]
            if not names:
                raise ShardError(f"{path}: has no column {' or '.join(_COLUMNS)}")
            rows = batch.column(names[0])
            lengths = rows.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
            ids = rows.flatten().to_numpy(zero_copy_only=False)
            yield Group(ids, lengths.astype(np.int64), ())

    return Shard(path, format_name, "uint32", True, groups)


def _open_parquet(path: str, _: str) -> Shard:
    parquet = library("pyarrow.parquet", path)
    file = parquet.ParquetFile(path)
    return _open_columns(path, lambda: file.iter_batches(4096), "parquet")


def _open_arrow(path: str, _: str) -> Shard:
    arrow = library("pyarrow", path)
    file = arrow.ipc.open_file(arrow.memory_map(path))
    count = file.num_record_batches
    return _open_columns(path, lambda: (file.get_batch(i) for i in range(count)), "arrow")


_OPENERS: dict[str, Callable[[str, str], Shard]] = {
    "npy": _open_npy,
    "bin": _open_bin,
    "nanogpt": _open_nanogpt,
    "llmc": _open_llmc,
    "megatron": _open_megatron,
    "datatrove": _open_datatrove,
    "olmo": _open_olmo,
    "mds": _open_mds,
    "litdata": _open_litdata,
    "parquet": _open_parquet,
    "arrow": _open_arrow,
}
