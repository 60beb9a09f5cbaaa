"""`bpecore verify`: a user's files through both engines, in one short table."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pairs import ENCODING_NAMES

import bpecore
from bpecore.cli import main, verification
from bpecore.data import rank_tables

CL100K_URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
CL100K_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


def table_of(result: Result) -> list[str]:
    """Returns the lines of the table in the output."""
    lines = result.output.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("encoding "))
    end = next(place for place, line in enumerate(lines) if line.startswith("The times "))
    return lines[start:end]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "/nowhere")
    (tmp_path / "below").mkdir()
    (tmp_path / "one.txt").write_bytes("hello wörld\r\n 中文 😀 <|endoftext|>".encode())
    (tmp_path / "below" / "two.txt").write_bytes(b"two words\n")
    (tmp_path / "below" / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path


def test_one_encoding_by_default(folder: Path) -> None:
    result = run("one.txt")
    assert result.exit_code == 0, result.output
    header, row = table_of(result)
    assert header.split() == [
        *("encoding", "files", "characters", "tokens"),
        *("mismatches", "tiktoken", "bpecore", "faster"),
    ]
    text = (folder / "one.txt").read_bytes().decode()
    tokens = len(bpecore.get_encoding("o200k_base").encode_ordinary(text))
    assert row.split()[:5] == ["o200k_base", "1", str(len(text)), str(tokens), "0"]
    assert re.search(r"\d\.\d{3} s +\d\.\d{3} s +\d+\.\d times$", row)


def test_folders_are_searched_and_what_is_no_text_is_counted(folder: Path) -> None:
    result = run(".", "--encoding", "gpt2")
    assert result.exit_code == 0, result.output
    assert table_of(result)[1].split()[:2] == ["gpt2", "3"]
    assert "left out: 1 file that is not UTF-8" in result.output


def test_nothing_to_compare_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_bytes("two".encode("utf-16"))
    result = run(str(tmp_path / "two.txt"), "--encoding", "gpt2")
    assert result.exit_code == 1
    assert "left out: 1 file" in result.output


def test_all_encodings(folder: Path) -> None:
    result = run("--all", "one.txt")
    names = [line.split()[0] for line in table_of(result)[1:]]
    assert names == list(ENCODING_NAMES)


def test_several_encodings(folder: Path) -> None:
    result = run("--encoding", "gpt2", "--encoding", "cl100k_base", "one.txt")
    names = [line.split()[0] for line in table_of(result)[1:]]
    assert names == ["gpt2", "cl100k_base"]


def test_versions_and_the_origin_of_the_ranks(folder: Path) -> None:
    lines = run("one.txt", "-e", "cl100k_base", "-e", "gpt2", "-e", "r50k_base").output.splitlines()
    assert lines[0].startswith(f"bpecore {bpecore.__version__} (")
    assert f"tiktoken {metadata.version('tiktoken')}, " in lines[0]
    assert platform.python_version() in lines[0]
    assert lines[1].startswith("ranks of cl100k_base: in the package bpecore; tiktoken has no file")
    assert lines[2] == f"  SHA-256 {CL100K_SHA256}"
    assert lines[3].startswith("ranks of r50k_base: ")
    assert lines[5].startswith("encoding "), "a table is named once"


def test_tiktokens_own_file_is_used(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
    path = cache / hashlib.sha1(CL100K_URL.encode()).hexdigest()
    path.write_bytes(rank_tables.tiktoken_file("cl100k_base"))
    result = run("one.txt", "--encoding", "cl100k_base")
    assert result.exit_code == 0
    own = f"ranks of cl100k_base: tiktoken's own file, {path}\n  SHA-256 {CL100K_SHA256}"
    assert own in result.output

    path.write_bytes(b"<html>")
    result = run("one.txt", "--encoding", "cl100k_base")
    assert result.exit_code == 0
    assert f"tiktoken's own file {path} is damaged, its SHA-256 is " in result.output
    assert f"  SHA-256 {CL100K_SHA256}" in result.output
    assert path.read_bytes() == b"<html>", "nothing is removed"


def test_the_factor_is_called_a_first_pass(folder: Path) -> None:
    assert "a first pass" in run("one.txt").output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_what_cannot_be_read_is_skipped_and_reported(folder: Path) -> None:
    os.mkfifo(folder / "below" / "pipe")
    (folder / "below" / "broken").symlink_to("nowhere")
    result = run(".")
    assert result.exit_code == 0
    assert table_of(result)[1].split()[:2] == ["o200k_base", "3"]
    assert "left out: below/pipe: not a regular file" in result.output
    assert "left out: below/broken: No such file or directory" in result.output
    assert run("below/pipe").exit_code == 1, "nothing was compared"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_without_permission(folder: Path) -> None:
    (folder / "one.txt").chmod(0)
    (folder / "below").chmod(0)
    try:
        result = run(".")
    finally:
        (folder / "below").chmod(0o700)
    assert "left out: one.txt: Permission denied" in result.output
    assert "left out: below: Permission denied" in result.output


def test_a_mismatch_is_shown_and_ends_with_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = bpecore.Encoding.encode_ordinary

    def wrong(self: bpecore.Encoding, text: str) -> list[int]:
        ids = encode(self, text)
        return [*ids[:2], 7, *ids[3:]] if "words" in text else ids

    monkeypatch.setattr(bpecore.Encoding, "encode_ordinary", wrong)
    result = run("one.txt", "below/two.txt")
    assert result.exit_code == 1
    assert table_of(result)[1].split()[4] == "1"
    last = result.output.splitlines()[-1]
    assert last.startswith("below/two.txt: o200k_base: token 2, character 9: bpecore [7], tiktoken")


def test_the_place_of_a_mismatch() -> None:
    encoding = bpecore.get_encoding("o200k_base")
    expected = encoding.encode_ordinary("中文 hello")
    mismatch = verification.first_mismatch(Path("x"), encoding, expected[:-1], expected)
    assert mismatch.token == len(expected) - 1
    assert mismatch.character == len("中文")
    assert mismatch.ours == []


def test_files_that_cannot_be_read_and_unknown_encodings(folder: Path) -> None:
    assert run("missing").exit_code == 2
    result = run("--encoding", "nonsense", "one.txt")
    assert result.exit_code == 2
    assert "unknown encoding 'nonsense'" in result.output
    assert run().exit_code == 2


@pytest.mark.parametrize("words", [["verify", "one.txt"], ["fuzz"]])
def test_without_tiktoken_it_says_so(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "pip install tiktoken" in result.output


def test_bpecore_is_not_compared_with_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = types.ModuleType("tiktoken")
    stand_in.Encoding = bpecore.Encoding  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiktoken", stand_in)
    result = run("one.txt")
    assert result.exit_code == 1
    assert "with itself" in result.output


def test_the_fuzzer_is_a_command_too() -> None:
    result = CliRunner().invoke(main, ["fuzz", "--help"])
    assert result.exit_code == 0
    assert "--seconds" in result.output
    result = CliRunner().invoke(
        main, ["fuzz", "--seconds", "0", "--encoding", "gpt2", "--quiet", "--seed", "5"]
    )
    assert result.exit_code == 0, result.output
    assert "seed 5" in result.output
