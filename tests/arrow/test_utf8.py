"""UTF-8 in Arrow's buffers: every instruction set decodes it as Python does, however it is cut."""

# ruff: noqa: RUF001 (a comma of Chinese is the point)

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from arrow_data import Exported, rows_of, text_column
from hypothesis import example, given, settings
from hypothesis import strategies as st
from own import own_encoding
from pairs import Pair, load_pair
from split_families import available_instructions
from texts import random_texts

import bpecore
from bpecore import _core
from bpecore._core import set_thread_sizes

WINDOW = 1 << 16

CHARACTERS = ["a", "é", "\x80", "߿", "ࠀ", "中", "퟿", "", "￿", "\U00010000", "\U0010ffff"]
"""One at each end of what takes 1 to 4 bytes, and around the surrogates."""

BAD = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xe0\x80\x80", b"\xe0\x9f\xbf"]
BAD += [b"\xe4\xb8", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf"]
BAD += [b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xfe", b"\xff", b"\xe4a\xb8"]


@pytest.fixture(params=available_instructions())
def encoding(request: pytest.FixtureRequest) -> Iterator[bpecore.Encoding]:
    """An encoding whose ids are bytes, so that a text that is decoded wrongly has other ids."""
    _core.choose_simd(request.param)
    yield own_encoding(r" ?\p{L}+|\s+|[^\s\p{L}]+")
    _core.choose_simd()


def bytes_of(encoding: bpecore.Encoding, texts: list[bytes], errors: str = "strict") -> list[bytes]:
    found = encoding.encode_arrow(Exported(text_column(texts, "z")), errors=errors)  # type: ignore[arg-type]
    return [bytes(row) for row in rows_of(found)]


def test_characters_at_every_place(encoding: bpecore.Encoding) -> None:
    texts = [
        ("x" * before + character * times + "y" * after).encode()
        for character in CHARACTERS
        for before in (0, 1, 7, 8, 31, 60, 61, 62, 63, 64, 65)
        for times in (1, 2, 22, 43, 64)
        for after in (0, 1, 70)
    ]
    assert bytes_of(encoding, texts) == texts


def test_what_is_not_utf8(encoding: bpecore.Encoding) -> None:
    for bad in BAD:
        chinese = [
            b"a" * ascii + "中".encode() * count for ascii in (0, 1) for count in (21, 42, 63)
        ]
        for before in (b"", b"a" * 62, b"a" * 63, *chinese, "é😀".encode() * 11):
            for after in (b"", b"z", "文".encode() * 30):
                text = before + bad + after
                with pytest.raises(UnicodeDecodeError):
                    text.decode()
                with pytest.raises(ValueError, match=r"^at index 1: not UTF-8, .* at byte \d+; "):
                    bytes_of(encoding, [b"fine", text])
                expected = text.decode("utf-8", "replace").encode()
                assert bytes_of(encoding, [b"fine", text], "replace") == [b"fine", expected]


PARTS = st.sampled_from([*BAD, b"ab", b"\xe4", "中".encode(), b"x" * 50])


@settings(deadline=None)
@given(text=st.binary(max_size=200) | st.lists(PARTS).map(b"".join))
@example(text="é".encode() * 40 + b"\xff")
def test_any_bytes(text: bytes) -> None:
    encoding = own_encoding(r" ?\p{L}+|\s+|[^\s\p{L}]+")
    expected = text.decode("utf-8", "replace").encode()
    assert bytes_of(encoding, [text], "replace") == [expected]


SCRIPTS = ["word ", "wörter ", "中文字，", "emoji 😀 ", "a b c 中 ", "don't  \n"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_long_texts_in_windows(pair: Pair, script: str) -> None:
    size = len(script.encode())
    texts = [script * (WINDOW // size + more) for more in (-1, 0, 1)]
    texts += ["ab" * 30 + script * (2 * WINDOW // size) + "end"]
    found = pair.ours.encode_arrow(Exported(text_column(texts, "u")))
    assert rows_of(found) == [pair.ours.encode(text) for text in texts]


def test_windows_without_a_border(cl100k: Pair) -> None:
    texts = ["é" * 100_000, "x" * 200_000, "a b " * 9000 + "中" * 60_000 + " c" * 9000]
    found = cl100k.ours.encode_arrow(Exported(text_column(texts, "u")))
    assert rows_of(found) == [cl100k.ours.encode(text) for text in texts]


def test_special_tokens_across_windows() -> None:
    tokens = {"<|中文|>": 300, "<|end of text|>": 301, " ": 302}
    encoding = own_encoding(r"\S+|\s+", special_tokens=tokens)
    for token in tokens:
        for shift in range(-12, 3):
            text = "中 b" * ((WINDOW + shift) // 5) + token + "c d" * 30
            column = text_column([text], "u")
            found = encoding.encode_arrow(Exported(column), allowed_special="all")
            assert rows_of(found) == [encoding.encode(text, allowed_special="all")]
            with pytest.raises(ValueError, match=r"^at index 0: The text contains the disallowed"):
                encoding.encode_arrow(Exported(column))
            ordinary = encoding.ordinary.encode_arrow(Exported(column))
            assert rows_of(ordinary) == [encoding.encode_ordinary(text)]


@pytest.mark.parametrize("wide", [0, 5, 64, 4095, 4096, 4097, 9000])
def test_blocks_up_to_a_wide_character(pair: Pair, wide: int) -> None:
    text = ("Это, русский текст; 中文字和 ASCII, don't. " * 300)[:wide]
    texts = [text + "😀" + text, text + "\U0010ffff", text + " 😀 a" * 20 + text]
    found = pair.ours.encode_arrow(Exported(text_column(texts, "u")))
    assert rows_of(found) == [pair.ours.encode(text) for text in texts]
    counts = pair.ours.count_arrow(Exported(text_column(texts, "u")))
    assert rows_of(counts) == [pair.ours.count(text) for text in texts]


@pytest.mark.parametrize("section", [1, 3, 40, 1000])
def test_sections_of_long_texts(section: int) -> None:
    pair = load_pair("o200k_base")
    texts = [*random_texts(seed=section, count=60), "中文。" * 700, "é " * 2000, "😀 a" * 900]
    raw = [text.encode() for text in texts]
    raw += [one + b"\xff" + one for one in raw[:20]]
    expected = [
        pair.ours.encode(one.decode("utf-8", "replace"), disallowed_special=()) for one in raw
    ]
    set_thread_sizes(section, 2 * section, 1)
    try:
        found = pair.ours.encode_arrow(
            Exported(text_column(raw, "U")), errors="replace", disallowed_special=()
        )
        assert rows_of(found) == expected
    finally:
        set_thread_sizes()


def test_a_special_token_as_long_as_a_window_takes_no_longer() -> None:
    """Windows that it left only a few characters took 150 times as long."""
    text = "hello wörld, this is a text " * 10_000

    def seconds(length: int) -> float:
        ranks = {bytes([byte]): byte for byte in range(256)}
        encoding = bpecore.Encoding(
            "long",
            pat_str=r" ?\p{L}+|\s+|[^\s\p{L}]+",
            mergeable_ranks=ranks,
            special_tokens={"<é" + "s" * length + ">": 256},
        )
        column = Exported(text_column([text.encode()], "z"))
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            found = encoding.encode_arrow(column, allowed_special="all")  # type: ignore[arg-type]
            taken.append(time.perf_counter() - start)
            assert bytes(next(iter(rows_of(found)))).decode() == text
        return min(taken)

    usual = seconds(10)
    assert max(seconds(WINDOW - 2_275 + more) for more in range(0, 16, 5)) < 20 * usual
