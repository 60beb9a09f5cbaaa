"""Whatever an input holds, each record is a document or is set aside, or the input is one error."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from bpecore.corpus import CorpusError, EncodingSource, Summary, tokenize
from bpecore.corpus.inputs import find_inputs
from bpecore.corpus.options import make_options
from bpecore.corpus.plan import make_plan
from bpecore.corpus.readers.reading import documents_of

pytest.importorskip("orjson", reason="needs the extra corpus")

CASES = int(os.environ.get("BPECORE_DAMAGED_INPUTS", "400"))

BAD_LINES = [
    b"{",
    b'{"text": "a"',
    b'{"text": 1}',
    b'{"text": null}',
    b'{"text": ["a"]}',
    b'{"other": "a"}',
    b'{"text": "\xff"}',
    b'{"text": "\xe6\xbc"}',
    "{'text': 'caf\u00e9'}".encode("latin-1"),
    '{"text": "a"}'.encode("utf-16"),
    b'{"text": "a\x00b"}',
    b'"text"',
    b"[1]",
    b"nan",
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"text": "' + b"x" * 200_000,
    b'{"text": 1e999999}',
    b"\x00\x00\x00",
    b'{"text": "a"} trailing',
]
GOOD_LINES = [
    b'{"text": "a"}',
    b'{"text": "nul \\u0000 inside"}',
    b'{"text": "lone \\ud800 surrogate"}',
    b'{"text": "", "n": NaN}',
    b'{"text": "big", "n": ' + b"9" * 4000 + b"}",
    b'{"text": "' + b"x" * 200_000 + b'"}',
    '{"text": "漢字", "text": "twice"}'.encode(),
    b'  {"text": "spaces"}  ',
]
BLANK_LINES = [b"", b"   ", b"\t"]


def made(path: Path, out: Path, **options: Any) -> Summary:
    return tokenize(path, out, format="npy", encoding="r50k_base", **options)


def test_each_kind_of_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [line for pair in zip(BAD_LINES, GOOD_LINES * 3, BLANK_LINES * 7) for line in pair]
    path.write_bytes(b"\n".join(lines))
    summary = made(path, tmp_path / "out", shard_size=100_000)
    assert (summary.documents, summary.aside) == (len(BAD_LINES), len(BAD_LINES))
    rows = [
        json.loads(row)
        for row in (tmp_path / "out/_bpecore/aside.jsonl").read_text("utf-8").splitlines()
    ]
    assert [row["line"] for row in rows] == [3 * i + 1 for i in range(len(BAD_LINES))]
    assert {row["file"] for row in rows} == {str(path)}
    assert rows[0]["reason"].startswith("is not JSON: ")
    assert rows[2]["reason"] == "field 'text' is a number, not a string"
    assert rows[5]["reason"] == "has no field 'text'"
    assert rows[6]["reason"] == "is not UTF-8 at byte 10"
    assert rows[11]["reason"] == "the record is a string, not an object"
    assert rows[14]["reason"] == "is nested too deeply"
    assert rows[2]["data"] == '{"text": 1}'
    assert [row["bytes"] for row in rows] == [len(line) for line in BAD_LINES]


def test_strict_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 100 + b'{"text": 5}\n' + b'{"text": "a"}\n' * 100)
    with pytest.raises(CorpusError, match=r"a.jsonl: line 101 field 'text' is a number"):
        made(path, tmp_path / "out", shard_size=300, strict=True)
    assert made(path, tmp_path / "out", shard_size=300).aside == 1


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\xffb"}\n')
    (tmp_path / "b.txt").write_bytes(b"a\xffb")
    paths: Any = [tmp_path / "a.jsonl", tmp_path / "b.txt"]
    assert made(paths, tmp_path / "1").aside == 2
    replaced = made(paths, tmp_path / "2", errors="replace")
    assert (replaced.documents, replaced.aside) == (2, 0)


def test_fields(tmp_path: Path) -> None:
    from test_inputs import texts_of

    path = tmp_path / "a.jsonl"
    path.write_text('{"a": {"b": "one"}, "t": "two"}\n{"a": "no", "t": "x"}\n{"t": "x"}\n')
    summary = made(path, tmp_path / "out", text_fields=("t", "a.b"), join="+")
    assert texts_of(tmp_path / "out") == ["two+one"]
    assert summary.aside == 2
    rows = (tmp_path / "out/_bpecore/aside.jsonl").read_text()
    assert "field 'a' is a string, not an object" in rows
    assert "has no field 'a'" in rows


def damaged_lines(chance: random.Random) -> bytes:
    """Returns some lines, changed anywhere."""
    data = bytearray(b"\n".join(chance.choices(BAD_LINES[:14] + GOOD_LINES[:5], k=8)))
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(3)] = chance.choice(
            [b"\n", b'"', b"\\", b"\x00", b"\xff", b"{", b"}", b"", b"\r", b"\xef\xbb\xbf"]
        )
    return bytes(data[: chance.randrange(1, len(data) + 1)])


def test_damaged_inputs(tmp_path: Path) -> None:
    """Random damage; `BPECORE_DAMAGED_INPUTS` says how many. All records are accounted for."""
    import gzip

    source = EncodingSource.of("r50k_base")
    outcomes = {"read": 0, "refused": 0, "aside": 0}
    for case in range(CASES):
        chance = random.Random(case)
        data = damaged_lines(chance)
        name = chance.choice(["a.jsonl", "a.jsonl", "a.txt", "a.jsonl.gz", "a.parquet", "a.arrow"])
        stored = gzip.compress(data, mtime=0) if name.endswith("gz") else data
        if name.endswith("gz") and chance.random() < 0.5:
            stored = stored[: chance.randrange(2, len(stored))]
        if name == "a.parquet":
            stored = b"PAR1" + stored + b"PAR1" * chance.randrange(2)
        path = tmp_path / name
        path.write_bytes(stored)
        document = chance.choice(["file", "line"])
        options = make_options(source, "npy", {"document": document, "shard_size": 50})
        try:
            plan = make_plan(options, find_inputs([str(path)], "auto", ""))
            found = [
                documents
                for portion in plan.portions
                for part in portion.ranges
                for documents in documents_of(plan.inputs[part.input], part, options)
            ]
        except CorpusError as error:
            assert re.fullmatch(f"{re.escape(str(path))}: .+", str(error)), error  # noqa: PT017 (not each raises)
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        outcomes["aside"] += sum(len(documents.aside) for documents in found)
        if name == "a.txt" and document == "file":
            assert sum(documents.passed for documents in found) == bool(data)
            continue
        lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        lines = lines[:-1] if lines[-1] == b"" else lines
        assert sum(documents.passed for documents in found) == len(lines)
        kept = sum(len(documents.texts) + len(documents.aside) for documents in found)
        is_blank = bytes.isspace if name != "a.txt" else lambda line: line == b"\r"
        assert kept == sum(1 for line in lines if line and not is_blank(line))
    assert all(count > CASES // 20 for count in outcomes.values()), outcomes
