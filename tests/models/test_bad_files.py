"""Files that are no vocabulary: one error that says which, where, and what it looks like."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pickle
import sys
import threading
from pathlib import Path

import pytest

from bpecore import Encoding
from bpecore.data.tiktoken_format import written

RANKS = [(bytes([value]), value) for value in range(256)]
LINES = written(RANKS)
SAFETENSORS = b'%s\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}'

BAD = {
    "empty": (b"", "line 1: neither", "It is empty"),
    "zeros": (b"\0" * 100, "line 1: neither", "It is all zero bytes"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "line 1: neither",
        "a Git LFS pointer instead of the file",
    ),
    "html": (b"<!DOCTYPE html><html></html>", "line 1: neither", "an HTML page"),
    "sentencepiece": (
        b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02\n\x0c\n\x03<s>\x15\0\0\0\0",
        "line 1: neither",
        "a SentencePiece model",
    ),
    "gguf": (b"GGUF\x03\0\0\0", "the header, byte 0: 16 bytes are missing", "truncated"),
    "array": (b"[1, 2]", "line 1: neither", "JSON"),
    "text": (b"Entry not found\n", "line 1: neither", "it begins with 'Entry not found'"),
    "binary": (b"\x01\x02\x03", "line 1: neither", "but binary"),
    "program": (b"\x7fELF\x02", "line 1: neither", "a program or library (ELF)"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "line 1: neither", "a PNG picture"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "line 1: neither", "a JPEG picture"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "line 1: neither", "a 7z archive"),
    "lz4": (b"\x04\x22\x4d\x18", "line 1: neither", "a file compressed by lz4"),
    "SQLite": (b"SQLite format 3\0", "line 1: neither", "an SQLite database"),
    "blank": (b"\xef\xbb\xbf \n\n", "line 1: neither", "It has only white space"),
    "zip": (b"PK\x03\x04\x14\0", "line 1: neither", "a zip archive"),
    "gzip": (gzip.compress(LINES), "line 1: neither", "a file compressed by gzip"),
    "bzip2": (bz2.compress(LINES), "line 1: neither", "a file compressed by bzip2"),
    "xz": (lzma.compress(LINES), "line 1: neither", "a file compressed by xz"),
    "zstd": (b"\x28\xb5\x2f\xfd\0", "line 1: neither", "a file compressed by zstd"),
    "tar": (b"x" * 257 + b"ustar\0", "line 1: neither", "a tar archive"),
    "pickle": (pickle.dumps({}, 5), "line 1: neither", "a Python pickle"),
    "safetensors": (SAFETENSORS % b"@", "line 1: neither", "the weights of a model (safetensors)"),
    "safetensors whose length is a brace": (
        SAFETENSORS % b"{",
        "line 1, column 2: no valid JSON",
        "the weights of a model (safetensors)",
    ),
    "UTF-16": (LINES.decode().encode("utf-16"), "line 1: neither", "UTF-16 text"),
    "merges": (b"#version: 0.2\nh e\n", "line 1: neither", "the merges.txt of a vocabulary"),
    "one long line": (b"A" * 5_000_000 + b" 1\n", "line 1: neither", "it begins with 'AAAA"),
    "other JSON": (b'{"a": 1}', "neither a tokenizer.json nor a tekken file: it has a", ""),
    "deep parts": (
        b'{"model": {}, "normalizer": '
        + b'{"type": "Sequence", "normalizers": [' * 900
        + b"]}" * 900
        + b"}",
        "line 1, column 2396: no valid JSON: nested more than 128 deep",
        "",
    ),
    "a bad line": (
        LINES.replace(b"IQ== 33", b"IQ== x"),
        "line 34: rank b'x' is",
        "",
    ),
    **{
        f"rank {rank[:9].decode()}": (
            LINES.replace(b"IQ== 33\n", b"IQ== " + rank + b"\n"),
            "line 34: rank b'",
            "",
        )
        for rank in (b"-33", b"NaN", b"3.5", b"33,", b"9" * 1_000_000)
    },
    "a rank twice": (LINES.replace(b" 33\n", b" 34\n"), "line 35: rank 34 occurs twice", ""),
    "a token twice": (LINES + b"IQ== 999\n", "line 257: token b'!' occurs twice", ""),
    "zeros at the end": (LINES + bytes(50), "line 257: expected a token", "ends with zero bytes"),
    "a missing byte": (LINES[: LINES.rindex(b"\n", 0, -1) + 1], "0xFF; 1 of the 256", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_the_error_says_where_and_what(name: str, tmp_path: Path) -> None:
    contents, place, looks = BAD[name]
    file = tmp_path / "vocabulary"
    file.write_bytes(contents)
    with pytest.raises(ValueError, match="vocabulary") as caught:
        Encoding.from_file(file, pattern="llama3")
    message = str(caught.value)
    assert message.startswith(str(file))
    assert place in message
    assert looks in message
    assert message.count(str(file)) == 1
    assert len(message) < 500 + len(str(file))


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary"
    file.write_bytes(b"\xef\xbb\xbf" + LINES)
    assert Encoding.from_file(file, pattern=r"\S|\s").encode("a") == [97]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_blank_lines_before_it_are_accepted(mark: bytes, tmp_path: Path) -> None:
    file = tmp_path / "vocabulary"
    file.write_bytes(mark + b"\n" * 5000 + LINES)
    assert Encoding.from_file(file, pattern=r"\S|\s").encode("a") == [97]


def test_ids_may_have_holes(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary"
    file.write_bytes(LINES + b"YWI= 4000000000\n")
    encoding = Encoding.from_file(file, pattern=r"\S+|\s")
    assert encoding.encode("abc") == [4_000_000_000, 99]
    assert encoding.decode([4_000_000_000]) == "ab"


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such pipes")
def test_a_pipe_is_read_and_one_without_end_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "vocabulary"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LINES,))
    writer.start()
    assert Encoding.from_file(pipe, pattern=r"\S|\s").n_vocab == 256
    writer.join()
    monkeypatch.setattr("bpecore._models.recognition.SIZE_LIMIT", 1 << 20)
    with pytest.raises(ValueError, match="zero: no vocabulary has more than 1,048,576 bytes"):
        Encoding.from_file("/dev/zero", pattern="llama3")


def test_without_a_pattern(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary"
    file.write_bytes(LINES)
    with pytest.raises(ValueError, match=r"a \.tiktoken file of 256 ranks, which has no split pat"):
        Encoding.from_file(file)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ([], "has no vocabulary: expected tokenizer.json, .* found nothing"),
        (["a.txt", "b.txt"], "found a.txt, b.txt"),
        (["spiece.model"], "it is a SentencePiece model"),
        (["vocab.txt"], "it is a WordPiece vocabulary"),
        (
            ["vocab.json", "merges.txt"],
            "not say how texts are split; .* is missing",
        ),
    ],
)
def test_a_folder_without_a_vocabulary(folder: list[str], message: str, tmp_path: Path) -> None:
    for name in folder:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(tmp_path)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.tiktoken"):
        Encoding.from_file(tmp_path / "missing.tiktoken")


@pytest.mark.parametrize("kept", [300, 50_000, 100_255])
def test_a_published_file_cut_at_a_lines_end(kept: int, tmp_path: Path) -> None:
    from bpecore.data.rank_tables import tiktoken_file

    lines = tiktoken_file("cl100k_base").splitlines(keepends=True)
    file = tmp_path / "cut.tiktoken"
    file.write_bytes(b"".join(lines[:kept]))
    message = rf"line {kept} \(the last\): .* looks truncated at a line's end"
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(file, pattern="cl100k")
    assert Encoding.from_file(file, pattern=r"\S+|\s+").n_vocab == kept
    file.write_bytes(b"".join(lines))
    assert Encoding.from_file(file, pattern="cl100k").n_vocab == 100_256
