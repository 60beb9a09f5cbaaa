"""A new cache learns a group's pieces together; the ids are the same.

The oracle is the naive encoder, which has no cache and merges lists. Every encoding is new, so
each text is the first it sees.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from own import BYTES, own_encoding
from trained import trained_ranks

from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN
from bpecore.fuzzing.reference import ReferenceEncoder

LETTERS = b"abcdeABCDE"

LENGTHS = [*range(1, 19), *range(29, 34)]
"""Bytes per piece, around 15 and 31, the limits of the two ways to learn pieces together."""


def made_words(source: random.Random, count: int) -> list[bytes]:
    return [bytes(source.choices(LETTERS, k=source.choice(LENGTHS))) for _ in range(count)]


def made_two_byte_words(source: random.Random, count: int) -> list[bytes]:
    """Words that start with half as many parts as bytes, if their letters are tokens."""
    return [
        "".join(source.choices("абвгде", k=source.randint(1, 17))).encode() for _ in range(count)
    ]


def assert_equal_at_first_sight(
    pattern: str, ranks: dict[bytes, int], texts: Sequence[str]
) -> None:
    encoding = own_encoding(pattern, ranks)
    reference = ReferenceEncoder(pattern, ranks, {})
    for text in texts:
        expected = reference.encode_ordinary(text)
        assert encoding.encode_ordinary(text) == expected
        assert encoding.count(text) == len(expected)


@pytest.mark.parametrize("made", [made_words, made_two_byte_words])
@pytest.mark.parametrize("pattern", [CL100K_PATTERN, O200K_PATTERN])
@pytest.mark.parametrize("seed", range(6))
def test_new_words_of_every_length(
    seed: int, pattern: str, made: Callable[[random.Random, int], list[bytes]]
) -> None:
    source = random.Random(seed)
    words = made(source, 1_500)
    ranks = trained_ranks(source, lambda: source.choice(words[:100]), 60 + 40 * seed)
    texts = [" ".join(word.decode() for word in words[i : i + 500]) for i in (0, 500, 1_000)]
    assert_equal_at_first_sight(pattern, ranks, texts)


def test_ranks_out_of_order() -> None:
    """Parts that rank after the token they merge into, and tokens that no merge reaches."""
    source = random.Random(11)
    words = made_words(source, 1_000)
    trained = trained_ranks(source, lambda: source.choice(words[:100]), 150)
    longer = [token for token in trained if len(token) > 1]
    source.shuffle(longer)
    ranks = dict(BYTES)
    ranks.update((token, 256 + i) for i, token in enumerate(longer))
    assert_equal_at_first_sight(CL100K_PATTERN, ranks, [" ".join(word.decode() for word in words)])


def test_the_same_new_word_many_times_in_one_batch() -> None:
    source = random.Random(12)
    pieces = made_words(source, 50)
    ranks = trained_ranks(source, lambda: source.choice(pieces), 40)
    words = [source.choice([*"abc", "abcde", "aabbccdd", "abcdeabcdeabc"]) for _ in range(600)]
    new = ["".join(source.choices("ABCDE", k=7)) for _ in range(600)]
    text = " ".join(word for pair in zip(words, new) for word in (*pair, pair[1]))
    assert_equal_at_first_sight(CL100K_PATTERN, ranks, [text, text])


@pytest.mark.parametrize("letter", ["a", "ab", "abc"])
def test_runs_where_many_merges_are_of_one_rank(letter: str) -> None:
    """Merges go leftmost first, even where runs reach the longest piece that is learned."""
    ranks = dict(BYTES)
    for length in (2, 3, 4, 7, 8, 11):
        ranks[(letter * 12).encode()[:length]] = len(ranks)
    lengths = [*range(1, 18), *range(28, 34)]
    words = [(letter * 40)[:length] + end for length in lengths for end in ("", "x", "yy")]
    assert_equal_at_first_sight(CL100K_PATTERN, ranks, [" ".join(words * 9)])


def test_a_byte_that_is_no_token_is_still_an_error() -> None:
    source = random.Random(13)
    pieces = made_words(source, 50)
    ranks = trained_ranks(source, lambda: source.choice(pieces), 40)
    del ranks[b"E"], ranks[b"F"]
    encoding = own_encoding(CL100K_PATTERN, ranks)
    words = ["".join(source.choices("abcdABCD", k=source.choice(LENGTHS))) for _ in range(900)]
    reference = ReferenceEncoder(CL100K_PATTERN, ranks, {})
    assert encoding.encode_ordinary(" ".join(words)) == reference.encode_ordinary(" ".join(words))
    for word in ("zE", "abcd" * 5 + "E"):
        text = " ".join([*words, word, "zF", *words])
        for call in (encoding.encode_ordinary, encoding.count):
            with pytest.raises(ValueError, match="0x45"):
                call(text)
