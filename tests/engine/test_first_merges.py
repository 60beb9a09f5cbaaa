"""Merging bytes that certainly merge first gives the same result as any other order."""

from __future__ import annotations

import random

import pytest
from own import BYTES, own_encoding
from trained import trained_ranks

from bpecore.fuzzing.reference import ReferenceEncoder

PATTERN = r"\S+|\s"
BATCHES = 4
"""Groups of 128 pieces; from the second on, pieces that the cache does not know merge in step."""


def trained(source: random.Random, alphabet: bytes, count: int) -> dict[bytes, int]:
    """Returns ranks as training makes them, some numbers left out."""

    def next_piece() -> bytes:
        return bytes(source.choices(alphabet, k=source.randint(2, 24)))

    ranks = trained_ranks(source, next_piece, count)
    return {token: rank + rank // 7 for token, rank in ranks.items()}


def check(ranks: dict[bytes, int], source: random.Random, alphabet: bytes) -> None:
    """Compares pieces of 1 to 40 bytes, one by one and many together."""
    encoding = own_encoding(PATTERN, ranks)
    reference = ReferenceEncoder(PATTERN, ranks, {})
    words = [
        bytes(source.choices(alphabet, k=source.choice([1, 2, 3, 5, 8, 13, 14, 15, 16, 17, 40])))
        for _ in range(BATCHES * 64)
    ]
    for word in words[:40]:
        if word not in ranks:
            assert encoding._core_bpe.encode_single_piece(word) == reference.encode_piece(word), (
                word
            )
    text = " ".join(word.decode("latin-1") for word in words)
    assert encoding.encode_ordinary(text) == reference.encode_ordinary(text)


ALPHABETS = [b"ab", b"aab", b"abc", b"abcdefgh"]


@pytest.mark.parametrize("seed", range(60))
def test_ranks_as_training_makes_them(seed: int) -> None:
    source = random.Random(seed)
    alphabet = source.choice(ALPHABETS)
    check(trained(source, alphabet, source.choice([3, 10, 40, 120])), source, alphabet)


@pytest.mark.parametrize("seed", range(60))
def test_ranks_out_of_order(seed: int) -> None:
    """Where a token ranks before its parts, no two bytes are sure to merge."""
    source = random.Random(seed)
    alphabet = source.choice(ALPHABETS)
    ranks = trained(source, alphabet, source.choice([3, 10, 40]))
    merged = [token for token in ranks if len(token) > 1]
    for _ in range(source.choice([1, 2, 50])):
        first, second = source.choice(merged), source.choice(merged)
        ranks[first], ranks[second] = ranks[second], ranks[first]
    check(ranks, source, alphabet)


@pytest.mark.parametrize("seed", range(30))
def test_bytes_of_high_rank(seed: int) -> None:
    """A token need not rank after the bytes it is made of."""
    source = random.Random(seed)
    alphabet = source.choice(ALPHABETS)
    ranks = trained(source, alphabet, source.choice([3, 10, 40]))
    for place, byte in enumerate(source.sample(range(256), 256)):
        ranks[bytes([byte])] = 1_000_000 + place
    check(ranks, source, alphabet)


@pytest.mark.parametrize(
    ("tokens", "piece"),
    [
        ([b"ab", b"bc"], b"abcabc"),
        ([b"bc", b"ab"], b"abcabc"),
        ([b"aa"], b"aaaaaaa"),
        ([b"ab", b"cab", b"bd", b"abd"], b"cabd"),
        ([b"ca", b"ab", b"cab"], b"cabcab"),
        ([b"bd", b"ab", b"abd"], b"abdabd"),
        ([b"xc", b"xca", b"ab"], b"xcab"),
        ([b"dx", b"bdx", b"ab"], b"abdx"),
    ],
)
def test_what_can_prevent_a_merge(tokens: list[bytes], piece: bytes) -> None:
    """A preceding part takes the first byte, or a following one the second, sooner or later."""
    ranks = dict(BYTES)
    ranks.update((token, 256 + place) for place, token in enumerate(tokens))
    encoding = own_encoding(PATTERN, ranks)
    reference = ReferenceEncoder(PATTERN, ranks, {})
    assert encoding._core_bpe.encode_single_piece(piece) == reference.encode_piece(piece)
    text = " ".join([(piece * 2).decode()[shift : shift + 9] for shift in range(4)] * 128)
    assert encoding.encode_ordinary(text) == reference.encode_ordinary(text)
