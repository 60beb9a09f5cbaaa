"""The command line on long inputs: the same output as for the whole, in little memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_texts

import bpecore
from bpecore.cli import decode, inputs, main, streams, written_ids
from bpecore.cli.inputs import Reader, Source

STARTER = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "bpecore", *sys.argv[1:]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
used *= 1 if sys.platform == "darwin" else 1024
sys.exit(f"{used} bytes" if used > 200 * 2**20 else 0)
"""
"""Runs a command, which may not take more memory than promised."""

MEGABYTES = 210
"""Of text: more than a command may take, so one that keeps its input fails."""


def in_chunks(text: str, seed: int) -> Iterator[str]:
    generator = random.Random(seed)
    start = 0
    while start < len(text):
        end = start + generator.choice((1, 2, 5, 40))
        yield text[start:end]
        start = end


def streamed(encoding: bpecore.Encoding, text: str, seed: int, special: bool) -> list[int]:
    parts = streams.stream(encoding, in_chunks(text, seed), special, encoding.encode, list)
    return [id for part in parts for id in part]


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("longest", [8, 1 << 20])
def test_ids_of_chunks_are_those_of_the_whole(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, special: bool, longest: int
) -> None:
    monkeypatch.setattr(streams, "LONGEST_STRETCH", longest)
    monkeypatch.setattr(streams, "WINDOWS", (3, 17))
    encoding = pair.ours
    texts = [
        *random_texts(seed=5, count=150),
        "a <|endoftext|> b<|endoftext|><|endofprompt|> c <|endoftext<|endoftext|>" * 3,
        "1234567" * 20,
        "<|endof" * 20,
        " " * 300,
    ]
    for seed, text in enumerate(texts):
        text = text.encode(errors="replace").decode()
        expected = encoding.encode(text, **streams.special_arguments(special))
        assert streamed(encoding, text, seed, special) == expected, text


def test_a_pattern_without_an_automaton() -> None:
    encoding = own_encoding(r"(?<=a)b|\w|\s", BYTES)
    text = "abba ab" * 50
    assert streamed(encoding, text, 1, False) == encoding.encode(text)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("highest", [300, 10**7 - 1, 10**7 + 5])
def test_ids_are_written_like_a_list(as_json: bool, highest: int) -> None:
    ids = [0, 9, 10, 99, 100, highest, 7, highest - 1]
    output = BytesIO()
    writer = written_ids.IdWriter(output, as_json, highest + 1)
    parts = [ids, np.array(ids, np.uint32), [], np.array([], np.uint32), ids[:1]]
    for part in parts:
        writer.write(part)  # type: ignore[arg-type]
    writer.end()
    writer.end()
    whole = ids + ids + ids[:1]
    expected = f"{whole}\n[]\n" if as_json else " ".join(map(str, whole)) + "\n\n"
    assert output.getvalue().decode() == expected


def test_slices_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_ids, "SLICE", 3)
    output = BytesIO()
    writer = written_ids.IdWriter(output, False, 100)
    writer.write(np.arange(10, dtype=np.uint32))
    writer.end()
    assert output.getvalue() == b"0 1 2 3 4 5 6 7 8 9\n"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "FIRST_CHUNK", 3)
    monkeypatch.setattr(inputs, "CHUNK", 5)


