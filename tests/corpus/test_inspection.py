"""What is said of shards, and which faults are found in them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from test_shards import needed

from bpecore.cli import main
from bpecore.corpus import FORMATS, tokenize, verification
from bpecore.corpus.inspection import shards_at

pytest.importorskip("orjson", reason="needs the extra corpus")


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def rows_of(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code in (0, 1), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("format_name", FORMATS)
def test_what_was_written_is_verified(
    format_name: str, lines: Path, texts: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = {"append": "eot", "val_fraction": 0.2, "shuffle": True, "shard_size": 20_000}
    if format_name in ("llmc", "datatrove"):
        options["shard_tokens"] = 15_000
    summary = tokenize(lines, out, format=needed(format_name), encoding="r50k_base", **options)
    rows = rows_of(run("inspect", out, "--verify", "--json", "-n", 1))
    assert len(rows) == len(summary.shards) > 2 or format_name == "nanogpt"
    for row in rows:
        assert row["verified"]["faults"] == []
        assert row["verified"]["engine"] == "tiktoken"
        assert row["verified"]["documents"] > 0
        assert row["encoding"] == "r50k_base"
        assert row["shown"]
    assert sum(row["tokens"] for row in rows) == summary.tokens
    if rows[0]["documents"] is not None:
        assert sum(row["documents"] for row in rows) == len(texts)
        assert max(row["longest"] for row in rows) > 300 > min(row["median"] for row in rows)
    assert rows[0]["frequent"][0][1] >= rows[0]["frequent"][1][1]


def test_tiktoken_verifies_wherever_it_is_installed(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in an environment below a folder named bpecore, as a clone is."""
    tokenize(lines, tmp_path / "out", format="npy", encoding="r50k_base")
    monkeypatch.setattr("tiktoken.__file__", "/bpecore/.venv/tiktoken/__init__.py")
    verification._other_engine.cache_clear()
    (row,) = rows_of(run("inspect", tmp_path / "out", "--verify", "--json", "-n", 1))
    assert row["verified"]["engine"] == "tiktoken"


def test_the_help_names_the_encoding_that_is_used() -> None:
    assert "Default: that of the manifest." in " ".join(run("inspect", "--help").stdout.split())


def damage(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place, os.SEEK_SET if place >= 0 else os.SEEK_END)
        file.write(data)


@pytest.mark.parametrize(
    ("format_name", "file", "place", "data", "fault"),
    [
        ("npy", "train_00000.npy", 300, b"\xff\xff", "1 id is not of r50k_base, first 65535 at"),
        ("npy", "train_00000.npy", 300, b"\x05\x00", "their checksum differs"),
        ("npy", "train_00000.offsets.npy", 128 + 8, b"\x01", "checksum of their lengths"),
        ("npy", "train_00000.offsets.npy", -8, b"\x01", "its index ends at token"),
        ("bin", "train_00000.bin", -1, b"\x00\x00\x00", "its index ends at token"),
        ("megatron", "train_00000_text_document.idx", 40, b"\x09", "its places do not fit"),
        ("megatron", "train_00000_text_document.idx", 0, b"X", "does not begin as Megatron's"),
        ("datatrove", "train/00000_unshuffled.ds.index", 8, b"\xff\xff", "does not increase"),
        ("llmc", "tokens_val_000000.bin", 8, b"\x07", "its header says"),
        ("olmo", "train_00000.csv.gz", 30, b"\xff\xff\xff", "is not a shard of olmo"),
        ("mds", "train/shard.00000.00000.mds", 4, b"\x00", "shard of mds"),
        ("litdata", "train/chunk-00000-00000.bin", 4, b"\x00", "its offsets do not fit"),
    ],
)
def test_faults(
    format_name: str, file: str, place: int, data: bytes, fault: str, lines: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tokenize(lines, out, format=format_name, encoding="r50k_base", append="eot")
    damage(out / file, place, data)
    result = run("inspect", *shards_at(str(out))[:1], "--verify")
    assert fault in result.output
    assert result.exit_code == (1 if "FAULT" in result.output else 2)


def test_documents_that_are_in_no_input(lines: Path, tmp_path: Path) -> None:
    from bpecore.corpus import folder

    out = tmp_path / "out"
    tokenize(lines, out, format="npy", encoding="r50k_base")
    times = os.stat(lines / "2.jsonl")
    text = (lines / "2.jsonl").read_bytes()
    (lines / "2.jsonl").write_bytes(text.replace(b"quick", b"QUICK"))
    os.utime(lines / "2.jsonl", ns=(times.st_atime_ns, times.st_mtime_ns))
    result = run("inspect", out / "train_00000.npy", "--verify")
    assert result.exit_code == 1
    assert "FAULT: a document is in no input: " in result.output
    os.utime(lines / "2.jsonl", ns=(0, 0))
    result = run("inspect", out / "train_00000.npy", "--verify")
    assert result.exit_code == 0
    assert "not compared with the inputs: " in result.output
    assert "has changed since the plan was made" in result.output
    assert folder.WORK == "_bpecore"


def test_a_shard_of_others(tmp_path: Path) -> None:
    ids = np.array([31373, 995, 50256] * 100, "<u2")
    ids.tofile(tmp_path / "x.bin")
    message = f"{tmp_path / 'x.bin'}: there is no manifest beside it: --encoding names the encoding"
    assert message in run("inspect", tmp_path / "x.bin").output
    result = run("inspect", tmp_path / "x.bin", "-e", "gpt2", "--verify")
    assert result.exit_code == 0
    assert "300 tokens of gpt2, 3 different" in result.output
    assert "'hello' 100" in result.output
    assert "there is no manifest beside it" in result.output
    for name in ("x.txt", "missing"):
        (tmp_path / "x.txt").touch()
        assert run("inspect", tmp_path / name, "-e", "gpt2").exit_code == 2
