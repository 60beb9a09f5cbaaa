"""`python -m benchmarks --one-pass`: every document once, all ways compared; tiny corpora."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("benchmarks", reason="the benchmarks come with the source only")

from benchmarks import __main__ as command
from benchmarks.inputs import build, sizes
from benchmarks.one_pass import (
    ALL_CORES,
    DASHES,
    WAYS,
    Row,
    Timing,
    cut_corpus,
    different_ids,
    with_dashes,
)
from benchmarks.record import Record

ENCODING = "r50k_base"


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder of a corpus of two documents, and of one."""
    lines = [json.dumps({"text": text}) for text in ("Hello world.\r\n" * 30, "中文文本。" * 40)]
    (tmp_path / "two.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "one.txt").write_text("plain\r\n" * 50, encoding="utf-8", newline="")
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command.main, arguments)
    assert result.exit_code == 0 or isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_every_corpus_and_way_has_a_speed(corpora: Path) -> None:
    options = ["--encoding", ENCODING, "--engines", "tiktoken,bpecore", "--rounds=1"]
    output = run("--one-pass", str(corpora), *options)
    assert f"{ENCODING}, one.txt: 1 documents" in output
    assert f"{ENCODING}, two.jsonl: 2 documents" in output
    assert f"{ENCODING}, dashes.jsonl: 2 documents" in output
    assert output.count("all ids are equal") == 3
    for way, engine in (("arrays", "bpecore"), ("lists", "tiktoken"), ("counts", "bpecore")):
        rows = [line.split() for line in output.splitlines() if line.split()[:2] == [way, engine]]
        assert len(rows) == 2 + (way == "arrays"), output
        for row in rows:
            assert len(row) == 2 + len({1, ALL_CORES})
    assert "arrays, file" not in output


def test_a_record_takes_every_way_and_the_best(corpora: Path, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    Record(["bpecore", "tiktoken"]).write(path)
    options = ["--encoding", ENCODING, "--engines", "tiktoken,bpecore", "--rounds=1"]
    run("--one-pass", str(corpora), *options, "--resume", str(path))
    record = Record.read(path)
    arrays = record.find("one pass, arrays", ENCODING, "bpecore")
    assert list(arrays) == ["one.txt", "two.jsonl"]
    assert arrays["one.txt"].bytes == 7 * 50
    best = record.find("one pass", ENCODING, "bpecore")
    assert [sample.values for sample in best.values()] == [
        sample.values for sample in arrays.values()
    ]
    ways = [record.find(f"one pass, {way}", ENCODING, "tiktoken") for way in ("arrays", "lists")]
    best = record.find("one pass", ENCODING, "tiktoken")
    for name, sample in best.items():
        assert sample.values == min(way[name].values for way in ways if way)
    assert record.find("one pass, counts", ENCODING, "bpecore").keys() == arrays.keys()


def test_a_folder_without_corpora_is_named(tmp_path: Path) -> None:
    assert f"no .jsonl or .txt file in {tmp_path}" in run(
        "--one-pass", str(tmp_path), "--engines", "bpecore"
    )


def test_other_ids_are_reported() -> None:
    arrays, counts = WAYS[0], WAYS[-1]
    rows = [
        Row("tiktoken", arrays, {1: [Timing(1.0, "a")]}),
        Row("bpecore", arrays, {1: [Timing(1.0, "a"), Timing(1.0, "b")]}),
        Row("bpecore", counts, {1: [Timing(1.0, "7")]}),
        Row("quicktok", arrays, {1: [Timing(1.0, "c")]}, "failed"),
    ]
    assert different_ids(rows) == ["bpecore, arrays"]
    assert rows[1].speed(3_000_000, 1) == "3"


def test_inputs_of_a_corpus(corpora: Path) -> None:
    path = str(corpora / "two.jsonl")
    documents = build(None, {"kind": "corpus", "path": path})
    assert [len(document) for document in documents] == [14 * 30, 5 * 40]
    file = build(None, {"kind": "file_name", "path": path})
    assert sizes(file) == {"bytes": (corpora / "two.jsonl").stat().st_size, "items": 1}


def test_a_corpus_is_cut_after_whole_documents(tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    lines = [json.dumps({"text": "word " * 20_000}) + "\n" for _ in range(30)]
    path = tmp_path / "large.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    assert cut_corpus(path, None, folder) == cut_corpus(path, 99, folder) == path
    cut = cut_corpus(path, 1, folder)
    assert cut.read_text(encoding="utf-8") == "".join(lines[:10])


def test_the_table_of_dashes_has_every_length(corpora: Path) -> None:
    documents = build(
        None, {"kind": "corpus", "path": str(with_dashes(corpora / "two.jsonl", corpora))}
    )
    rows = [row for document in documents for row in document.split("\n") if row.startswith("| -")]
    assert [row.count("-") for row in rows] == list(range(1, DASHES + 1))
    assert [document[:5] for document in documents] == ["Hello", "中文文本。"]