@pytest.mark.usefixtures("small_chunks")
class TestReading:
    @pytest.mark.parametrize("codec", [None, "utf-8", "utf-16", "utf-32-be", "gb18030", "latin-1"])
    def test_characters_across_chunks(self, tmp_path: Path, codec: str | None) -> None:
        text = "naïve café\r\n" * 3 + ("" if codec == "latin-1" else "中文😀€" * 5)
        path = tmp_path / "text"
        path.write_bytes(text.encode(codec or "utf-8"))
        chunks = list(Reader(codec).chunks(Source(str(path))))
        assert "".join(chunks) == text
        assert len(chunks) > 5

    @pytest.mark.parametrize("offset", range(12))
    def test_a_wrong_byte_is_named_by_its_offset(self, tmp_path: Path, offset: int) -> None:
        path = tmp_path / "text"
        content = ("é" * 6).encode()[: offset // 2 * 2] + b"a" * (offset % 2)
        path.write_bytes(content + b"\xff" + b"b" * 10)
        with pytest.raises(click.ClickException, match=f"not UTF-8 at byte offset {offset}: "):
            Reader().text(Source(str(path)))

    def test_a_text_that_ends_in_the_middle_of_a_character(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_bytes(b"abcdefgh\xe4\xb8")
        with pytest.raises(click.ClickException, match="byte offset 8: unexpected end"):
            Reader().text(Source(str(tmp_path / "text")))


@pytest.mark.parametrize(
    "ids",
    [
        "1 2 3  44 5\n6,7 , 8 " * 9,
        "[1, 2, 3, 44, 5]\n[]\n[6,7]" * 9,
        "[1,\n2," + "3, " * 30 + "4]",
        "1" * 10,
    ],
)
def test_ids_are_read_in_parts(ids: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = decode.parse_ids(ids, Source("-"))
    monkeypatch.setattr(decode, "LONGEST_PART", 20)
    parts = list(decode.parts(in_chunks(ids, 3)))
    assert [id for part in parts for id in decode.parse_ids(part, Source("-"))] == expected
    assert len(parts) > 2 or len(ids) < 20


@pytest.mark.parametrize(
    "ids", ["[1, 2, 3, 4, 5, 6, 7, 8", "[1, 2, 3, 4], 5, 6, 7, 8, 9", "[[1" * 9]
)
def test_wrong_lists_in_parts(ids: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "LONGEST_PART", 10)
    result = CliRunner().invoke(main, ["decode"], input=ids)
    assert result.exit_code == 1
    assert "JSON" in result.output


def test_the_first_ids_come_before_the_end_of_the_input() -> None:
    command = [sys.executable, "-m", "bpecore", "encode"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello world and more" * 50)
        process.stdin.flush()
        assert process.stdout.read(11) == b"24912 2375 "
        process.stdin.close()


def test_a_reader_that_leaves_ends_the_command(tmp_path: Path) -> None:
    """An endless input ends as well."""
    command = f"yes 'some words' | {sys.executable} -m bpecore encode | head -c 20"
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert len(result.stdout) == 20
    assert result.stderr == b""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a long text, its ids, and its ids as JSON."""
    folder = tmp_path_factory.mktemp("long")
    text = "".join(random_texts(seed=8, count=3_000)).encode(errors="replace")
    text += b"def words(of: Code) -> list[str]: return 1234567\n" * 20_000
    with open(folder / "text", "wb") as file:
        while file.tell() < MEGABYTES * 2**20:
            file.write(text)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the system does not tell")
class TestMemory:
    @staticmethod
    def run(folder: Path, output: str, *arguments: str) -> None:
        with open(folder / output, "wb") as file:
            # Started by a small process: a child's memory counts what its parent had at the start.
            command = [sys.executable, "-S", "-c", STARTER, *arguments]
            subprocess.run(command, cwd=folder, stdout=file, check=True)

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_encode_and_decode(self, folder: Path, options: list[str]) -> None:
        self.run(folder, "ids", "encode", *options, "text")
        self.run(folder, "decoded", "decode", "ids")
        assert subprocess.run(["cmp", "text", "decoded"], cwd=folder).returncode == 0

    def test_count(self, folder: Path) -> None:
        self.run(folder, "count", "count", "text")
        text = (folder / "text").read_bytes().decode()
        expected = bpecore.get_encoding("o200k_base").count(text, disallowed_special=())
        assert (folder / "count").read_text() == f"{expected}\n"

    def test_split(self, folder: Path) -> None:
        self.run(folder, "chunks", "split", "-t", "200", "-0", "text")
        content = (folder / "chunks").read_bytes()
        assert content.replace(b"\0", b"") == (folder / "text").read_bytes().replace(b"\0", b"")
        assert content.count(b"\0") > 100_000

    @pytest.mark.parametrize("letters", ["a", "qxyz", " "])
    def test_one_piece(self, tmp_path: Path, letters: str) -> None:
        unit = "".join(random.Random(1).choices(letters, k=1_000_003))
        text = unit * 12
        (tmp_path / "text").write_text(text)
        self.run(tmp_path, "count", "count", "text")
        expected = bpecore.get_encoding("o200k_base").count(text)
        assert (tmp_path / "count").read_text() == f"{expected}\n"
