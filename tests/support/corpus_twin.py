"""Reads shards in the plainest way, by what is documented of their bytes, and hashes folders."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import struct
from pathlib import Path

import numpy as np

Documents = list[list[int]]


def documents_of(folder: Path, format_name: str, split: str = "train") -> Documents:
    """Returns the documents of all shards of a split, in order."""
    return [
        document
        for shard in sorted(shards_of(folder, format_name, split))
        for document in READERS[format_name](shard)
    ]


def shards_of(folder: Path, format_name: str, split: str) -> list[Path]:
    """Returns the main files of the shards of a split."""
    if format_name in ("datatrove", "mds", "litdata"):
        suffix = {"datatrove": "ds", "mds": "mds", "litdata": "bin"}[format_name]
        return [*folder.glob(f"{split}/*.{suffix}")]
    suffix = {"npy": "npy", "olmo": "npy", "parquet": "parquet", "arrow": "arrow"}
    found = folder.glob(f"*{split}*.{suffix.get(format_name, 'bin')}")
    return [path for path in found if not path.name.endswith(".offsets.npy")]


def _cut(ids: list[int], ends: list[int]) -> Documents:
    return [ids[start:end] for start, end in zip([0, *ends], ends)]


def _numbers(data: bytes, code: str) -> list[int]:
    return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))


def _code_for(count: int, size: int) -> str:
    return {2: "H", 4: "I"}[size // count] if count else "I"


def read_npy(path: Path) -> Documents:
    ids = np.load(path)
    offsets = np.load(path.with_suffix(".offsets.npy"))
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    return _cut(ids.tolist(), offsets[1:].tolist())


def read_bin(path: Path) -> Documents:
    ends = np.load(path.with_suffix(".offsets.npy"))[1:].tolist()
    data = path.read_bytes()
    return _cut(_numbers(data, _code_for(ends[-1] if ends else 0, len(data))), ends)


def read_megatron(path: Path) -> Documents:
    data = path.with_suffix(".idx").read_bytes()
    assert data[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, places = struct.unpack_from("<QBQQ", data, 9)
    assert version == 1
    lengths = _numbers(data[34 : 34 + 4 * sequences], "i")
    pointers = _numbers(data[34 + 4 * sequences : 34 + 12 * sequences], "q")
    documents = _numbers(data[34 + 12 * sequences :], "q")
    assert len(documents) == places
    size = {4: 4, 8: 2}[code]
    assert pointers == [sum(lengths[:i]) * size for i in range(sequences)]
    ids = _numbers(path.read_bytes(), {4: "i", 8: "H"}[code])
    assert len(ids) == sum(lengths)
    ends = [0, *np.cumsum(lengths).tolist()]
    return _cut(ids, [ends[place] for place in documents[1:]])


def read_datatrove(path: Path) -> Documents:
    ends = _numbers(Path(f"{path}.index").read_bytes(), "Q")
    data = path.read_bytes()
    name, total, human = Path(f"{path}.metadata").read_text().split("\n")
    assert int(total) == (ends[-1] if ends else 0)
    assert human.endswith("T")
    code = {"2": "H", "4": "I"}[name.split("|")[1]]
    return _cut(_numbers(data, code), ends)


def read_llmc(path: Path) -> Documents:
    data = path.read_bytes()
    header = _numbers(data[:1024], "i")
    assert header[3:] == [0] * 253
    code = {(20240520, 1): "H", (20240801, 7): "I"}[header[0], header[1]]
    ids = _numbers(data[1024:], code)
    assert len(ids) == header[2]
    return [ids]


def read_nanogpt(path: Path) -> Documents:
    return [_numbers(path.read_bytes(), "H")]


def read_olmo(path: Path) -> Documents:
    with gzip.open(path.with_suffix(".csv.gz"), "rt", newline="", encoding="utf-8") as file:
        rows = [(int(row[0]), int(row[1])) for row in csv.reader(file)]
    data = path.read_bytes()
    ids = _numbers(data, _code_for(rows[-1][1] if rows else 0, len(data)))
    return [ids[start:end] for start, end in rows]


def read_litdata(path: Path) -> Documents:
    index = json.loads((path.parent / "index.json").read_text())
    (entry,) = [chunk for chunk in index["chunks"] if chunk["filename"] == path.name]
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    offsets = _numbers(data[4 : 8 + 4 * count], "I")
    assert offsets[0] == 8 + 4 * count
    assert offsets[-1] == len(data) == entry["chunk_bytes"]
    assert entry["chunk_size"] == count
    found = [_numbers(data[start:end], "i") for start, end in zip(offsets, offsets[1:])]
    assert entry["dim"] == sum(map(len, found))
    return found


def read_mds(path: Path) -> Documents:
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    offsets = _numbers(data[4 : 8 + 4 * count], "I")
    config = json.loads(data[8 + 4 * count : offsets[0]])
    assert config["column_encodings"] == ["ndarray:uint32"]
    assert offsets[-1] == len(data)
    found = []
    for start, end in zip(offsets, offsets[1:]):
        (size,) = struct.unpack_from("<I", data, start)
        kind = data[start + 4]
        width = 1 << (kind & 3)
        assert (kind >> 2, size) == (1, end - start - 4)
        length = int.from_bytes(data[start + 5 : start + 5 + width], "little")
        found.append(_numbers(data[start + 5 + width : end], "I"))
        assert len(found[-1]) == length
    return found


def read_parquet(path: Path) -> Documents:
    from pyarrow import parquet

    found: Documents = parquet.read_table(path)["input_ids"].to_pylist()
    return found


def read_arrow(path: Path) -> Documents:
    import pyarrow

    found: Documents = pyarrow.ipc.open_file(path).read_all()["input_ids"].to_pylist()
    return found


READERS = {
    "npy": read_npy,
    "bin": read_bin,
    "megatron": read_megatron,
    "datatrove": read_datatrove,
    "llmc": read_llmc,
    "nanogpt": read_nanogpt,
    "olmo": read_olmo,
    "mds": read_mds,
    "litdata": read_litdata,
    "parquet": read_parquet,
    "arrow": read_arrow,
}


def digests_of(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file of a corpus by name, but of the lock."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
