"""Pieces new to the cache are put off and learned together, across the texts of a batch too.

The oracle is the naive encoder, word by word. Every encoding is new, so nearly all is unknown.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable

import pytest
from own import BYTES, own_encoding
from trained import trained_ranks

import bpecore
from bpecore._pattern.families import CL100K_PATTERN
from bpecore.fuzzing.reference import ReferenceEncoder

LENGTHS = [*range(1, 17), 30, 31, 32]
"""Bytes per word: pieces of up to 15 and of up to 31 bytes are put off."""


def made_words(source: random.Random, count: int) -> list[str]:
    return ["".join(source.choices("abcdeABCDE", k=source.choice(LENGTHS))) for _ in range(count)]


def made_encoding(
    source: random.Random, specials: dict[str, int]
) -> tuple[bpecore.Encoding, Callable[[str], list[int]]]:
    """Returns a new encoding, and the naive encoder of a single word with a space before it."""
    words = [word.encode() for word in made_words(source, 100)]
    ranks = trained_ranks(source, lambda: source.choice(words), 200)
    reference = ReferenceEncoder(CL100K_PATTERN, ranks, {})
    ids_of = functools.cache(lambda word: reference.encode_ordinary(f" {word}"))
    return own_encoding(CL100K_PATTERN, ranks, specials), ids_of


def made_texts(source: random.Random) -> list[list[str]]:
    """Texts of no words to hundreds, among them repeated ones and some that come once."""
    words = made_words(source, 6_000)
    return [
        [source.choice(words) if source.random() < 0.3 else words.pop() for _ in range(size)]
        for size in source.choices([0, 1, 2, 10, 20, 150, 400], k=60)
        if len(words) > size
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_of_texts_with_new_words(seed: int, threads: int) -> None:
    source = random.Random(seed)
    encoding, ids_of = made_encoding(source, {})
    # More than the 65,536 characters after which a cache is replaced by a larger one.
    texts = [text for _ in range(3) for text in made_texts(source)]
    strings = ["".join(f" {word}" for word in text) for text in texts]
    expected = [[i for word in text for i in ids_of(word)] for text in texts]
    assert sum(map(len, strings)) > 1 << 16
    ids, offsets = encoding.encode_batch_to_numpy(strings, num_threads=threads)
    assert [ids[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])] == expected
    fresh, _ = made_encoding(random.Random(seed), {})
    assert fresh.encode_batch(strings, num_threads=threads) == expected
    fresh, _ = made_encoding(random.Random(seed), {})
    assert fresh.count_batch(strings, num_threads=threads) == list(map(len, expected))


def test_new_words_anywhere_between_a_few_known_ones() -> None:
    """Ids move four at a time where that many places are free around them."""
    source = random.Random(4)
    encoding, ids_of = made_encoding(source, {})
    words = made_words(source, 6_000)
    known = words.pop()
    for first, between, new in itertools.product(range(7), range(10), (1, 2, 3, 5)):
        text = [known] * first
        for _ in range(new):
            text += [words.pop(), *[known] * between]
        expected = [i for word in text for i in ids_of(word)]
        assert encoding.encode_to_numpy("".join(f" {word}" for word in text)).tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_special_tokens_stay_between_the_words_around_them(seed: int) -> None:
    source = random.Random(seed)
    encoding, ids_of = made_encoding(source, {"<s>": 5_000})
    text, expected = "", []
    for words in made_texts(source)[:20]:
        text += "".join(f" {word}" for word in words) + "<s>"
        expected += [i for word in words for i in ids_of(word)] + [5_000]
    assert encoding.encode(text, allowed_special="all") == expected
    fresh, _ = made_encoding(random.Random(seed), {"<s>": 5_000})
    assert fresh.count(text, allowed_special="all") == len(expected)


def test_a_text_that_fails_leaves_the_others_whole() -> None:
    """A lone surrogate, which `encode` replaces, ends a text after words that were put off."""
    source = random.Random(1)
    encoding, ids_of = made_encoding(source, {})
    fresh, _ = made_encoding(random.Random(1), {})
    texts = made_texts(source)
    strings = ["".join(f" {word}" for word in text) for text in texts]
    for i in range(0, len(strings), 3):
        strings[i] += " \ud800"
    expected = [[i for word in text for i in ids_of(word)] for text in texts]
    for i, ids in enumerate(encoding.encode_batch(strings, num_threads=1)):
        assert ids[: len(expected[i])] == expected[i]
        assert i % 3 == 0 or ids == expected[i]
        assert fresh.encode_ordinary(strings[i]) == ids


def test_the_first_byte_that_is_no_token_is_named() -> None:
    """Also if a later one is in a piece that was not put off."""
    ranks = {byte: rank for byte, rank in BYTES.items() if byte not in (b"x", b"y")}
    for text in ("ax " + "y" * 40, "ax by", "a" * 40 + " x " + "y" * 40):
        encoding = own_encoding(CL100K_PATTERN, ranks)
        with pytest.raises(ValueError, match=f"0x{ord('x'):x}"):
            encoding.encode_ordinary(text)
        with pytest.raises(ValueError, match=f"0x{ord('x'):x}"):
            encoding.encode_batch([" ab" * 50, text])
