"""Sure borders: a text cut at one has the ids of its two parts, whatever is around it."""

from __future__ import annotations

import pytest
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_texts

import bpecore


def assert_borders_hold(encoding: bpecore.Encoding, text: str, **keywords: object) -> int:
    whole = encoding.encode(text, **keywords)  # type: ignore[arg-type]
    borders = encoding._core_bpe._sure_borders(text)
    for border in borders:
        left = encoding.encode(text[:border], **keywords)  # type: ignore[arg-type]
        right = encoding.encode(text[border:], **keywords)  # type: ignore[arg-type]
        assert left + right == whole, (text, border)
    return len(borders)


def test_random_texts_cut_at_every_sure_border(pair: Pair) -> None:
    texts = random_texts(seed=99, count=1_500)
    found = sum(assert_borders_hold(pair.ours, text, disallowed_special=()) for text in texts)
    assert found > len(texts)


def test_long_texts_have_all_their_borders(pair: Pair) -> None:
    """More than one search returns."""
    borders = pair.ours._core_bpe._sure_borders("word " * 2000)
    assert borders == [*range(4, 10_000, 5)]


def test_special_tokens_are_not_cut(pair: Pair) -> None:
    for text in ("a <|endoftext|> b", "<|endoftext|><|endoftext|> a <|endofte xt|>"):
        assert assert_borders_hold(pair.ours, text, allowed_special="all")


def test_words_end_surely(pair: Pair) -> None:
    """Most texts are cut here; without such a border, long texts would use one thread."""
    assert pair.ours._core_bpe._sure_borders("hello world") == [5]
    assert 2 in pair.ours._core_bpe._sure_borders("日本 語")


def test_what_follows_decides_behind_white_space(pair: Pair) -> None:
    assert 1 not in pair.ours._core_bpe._sure_borders("  a")
    assert 1 not in pair.ours._core_bpe._sure_borders("ab")


@pytest.mark.parametrize(
    "pattern", [r"a+b|a|b", r"\w+(?=\s)|\w|\s", r"[a-c]{1,3}|[^a-c]+", r"a|b$|.", r"ab|bc|c|d+"]
)
def test_other_patterns(pattern: str) -> None:
    encoding = own_encoding(
        pattern,
        {
            **BYTES,
            **{
                left + right: 256 + i
                for i, (left, right) in enumerate(
                    (left, right)
                    for left in (b"a", b"b", b"c", b"d", b" ")
                    for right in (b"a", b"b", b"c", b"d", b" ")
                )
            },
        },
    )
    for number in range(5**6):
        text = ""
        for _ in range(6):
            number, digit = divmod(number, 5)
            text += "abcd "[digit]
        assert_borders_hold(encoding, text)


def test_a_pattern_without_an_automaton_has_none() -> None:
    encoding = own_encoding(r"(?<=a)b|\w|\s")
    assert encoding._core_bpe._sure_borders("hello world") == []
