"""Files that are no vocabulary: one error that says which, where, and what it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpecore import Encoding
from bpecore.data.tiktoken_format import written

RANKS = [(bytes([value]), value) for value in range(256)]
LINES = written(RANKS)

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
    "gguf": (b"GGUF\x03\0\0\0", "line 1: neither", "a GGUF model"),
    "array": (b"[1, 2]", "line 1: neither", "JSON"),
    "text": (b"hello world\n", "line 1: neither", ""),
    "cut JSON": (b'{"model": {"vocab": {"a": 1,\n', "line 2, column 1: no valid JSON", "cut off"),
    "cut string": (b'{"model": "BP', "line 1, column 11: no valid JSON", "cut off"),
    "other JSON": (b'{"a": 1}', "neither a tokenizer.json nor a tekken file: it has a", ""),
    "deep": (b'{"a":' * 100_000, "nested too deep", ""),
    "deep parts": (
        b'{"model": {}, "normalizer": '
        + b'{"type": "Sequence", "normalizers": [' * 900
        + b"]}" * 900
        + b"}",
        "nested too deep",
        "",
    ),
    "digits": (b'{"a":' + b"9" * 100_000 + b"}", "digits", ""),
    "NaN": (b'{"a": NaN}', "NaN is no number", ""),
    "no UTF-8": (b'{"a": "\xff"}', "byte 7: no UTF-8", ""),
    "a bad line": (
        LINES.replace(b"IQ== 33", b"IQ== x"),
        "line 34: rank b'x' is",
        "",
    ),
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
