"""A damaged file in the cache directory is named by its path, with what it looks like."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bpecore import load
from bpecore.data import rank_tables
from bpecore.data.appearance import appearance

URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
GPT2_URL = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1681126\n"
KINDS = [
    (HTML, "It looks like an HTML page"),
    (b"\n  <html>gone", "It looks like an HTML page"),
    (b"<?xml version='1.0'?><Error><Code>BlobNotFound</Code></Error>", "an XML document"),
    (b'{"error": "not found"}', "It looks like JSON"),
    (LFS, "It looks like a Git LFS pointer"),
    (b"", "It is empty"),
    (bytes(5000), "It is all zero bytes"),
    (b"\x1f\x8b\x08\0\0", "compressed by gzip"),
    (rank_tables.tiktoken_file("cl100k_base")[:1_234_567], "It looks truncated"),
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(url: str) -> bytes:
        raise OSError(f"could not download {url}: no network")

    monkeypatch.setattr(load, "_download", refuse)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return tmp_path


def cached(folder: Path, url: str, contents: bytes) -> str:
    path = folder / hashlib.sha1(url.encode()).hexdigest()
    path.write_bytes(contents)
    return str(path)


@pytest.mark.parametrize(("contents", "looks"), KINDS, ids=[looks for _, looks in KINDS])
def test_without_a_hash_the_error_names_the_copy(cache: Path, contents: bytes, looks: str) -> None:
    path = cached(cache, URL, contents)
    with pytest.raises(ValueError, match=looks) as error:
        load.load_tiktoken_bpe(URL)
    assert str(error.value).startswith(f"{path}, the cached copy of {URL}, line ")


@pytest.mark.parametrize(("contents", "looks"), KINDS, ids=[looks for _, looks in KINDS])
def test_with_a_hash_the_copy_is_named_if_it_cannot_be_replaced(
    cache: Path, contents: bytes, looks: str
) -> None:
    url = "https://example.invalid/mine.tiktoken"
    path = cached(cache, url, contents)
    with pytest.raises(OSError, match="could not download") as error:
        load.load_tiktoken_bpe(url, "0" * 64)
    assert path in str(error.value)
    assert looks in str(error.value)
    assert not Path(path).exists()


def test_a_damaged_copy_of_openais_file_is_replaced_from_the_package(cache: Path) -> None:
    path = cached(cache, URL, HTML)
    contents = rank_tables.tiktoken_file("cl100k_base")
    assert load.read_file_cached(URL, hashlib.sha256(contents).hexdigest()) == contents
    assert not Path(path).exists()


def test_gpt2s_two_files(cache: Path) -> None:
    merges, vocabulary = f"{GPT2_URL}vocab.bpe", f"{GPT2_URL}encoder.json"
    path = cached(cache, merges, HTML)
    with pytest.raises(ValueError, match="an HTML page") as error:
        load.data_gym_to_mergeable_bpe_ranks(merges, vocabulary)
    assert path in str(error.value)
    cached(cache, merges, b"#version: 0.2\n")
    path = cached(cache, vocabulary, HTML)
    with pytest.raises(ValueError, match="an HTML page") as error:
        load.data_gym_to_mergeable_bpe_ranks(merges, vocabulary)
    assert path in str(error.value)
    cached(cache, vocabulary, b'{"!": ')
    with pytest.raises(ValueError, match="line 1 column") as error:
        load.data_gym_to_mergeable_bpe_ranks(merges, vocabulary)
    assert "looks like" not in str(error.value)


def test_local_files_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.tiktoken"
    path.write_bytes(LFS)
    with pytest.raises(ValueError, match="Git LFS pointer"):
        load.load_tiktoken_bpe(path)
    with pytest.raises(ValueError, match=r"Hash mismatch.*Git LFS pointer"):
        load.load_tiktoken_bpe(path, "0" * 64)


def test_a_sound_file_looks_like_nothing() -> None:
    assert appearance(rank_tables.tiktoken_file("r50k_base")) == ""
