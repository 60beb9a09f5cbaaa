"""Ids equal tiktoken's: real texts, random texts, texts around length and chunk limits."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import Pair
from texts import random_texts

RANDOM_TEXT_COUNT = 20_000

PIECE_LENGTHS = [
    *(1, 2, 3, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65),
    *(127, 128, 129, 255, 256, 257, 1023, 1024, 1025),
]

ALPHABETS_BY_WIDTH = {
    1: ["etaoinshrdlu", "ETAOIN", "a", "0123456789", "!?#-=", "-", " ", "\n", "\t ", "\r\n"],
    2: ["етаоинсклм", "éàüßñ", "א", "\u0301\u0308", "\u0661\u0662", "\x85\xa0"],
    3: ["的一是不了人", "한국어", "ก", "\u3000\u2003", "\u3099", "…—「」"],
    4: ["𝐀𝐁𝐚𝐛", "😀👍", "𠀀𠀁", "\U0001d7d8", "\U0003fffd"],
}

CHUNK_LENGTHS = (1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17)


def assert_equal_ids(pair: Pair, text: str) -> None:
    """Asserts equal ids, without printing two lists of a million ids when they differ."""
    theirs = pair.theirs.encode_to_numpy(text, disallowed_special=())
    ours = pair.ours.encode_to_numpy(text, disallowed_special=())
    assert ours.dtype == np.uint32
    if not np.array_equal(ours, theirs):
        shortest = min(len(ours), len(theirs))
        first = int(np.append(np.flatnonzero(ours[:shortest] != theirs[:shortest]), shortest)[0])
        before = pair.theirs.decode(theirs[max(0, first - 4) : first].tolist())
        pytest.fail(
            f"{pair.name}: ids differ from number {first}, after {before!r}: "
            f"ours {ours[first:][:8].tolist()}, tiktoken {theirs[first:][:8].tolist()}"
        )


def test_real_texts_in_every_sink(pair: Pair, corpora: dict[str, str]) -> None:
    for text in corpora.values():
        assert_equal_ids(pair, text)
        ids = pair.ours.encode_to_numpy(text, disallowed_special=())
        assert pair.ours.count(text, disallowed_special=()) == len(ids)
        assert pair.ours.encode_ordinary(text) == ids.tolist()
        assert pair.ours.decode_bytes(ids.tolist()) == text.encode()


def test_real_texts_are_enough(corpora: dict[str, str]) -> None:
    assert sum(len(text) for text in corpora.values()) > 300_000
    assert sum(not character.isascii() for text in corpora.values() for character in text) > 10_000


def test_random_texts_in_every_sink(pair: Pair) -> None:
    ours = pair.ours
    for text in random_texts(seed=20_000, count=RANDOM_TEXT_COUNT):
        expected = pair.theirs.encode_ordinary(text)
        assert ours.encode_ordinary(text) == expected, text
        assert ours.encode(text, disallowed_special=()) == expected, text
        assert ours.encode_to_numpy(text, disallowed_special=()).tolist() == expected, text
        assert ours.count(text, disallowed_special=()) == len(expected), text
        assert ours.decode(expected) == text


def test_batches(pair: Pair) -> None:
    texts = random_texts(seed=2_000, count=2_000)
    expected = [pair.theirs.encode_ordinary(text) for text in texts]
    assert pair.ours.encode_ordinary_batch(texts) == expected
    assert pair.ours.encode_batch(texts, disallowed_special=()) == expected
    assert pair.ours.encode_batch(texts, disallowed_special=(), num_threads=1) == expected
    assert pair.ours.encode_ordinary_batch(iter(texts[:10]), num_threads=2) == expected[:10]
    assert pair.ours.encode_batch([]) == []
    assert pair.ours.encode_ordinary_batch("ab") == pair.theirs.encode_ordinary_batch("ab")  # type: ignore[arg-type]


def test_short_texts_of_every_order(pair: Pair) -> None:
    """All texts of up to four characters that the patterns distinguish."""
    characters = "aA1 .\n'/\u0301中s\u00a0"
    for length in range(5):
        for letters in itertools.product(characters, repeat=length):
            text = "".join(letters)
            assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text), text


def test_piece_lengths_around_every_threshold(pair: Pair) -> None:
    source = random.Random(15)
    for width, alphabets in ALPHABETS_BY_WIDTH.items():
        for alphabet, length in itertools.product(alphabets, PIECE_LENGTHS):
            characters, rest = divmod(length, width)
            piece = "".join(source.choices(alphabet, k=characters)) + "x" * rest
            for text in (piece, f" {piece}", f"{piece} ", f"a{piece}.{piece}\n"):
                assert_equal_ids(pair, text)
                assert pair.ours.count(text) == len(pair.theirs.encode(text)), text


def test_single_pieces_around_every_threshold(pair: Pair) -> None:
    """Pieces of any characters, not made by a split pattern."""
    source = random.Random(16)
    for length in PIECE_LENGTHS:
        for _ in range(10):
            alphabet = source.choices("ab et\n.é中😀", k=source.randint(1, 4))
            piece = "".join(source.choices(alphabet, k=length)).encode()[:length]
            expected = pair.theirs._core_bpe.encode_single_piece(piece)
            assert pair.ours._core_bpe.encode_single_piece(piece) == expected, piece


@pytest.mark.parametrize("character", ["e", " ", "\n", "é", "ß\u0301", "中", "\u3000", "😀", "𝐀"])
def test_characters_across_chunk_borders(pair: Pair, character: str) -> None:
    """It starts up to 4 bytes from each border, alone and in a long piece of its kind."""
    for length, shift in itertools.product(CHUNK_LENGTHS, range(-4, 5)):
        prefix = ("word " * (length // 5 + 1))[: length + shift]
        assert_equal_ids(pair, prefix + character + "tail" + character)
        assert_equal_ids(pair, prefix[: -3 * len(character) - 300] + character * 320 + " tail")


@pytest.mark.parametrize("character", ["é", "ж", "中", "😀", "\u00a0", "ࠀ"])
def test_texts_of_one_wide_character_across_chunk_borders(pair: Pair, character: str) -> None:
    """Texts stored with 1, 2 and 4 bytes per character; borders in characters and in bytes."""
    width = len(character.encode())
    for length, shift in itertools.product(CHUNK_LENGTHS[:-1], range(-2, 3)):
        for count in {length + shift, length // width + shift}:
            assert_equal_ids(pair, (character * 5 + " ") * (count // 6) + character * (count % 6))


@settings(max_examples=300, deadline=None)
@given(text=st.text(), padding=st.integers(0, 70))
def test_any_text(pair: Pair, text: str, padding: int) -> None:
    text = " " * padding + text
    expected = pair.theirs.encode_ordinary(text)
    assert pair.ours.encode_ordinary(text) == expected
    assert pair.ours.count(text, disallowed_special=()) == len(expected)
    assert pair.ours.decode(expected) == text


TAILS = [
    *(
        "'",
        "'s",
        "'st",
        "'S",
        "'ll",
        "'lle",
        "'re a",
        "a's",
        "1's",
        " 's",
        "''s",
        "\u2019s",
        "'\u017f",
    ),
    *("1", "123", "1234", "12345 6", "\n", " \n", "\n \n", "\n \na", "  a", "/\n/", "\n/a", ".\n/"),
    *("A", "aB", "AB", "\u4e2dA", "\u0301", ".\u0301", "\u0301's"),
]
"""The last characters of texts, which blocks cannot settle until they see what follows."""


def test_ends_of_texts_around_the_borders_of_blocks(pair: Pair) -> None:
    for before in ("a", "\u044f", ".", " "):
        for length in (*range(44, 68), *range(124, 132)):
            for tail in TAILS:
                assert_equal_ids(pair, before * length + tail)
