"""Shards of every format hold the ids that tiktoken gives, however the inputs are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_twin
import numpy as np
import pytest
from pairs import load_pair

import bpecore
from bpecore.corpus import FORMATS, CorpusError, portions, tokenize
from bpecore.corpus.inspection import encoding_of, origin_of

pytest.importorskip("orjson", reason="needs the extra corpus")

EOT = 50256
OF_WHOLE_DOCUMENTS = [name for name in FORMATS if name not in ("llmc", "nanogpt")]


def needed(format_name: str) -> str:
    """Skips a test whose format needs pyarrow where that is missing."""
    if format_name in ("parquet", "arrow"):
        pytest.importorskip("pyarrow", reason="needs the extra corpus")
    return format_name


def expected(texts: list[str], before: tuple[int, ...] = (), after: tuple[int, ...] = ()) -> Any:
    """Returns the ids of documents, by tiktoken."""
    theirs = load_pair("r50k_base").theirs
    return [[*before, *theirs.encode_ordinary(text), *after] for text in texts]


def flat(documents: list[list[int]]) -> list[int]:
    return [token for document in documents for token in document]


@pytest.mark.parametrize("format_name", OF_WHOLE_DOCUMENTS)
def test_documents(format_name: str, lines: Path, texts: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = tokenize(
        lines,
        out,
        format=needed(format_name),
        encoding="r50k_base",
        append="eot",
        shard_size=20_000,
    )
    found = corpus_twin.documents_of(out, format_name)
    assert found == expected(texts, after=(EOT,))
    assert (summary.documents, summary.tokens) == (len(texts), len(flat(found)))
    assert len(summary.shards) > 2
    assert sum(row.tokens for row in summary.shards) == summary.tokens
    assert [row.documents for row in summary.files] == [150, 1, 249, 0]


@pytest.mark.parametrize("format_name", ["llmc", "nanogpt"])
@pytest.mark.parametrize("size", [None, 2000])
def test_streams(
    format_name: str, size: int | None, lines: Path, texts: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = {
        "encoding": "r50k_base",
        "prepend": "eot",
        "shard_size": 20_000,
        "shard_tokens": size,
    }
    summary = tokenize(lines, out, format=format_name, **options)
    shards = corpus_twin.documents_of(out, format_name, "val" if format_name == "llmc" else "train")
    if format_name == "llmc":
        shards += corpus_twin.documents_of(out, format_name, "train")
    assert flat(shards) == flat(expected(texts, before=(EOT,)))
    assert summary.tokens == len(flat(shards))
    assert sum(row.documents for row in summary.shards) == summary.documents
    if format_name == "llmc":
        begun = sorted(shard.count(EOT) for shard in shards)
        assert sorted(row.documents for row in summary.shards) == begun
    if size is None:
        assert len(shards) == 1
    elif format_name == "llmc":
        assert {len(shard) for shard in shards[:-1]} == {size}
    else:
        assert max(map(len, shards)) <= size
    assert not [*out.glob("_bpecore/drafts/*")]


@pytest.mark.parametrize("format_name", OF_WHOLE_DOCUMENTS)
def test_shards_of_so_many_tokens(
    format_name: str, lines: Path, texts: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = {"encoding": "r50k_base", "shard_size": 20_000, "shard_tokens": 1200}
    summary = tokenize(lines, out, format=needed(format_name), **options)
    documents = expected(texts)
    assert corpus_twin.documents_of(out, format_name) == documents
    sizes: list[int] = [0]
    for document in documents:
        if document and sizes[-1] and sizes[-1] + len(document) > 1200:
            sizes.append(0)
        sizes[-1] += len(document)
    assert [row.tokens for row in summary.shards] == sizes


@pytest.mark.parametrize("over", ["cut", "drop"])
def test_long_documents(over: str, lines: Path, texts: list[str], tmp_path: Path) -> None:
    options = {"max_tokens": 50, "over": over, "prepend": (7, 8), "append": ("eot", 9)}
    summary = tokenize(lines, tmp_path / "out", format="npy", encoding="r50k_base", **options)
    inside = expected(texts)
    long = sum(len(ids) > 46 for ids in inside)
    if over == "cut":
        wanted = [[7, 8, *ids[:46], EOT, 9] for ids in inside]
    else:
        wanted = [[7, 8, *ids, EOT, 9] for ids in inside if len(ids) <= 46]
    assert corpus_twin.documents_of(tmp_path / "out", "npy") == wanted
    assert (summary.cut, summary.dropped)[over == "drop"] == long > 0
    assert sum(row.documents for row in summary.files) == len(wanted)


@pytest.mark.parametrize("format_name", OF_WHOLE_DOCUMENTS)
def test_held_out_documents_and_random_order(
    format_name: str, lines: Path, texts: list[str], tmp_path: Path
) -> None:
    options = {"encoding": "r50k_base", "val_fraction": 0.2, "shuffle": True, "append": "eot"}
    found = {}
    for seed in (1, 2):
        out = tmp_path / str(seed)
        tokenize(lines, out, format=needed(format_name), seed=seed, shard_size=20_000, **options)
        train, val = (corpus_twin.documents_of(out, format_name, s) for s in ("train", "val"))
        assert 40 < len(val) < 120
        assert sorted(train + val) == sorted(expected(texts, after=(EOT,)))
        assert train != [ids for ids in expected(texts, after=(EOT,)) if ids in train]
        found[seed] = train, val
    assert found[1] != found[2]


def test_so_many_documents_are_shuffled_together(
    lines: Path, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "SHUFFLED", 64)
    options = {"format": "olmo", "encoding": "r50k_base", "shuffle": True, "append": "eot"}
    found = []
    for batch in (1 << 20, 1000):
        monkeypatch.setattr(portions, "BATCH", batch)
        tokenize(lines / "2.jsonl", tmp_path / str(batch), **options)
        found.append(corpus_twin.documents_of(tmp_path / str(batch), "olmo"))
    assert found[0] == found[1]
    wanted = expected(texts[151:400], after=(EOT,))
    assert len(wanted) % 64
    for first in range(0, len(wanted), 64):
        group = found[0][first : first + 64]
        assert group != wanted[first : first + 64]
        assert sorted(group) == sorted(wanted[first : first + 64])


def test_types_of_ids(lines: Path, tmp_path: Path) -> None:
    for name, encoding, dtype in (
        ("npy", "r50k_base", "uint16"),
        ("npy", "o200k_base", "uint32"),
    ):
        tokenize(lines, tmp_path / encoding, format=name, encoding=encoding)
        shard = next(iter((tmp_path / encoding).glob("train_00000.npy")))
        assert np.load(shard, mmap_mode="r").dtype == dtype
    with pytest.raises(CorpusError, match=r"nanogpt holds ids up to 65,535 as uint16.*200,018"):
        tokenize(lines, tmp_path / "no", format="nanogpt", encoding="o200k_base")
    with pytest.raises(CorpusError, match="up to 65,535"):
        tokenize(lines, tmp_path / "no", format="bin", encoding="o200k_base", dtype="uint16")


def test_special_tokens_in_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one<|endoftext|>two")
    for allow, has_it in ((False, False), (True, True)):
        out = tmp_path / str(allow)
        tokenize(tmp_path / "a.txt", out, format="npy", encoding="r50k_base", allow_special=allow)
        (ids,) = corpus_twin.documents_of(out, "npy")
        assert (EOT in ids) == has_it


@pytest.mark.parametrize("workers", [1, 2])
def test_an_encoding_of_ones_own(
    workers: int, lines: Path, texts: list[str], tmp_path: Path
) -> None:
    """It is neither registered nor in a file, and workers have it all the same."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    own = bpecore.Encoding(
        "own",
        pat_str=r"\S+|\s+",
        mergeable_ranks={**ranks, b"the": 256},
        special_tokens={"<e>": 257},
    )
    options = {"append": "<e>", "shard_size": 100_000, "workers": workers}
    tokenize(lines, tmp_path / "out", format="npy", encoding=own, **options)
    found = corpus_twin.documents_of(tmp_path / "out", "npy")
    assert found == [[*own.encode_ordinary(text), 257] for text in texts]
    path = str(tmp_path / "out" / "train_00000.npy")
    with pytest.raises(CorpusError, match="'own' is no registered encoding: --vocabulary"):
        encoding_of(path, origin_of(path), None)
