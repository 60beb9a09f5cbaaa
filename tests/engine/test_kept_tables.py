"""Tables of the caller's vocabularies in a folder of the user's choice: kept, checked, shared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from own import BYTES, own_encoding

import bpecore
from bpecore._build.frozen_files import TABLES_DIRECTORY_VARIABLE
from bpecore._core import RankTable, Vocabulary


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "made" / "when needed"
    monkeypatch.setenv(TABLES_DIRECTORY_VARIABLE, str(path))
    return path


def make(token: bytes) -> bpecore.Encoding:
    ranks = {**BYTES, b"ab": 256, token: 257}
    return own_encoding(r".+", ranks)


def is_mapped(encoding: bpecore.Encoding) -> bool:
    return encoding._core_bpe.vocabulary.is_mapped


def test_without_the_variable_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv(TABLES_DIRECTORY_VARIABLE, raising=False)
        else:
            monkeypatch.setenv(TABLES_DIRECTORY_VARIABLE, value)
        assert not is_mapped(make(b"nothing kept"))
    assert list(tmp_path.iterdir()) == []


def test_the_second_time_it_is_mapped(folder: Path) -> None:
    first = make(b"abc")
    ids = first.encode("abcab")
    assert not is_mapped(first)
    (kept,) = folder.iterdir()
    del first
    second = make(b"abc")
    assert is_mapped(second)
    assert second.encode("abcab") == ids == [257, 256]
    assert list(folder.iterdir()) == [kept]
    assert make(b"abc")._core_bpe.vocabulary is second._core_bpe.vocabulary


def test_each_vocabulary_has_a_file(folder: Path) -> None:
    for token in (b"abd", b"abe", b"abd"):
        make(token)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("damage", ["short", "bit", "foreign", "other vocabulary"])
def test_a_file_that_cannot_be_used_is_replaced(folder: Path, damage: str) -> None:
    make(b"abf")
    (kept,) = folder.iterdir()
    sound = kept.read_bytes()
    other = Vocabulary(RankTable({**BYTES, b"zz": 300})).to_bytes()
    kept.unlink()
    kept.write_bytes(
        {
            "short": sound[:-4096],
            "bit": sound[:-5000] + bytes([sound[-5000] ^ 4]) + sound[-4999:],
            "foreign": b"hello",
            "other vocabulary": other,
        }[damage]
    )
    with pytest.warns(RuntimeWarning, match="cannot be used"):
        encoding = make(b"abf")
    assert encoding.encode("abfab") == [257, 256]
    assert not is_mapped(encoding)
    del encoding
    assert is_mapped(make(b"abf"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_in_its_place_is_replaced_not_waited_for(folder: Path) -> None:
    make(b"abh")
    (kept,) = folder.iterdir()
    kept.unlink()
    os.mkfifo(kept)
    with pytest.warns(RuntimeWarning, match="cannot be read"):
        encoding = make(b"abh")
    assert encoding.encode("abhab") == [257, 256]
    del encoding
    assert is_mapped(make(b"abh"))


def test_a_folder_that_cannot_be_written_is_told_and_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a file"
    file.write_bytes(b"")
    monkeypatch.setenv(TABLES_DIRECTORY_VARIABLE, str(file))
    with pytest.warns(RuntimeWarning):
        encoding = make(b"abg")
    assert encoding.encode("abg") == [257]


WRITER = """
import sys, warnings
import bpecore
warnings.simplefilter("error")
ranks = {bytes([byte]): byte for byte in range(256)}
for rank in range(256, 3000):
    ranks[b"%d" % (rank * 7919)] = rank
sys.stdin.readline()
for round in range(20):
    encoding = bpecore.Encoding("own", pat_str=".+", mergeable_ranks=ranks, special_tokens={})
    assert encoding.encode(str(300 * 7919)) == [300]
    del encoding
print("done")
"""


def test_several_processes_at_once(folder: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER],
            cwd=folder.parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        output, errors = worker.communicate(timeout=60)
        assert output == "done\n", errors
    left = sorted(path.suffix for path in folder.iterdir())
    assert left == [".automaton", ".tables"], "no temporary file is left"
