"""Which files are read, what is in them, and what is said of those that cannot be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path
from typing import Any

import corpus_twin
import pytest

from bpecore.corpus import CorpusError, tokenize


def texts_of(out: Path) -> list[str]:
    """Returns the documents of a corpus."""
    import bpecore

    encoding = bpecore.get_encoding("r50k_base")
    return [encoding.decode(ids) for ids in corpus_twin.documents_of(out, "npy")]


def read(inputs: Any, out: Path, **options: Any) -> list[str]:
    """Makes a corpus and returns its documents."""
    summary = tokenize(inputs, out, format="npy", encoding="r50k_base", **options)
    assert summary.failures == ()
    return texts_of(out)


def packed(compression: str, data: bytes) -> bytes:
    """Returns compressed data, in two members."""
    half = len(data) // 2
    if compression == "zst":
        zstandard = pytest.importorskip("zstandard", reason="needs the extra corpus")
        return b"".join(
            zstandard.ZstdCompressor().compress(part) for part in (data[:half], data[half:])
        )
    module: Any = {"gz": gzip, "xz": lzma, "bz2": bz2}[compression]
    return b"".join(module.compress(part) for part in (data[:half], data[half:]))


@pytest.mark.parametrize("compression", ["gz", "zst", "xz", "bz2"])
def test_compressed_files(compression: str, tmp_path: Path) -> None:
    text = "".join(f"line {i}\n" for i in range(5000))
    path = tmp_path / f"a.txt.{compression}"
    path.write_bytes(packed(compression, text.encode()))
    assert read(path, tmp_path / "out", document="line") == text.split("\n")[:-1]
    whole = path.read_bytes()
    for cut in (len(whole) // 4, len(whole) - 3):
        path.write_bytes(whole[:cut])
        out = tmp_path / f"cut{cut}"
        found = tokenize(path, out, format="npy", encoding="r50k_base", document="line")
        name = {"gz": "gzip", "zst": "zstd"}.get(compression, compression)
        assert found.failures[0].startswith(f"{path}: damaged {name} file: ")
        assert not [*out.glob("*.npy")]


def test_documents_of_plain_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\n\r\ntwo\nthree".encode())
    (tmp_path / "b.md").write_text("four--five--")
    both = [tmp_path / "a.txt", tmp_path / "b.md"]
    assert read(both, tmp_path / "1") == ["one\r\n\r\ntwo\nthree", "four--five--"]
    lines = ["one", "two", "three", "four--five--"]
    assert read(both, tmp_path / "2", document="line") == lines
    options = {"document": "separator", "separator": "--"}
    between = ["one\r\n\r\ntwo\nthree", "four", "five"]
    assert read(both, tmp_path / "3", **options) == between


@pytest.mark.parametrize("separator", ["\n\n", "<|end|>", "aba"])
def test_a_text_cut_into_many_ranges(separator: str, tmp_path: Path) -> None:
    documents = [f"b{i}\nab" * (i % 7 + 1) for i in range(300)]
    (tmp_path / "a.txt").write_text(separator.join(documents))
    options = {"document": "separator", "separator": separator, "shard_size": 100}
    found = read(tmp_path / "a.txt", tmp_path / "out", **options)
    assert found == [part for part in separator.join(documents).split(separator) if part]
    assert (len([*(tmp_path / "out").glob("*.offsets.npy")]) > 20) == (separator != "aba")


def test_folders_globs_and_doubles(tmp_path: Path) -> None:
    for name in (
        "b/2.txt",
        "a.txt",
        "b/c/1.jsonl.md",
        ".hidden.txt",
        "_x.txt",
        "z.bin",
        "b/.d/e.txt",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    names = ["a.txt", "b/2.txt", "b/c/1.jsonl.md"]
    assert read(tmp_path / "in", tmp_path / "1") == names
    globs = [f"{tmp_path}/in/*.txt", tmp_path / "in"]
    assert read(globs, tmp_path / "2") == ["_x.txt", *names]
    assert read(tmp_path / "in", tmp_path / "3", input_format="text") == [
        "a.txt",
        "z.bin",
        *names[1:],
    ]
    (tmp_path / "none").mkdir()
    for path, reason in (
        (tmp_path / "none", "has no files with a known suffix"),
        (f"{tmp_path}/*.zip", "no file matches"),
        (tmp_path / "missing.txt", "No such file or directory"),
    ):
        with pytest.raises(CorpusError, match=reason):
            tokenize(path, tmp_path / "no", format="npy")


def test_nothing_but_empty_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert read(tmp_path / "a.txt", tmp_path / "out") == []
    assert len(corpus_twin.shards_of(tmp_path / "out", "npy", "train")) == 1


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("orjson", reason="needs the extra corpus")

    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    give(b'{"text": "one"}\n{"text": "two"}\n')
    assert read("-", tmp_path / "out") == ["one", "two"]
    give(b'{"text": "one"}\n{"text": "two"}\n')
    assert read("-", tmp_path / "out") == ["one", "two"]
    give(b'{"text": "one"}\n{"text": "six"}\n')
    with pytest.raises(CorpusError, match=r"the input - has changed \(digest\)"):
        read("-", tmp_path / "out")


def test_remote_files(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="needs the extra corpus")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{name}\n" * 50)
    options = {"document": "line", "shard_size": 100}
    lines = ["a.txt"] * 50 + ["b.txt"] * 50
    assert read(f"file://{tmp_path}/*.txt", tmp_path / "1", **options) == lines
    assert read(f"local://{tmp_path}", tmp_path / "2", workers=2, **options) == lines
    with pytest.raises(CorpusError, match="nothing://a: "):
        read("nothing://a", tmp_path / "3")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jsonl", b'[{"text": "a"}]', "is a JSON array, not JSON Lines"),
        ("a.txt", "a".encode("utf-16"), "its byte order mark says UTF-16"),
        ("a.parquet", b"PAR1 and nothing", "damaged parquet file"),
        ("a.arrow", b"ARROW1\0\0 nothing", "damaged arrow file"),
    ],
)
def test_files_that_are_not_what_they_seem(
    name: str, data: bytes, reason: str, tmp_path: Path
) -> None:
    if "damaged" in reason:
        pytest.importorskip("pyarrow", reason="needs the extra corpus")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=reason) as raised:
        tokenize(tmp_path / name, tmp_path / "out", format="npy")
    assert "\n" not in str(raised.value)


def test_a_long_document_is_encoded_as_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpecore.corpus import tokens

    text = "many words 漢字 " * 1000
    (tmp_path / "a.txt").write_text(text)
    for limit in (1000, 1 << 24):
        monkeypatch.setattr(tokens, "LONG_DOCUMENT", limit)
        assert read(tmp_path / "a.txt", tmp_path / str(limit)) == [text]
