"""`StreamEncoder`: the ids of all feeds and the flush are those of the whole text."""

from __future__ import annotations

import random
from typing import Any

import pytest
from growing_texts import (
    ARGUMENTS,
    LONG_PIECES,
    PATTERNS,
    SPECIAL_TOKENS,
    chunks_of,
    random_ranks,
    text_with_special_parts,
)
from own import own_encoding
from pairs import Pair

import bpecore


def assert_same(
    source: random.Random, encoding: bpecore.Encoding, text: str, arguments: dict[str, Any]
) -> None:
    encoder = bpecore.StreamEncoder(encoding, **arguments)
    expected = encoding.encode(text, **arguments)
    ids: list[int] = []
    for chunk in chunks_of(source, text, source.choice((1, 4, 40, 400))):
        ids += encoder.feed(chunk)
        assert len(ids) < 2000 or ids[-9:] == expected[len(ids) - 9 : len(ids)]
        assert len(ids) >= 2000 or ids == expected[: len(ids)], (text, chunk)
    assert ids + encoder.flush() == expected, text


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=["none", "all"])
def test_random_texts(pair: Pair, arguments: dict[str, Any]) -> None:
    source = random.Random(5)
    for _ in range(250):
        assert_same(source, pair.ours, text_with_special_parts(source), arguments)


def test_real_texts(pair: Pair, corpora: dict[str, str]) -> None:
    source = random.Random(6)
    for text in corpora.values():
        assert_same(source, pair.ours, text[:20_000], ARGUMENTS[0])


@pytest.mark.parametrize("name", LONG_PIECES)
def test_long_pieces(pair: Pair, name: str) -> None:
    text = LONG_PIECES[name] * (20_000 // len(LONG_PIECES[name])) + "x"
    assert_same(random.Random(name), pair.ours, text, ARGUMENTS[0])


@pytest.mark.parametrize("special_tokens", SPECIAL_TOKENS, ids=["none", "longer", "inside"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_vocabulary(pattern: str, special_tokens: dict[str, int]) -> None:
    source = random.Random(pattern)
    for _ in range(40):
        alphabet = source.choice(("ab", "abc", "aé中"))
        ranks = random_ranks(source, alphabet.encode())
        ranks.setdefault(b"b", 900)
        encoding = own_encoding(pattern, ranks, special_tokens)
        for arguments in ARGUMENTS:
            text = "".join(source.choices(alphabet * 4 + " X", k=50))
            assert_same(source, encoding, text, arguments)


def test_ids_come_as_soon_as_they_are_sure(cl100k: Pair) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours, allowed_special="all")
    assert encoder.feed("hello") == []
    assert encoder.feed(" ") == cl100k.ours.encode("hello")
    assert encoder.feed("world. A") == cl100k.ours.encode(" world.")
    # Where a special token may have begun, what it would complete is held back.
    assert encoder.feed("<|endof") == []
    assert encoder.feed("text|>") == [*cl100k.ours.encode(" A"), cl100k.ours.eot_token]


def test_a_refused_chunk_is_not_taken(cl100k: Pair) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours)
    ids = encoder.feed("a <|endo")
    with pytest.raises(ValueError, match="disallowed special token"):
        encoder.feed("ftext|> b")
    ids += encoder.feed("f b")
    assert ids + encoder.flush() == cl100k.ours.encode("a <|endof b")


def test_a_missing_byte_leaves_the_encoder_as_it_was() -> None:
    encoding = own_encoding(r"\w+|\W+", {b"a": 0, b" ": 1})
    encoder = bpecore.StreamEncoder(encoding)
    assert encoder.feed("aa a") == [0, 0, 1]
    with pytest.raises(ValueError, match="0x62"):
        encoder.feed("b a")
    assert encoder.feed("a ") == [0, 0]
    assert encoder.feed("b") == [1]
    with pytest.raises(ValueError, match="0x62"):
        encoder.flush()


def test_surrogates(pair: Pair) -> None:
    source = random.Random(7)
    text = "a\ud83d\ude00 \ude00b\ud83d\ud83dc 😀\ud83d\ude00 \ud83d"
    for _ in range(20):
        assert_same(source, pair.ours, text, ARGUMENTS[0])


def test_after_the_flush(cl100k: Pair) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours)
    assert encoder.feed("a") == []
    assert encoder.flush() == cl100k.ours.encode("a")
    for call in (lambda: encoder.feed("b"), encoder.flush):
        with pytest.raises(ValueError, match="has been flushed"):
            call()


@pytest.mark.parametrize("wrong", [None, 3, b"a", ["a"]])
def test_what_is_no_text(cl100k: Pair, wrong: Any) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours)
    ids = encoder.feed("one two")
    with pytest.raises(TypeError, match="expected str"):
        encoder.feed(wrong)
    assert ids + encoder.flush() == cl100k.ours.encode("one two")
