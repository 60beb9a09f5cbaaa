"""Rows of Parquet and Arrow files become documents, cut at row groups and record batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_inputs import texts_of

from bpecore.corpus import Summary, tokenize

pyarrow: Any = pytest.importorskip("pyarrow", reason="needs the extra corpus")
parquet: Any = pytest.importorskip("pyarrow.parquet")

TEXTS = [f"row {i} 漢字" for i in range(100)]


def write(table: Any, path: Path) -> Path:
    """Writes a table as the suffix of a path says, in groups of seven rows."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=7)
        return path
    kind = pyarrow.ipc.new_file if path.suffix == ".arrow" else pyarrow.ipc.new_stream
    with kind(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return path


def made(path: Path, out: Path, **options: Any) -> Summary:
    return tokenize(path, out, format="npy", encoding="r50k_base", **options)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows"])
@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "string_view", "dictionary"])
def test_kinds_of_strings(suffix: str, kind: str, tmp_path: Path) -> None:
    if kind == "dictionary":
        column = pyarrow.array(TEXTS).dictionary_encode()
    else:
        column = pyarrow.array(TEXTS, getattr(pyarrow, kind)())
    table = pyarrow.table({"other": list(range(100)), "text": column})
    try:
        path = write(table, tmp_path / f"a.{suffix}")
    except pyarrow.ArrowNotImplementedError:
        pytest.skip("pyarrow does not write this")
    summary = made(path, tmp_path / "out", shard_size=300, workers=2 if kind == "string" else 1)
    assert texts_of(tmp_path / "out") == TEXTS
    assert summary.failures == ()
    assert (len(summary.shards) > 3) == (suffix != "arrows")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows"])
def test_rows_without_text_are_set_aside(suffix: str, tmp_path: Path) -> None:
    values = [None if i % 10 == 3 else b"\xff" if i % 10 == 4 else b"ok" for i in range(40)]
    table = pyarrow.table({"text": pyarrow.array(values, pyarrow.binary())})
    summary = made(write(table, tmp_path / f"a.{suffix}"), tmp_path / "out", shard_size=200)
    assert (summary.documents, summary.aside) == (32, 8)
    rows = (tmp_path / "out/_bpecore/aside.jsonl").read_text().splitlines()
    assert '"row": 4, "reason": "field \'text\' is null, not a string"' in rows[0]
    assert '"row": 5, "reason": "is not UTF-8 at byte 0"' in rows[1]
    assert '"row": 35,' in rows[-1]


def test_nested_and_several_columns(tmp_path: Path) -> None:
    rows = [{"a": {"b": f"x{i}"}, "c": f"y{i}"} for i in range(20)]
    path = write(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    made(path, tmp_path / "out", text_fields=("c", "a.b"), join="|")
    assert texts_of(tmp_path / "out") == [f"y{i}|x{i}" for i in range(20)]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_wrong_columns(suffix: str, tmp_path: Path) -> None:
    path = write(pyarrow.table({"n": [1, 2], "s": ["a", "b"]}), tmp_path / f"a.{suffix}")
    (failure,) = made(path, tmp_path / "1").failures
    assert failure == f"{path}: has no column 'text'; it has n, s"
    (failure,) = made(path, tmp_path / "2", text_fields=("n",)).failures
    assert failure == f"{path}: column 'n' holds int64, not strings"
