"""The piece cache never changes ids: not when it grows, is full, or replaces pieces.

The oracle is the bare merge of each piece, which has no cache. Sizes are chosen around those of the
cache's entries; no test looks into the cache.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from own import BYTES, own_encoding
from pairs import Pair

import bpecore
from bpecore._pattern.families import CL100K_PATTERN
from bpecore.fuzzing.reference import ReferenceEncoder
from fuzz.engine_constants import CACHE_SIZES, constant

GROWS_AT, LARGER_AT, LARGE_AT = (size.since for size in CACHE_SIZES[1:])
"""Characters of text after which a cache is made larger, the last time as large as it gets."""

LARGE_ENTRIES = CACHE_SIZES[-1].narrow_entries
"""The number of narrow entries in a large cache, which is more than all others together."""

LONG_WORDS, LONGEST = constant("LONG_WORDS"), constant("LONG_PIECE")
KINDS = {"NARROW": "SHORT", "MEDIUM": "MEDIUM", "WIDE": "WIDE"}
"""Entries for short pieces, and the pieces whose length they are made for."""


def around(most: int) -> range:
    """Returns numbers around the most that an entry has room for."""
    return range(most - 2, most + 4)


def long_entry_ids(length: int) -> int:
    """Returns how many ids fit into a long entry beside a number of bytes."""
    return max(0, 2 * (LONG_WORDS - (length + 7) // 8))


# Bytes and ids of a piece, around the most that a narrow, a medium and a wide entry hold.
LENGTHS = [*range(1, 10)]
LENGTHS += [n for piece in KINDS.values() for n in around(constant(f"{piece}_PIECE"))]
ID_COUNTS = sorted({1, 30}.union(*(around(constant(f"{kind}_IDS")) for kind in KINDS)))

# The same of long pieces: of as many ids as bytes, and of fewer.
LONG_SIZES = [
    *((length, length) for length in range(constant("WIDE_PIECE") + 1, 106)),
    *((length, count) for length in around(200) for count in around(long_entry_ids(length))),
    *((length, count) for length in range(470, LONGEST + 3) for count in range(1, 10)),
]


def fresh(ranks: dict[bytes, int]) -> bpecore.Encoding:
    """Returns an encoding over a vocabulary that no other test has: its caches are new."""
    return own_encoding(CL100K_PATTERN, ranks)


def distinct_words(source: random.Random, count: int, lengths: Sequence[int]) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < count:
        letters = source.choices("abcdefghijklmnopqrstuvwxyz", k=source.choice(lengths))
        words["".join(letters)] = None
    return list(words)


def ids_of(encoding: bpecore.Encoding, words: Sequence[str]) -> list[int]:
    """Returns the ids of words, merged one by one; all but the first follow a space."""
    pieces = [words[0], *(f" {word}" for word in words[1:])]
    return [
        id
        for piece in pieces
        for id in encoding._core_bpe._merge(piece.encode())  # type: ignore[attr-defined,unused-ignore]
    ]


def chain_ranks(letter: bytes, longest: int) -> dict[bytes, int]:
    """Returns bytes, and runs of a letter of 2, 4, 8 … bytes."""
    ranks = dict(BYTES)
    length = 2
    while length <= longest:
        ranks[letter * length] = len(ranks)
        length *= 2
    return ranks


def piece_of(length: int, id_count: int) -> str | None:
    """Returns a piece of a number of bytes and ids in the vocabulary of `chain_ranks(b"a", 64)`.

    Runs of `a` merge into as many tokens as their length has ones in binary; other letters are one
    token each.
    """
    for letters in range(id_count + 1):
        run = length - letters
        if run >= 0 and bin(run).count("1") + letters == id_count:
            return "z" * letters + "a" * run
    return None


def pieces_around_every_size() -> list[str]:
    found = (piece_of(length, ids) for length in LENGTHS for ids in ID_COUNTS)
    return [piece for piece in found if piece]


def test_the_pieces_have_the_sizes_they_are_made_for() -> None:
    encoding = fresh(chain_ranks(b"a", 64))
    for length in LENGTHS:
        for id_count in ID_COUNTS:
            piece = piece_of(length, id_count)
            if piece:
                assert len(piece) == length
                assert len(encoding.encode(piece)) == id_count
    assert len(pieces_around_every_size()) > 140


def test_pieces_around_every_size_again_and_again() -> None:
    ranks = chain_ranks(b"a", 64)
    encoding = fresh({**ranks, b"fresh 1": 5000})
    reference = ReferenceEncoder(CL100K_PATTERN, ranks, {})
    expected = {piece: reference.encode_ordinary(piece) for piece in pieces_around_every_size()}
    source = random.Random(1)
    for _ in range(20):
        for piece in source.sample(list(expected), len(expected)):
            assert encoding.encode_ordinary(piece) == expected[piece], piece
            assert encoding.count(piece) == len(expected[piece]), piece
    text = "\n".join(expected)
    for _ in range(10):
        assert encoding.encode_ordinary(text) == reference.encode_ordinary(text)


def test_long_pieces_again_and_again() -> None:
    encoding = fresh({**chain_ranks(b"a", 512), b"fresh 4": 5000})
    pieces = [piece for length, count in LONG_SIZES if (piece := piece_of(length, count))]
    expected = {piece: ids_of(encoding, [piece]) for piece in pieces}
    sizes = {(len(piece), len(ids)) for piece, ids in expected.items()}
    fitting = {size for size in sizes if size[1] <= long_entry_ids(size[0])}
    assert len(fitting) > 50
    assert len(sizes - fitting) > 50
    assert {length // 64 for length, _ in fitting} == {1, 3, 7}
    source = random.Random(3)
    for _ in range(20):
        for piece in source.sample(pieces, len(pieces)):
            assert encoding.encode_ordinary(piece) == expected[piece], piece
            assert encoding.count(piece) == len(expected[piece]), piece


@pytest.mark.parametrize("length", [64, 200, 496])
def test_one_byte_makes_another_long_piece(length: int) -> None:
    encoding = fresh({**chain_ranks(b"a", 64), f"fresh {length}".encode(): 5000})
    pieces = ["a" * length, "a" * (length + 1), "a" * (length - 1)]
    pieces += ["a" * place + "b" + "a" * (length - place - 1) for place in range(length)]
    for piece in pieces * 2:
        assert encoding.encode_ordinary(piece) == ids_of(encoding, [piece]), piece


def test_one_byte_makes_another_piece() -> None:
    """Pieces that differ in one byte, only in length, or in a zero byte at the end."""
    ranks = chain_ranks(b"a", 64)
    encoding = fresh({**ranks, b"fresh 2": 5000})
    reference = ReferenceEncoder(CL100K_PATTERN, ranks, {})
    for length in LENGTHS:
        pieces = ["a" * length, "a" * (length + 1), "a" * length + "\0", "a" * length + "\0\0"]
        pieces += ["a" * place + "b" + "a" * (length - place - 1) for place in range(length)]
        for piece in pieces * 2:
            raw = piece.encode()
            expected = reference.encode_piece(raw)
            assert encoding._core_bpe.encode_single_piece(raw) == expected, piece
            assert encoding.encode_ordinary(piece) == reference.encode_ordinary(piece), piece


@pytest.mark.parametrize("lengths", [(4, 5), (12, 13, 14), (20, 30), (8, 14, 15, 40, 46, 70)])
def test_more_distinct_pieces_than_fit(lengths: tuple[int, ...], cl100k: Pair) -> None:
    """All of them, again from the start, backwards, and in small texts."""
    source = random.Random(str(lengths))
    words = distinct_words(source, LARGE_ENTRIES + 10_000, lengths)
    alphabet = {bytes([value]): rank for rank, value in enumerate(range(256))}
    pairs = {bytes(source.choices(range(97, 123), k=2)): None for _ in range(200)}
    encoding = fresh({**alphabet, **{pair: 1000 + i for i, pair in enumerate(pairs)}})
    expected = np.array(ids_of(encoding, words), dtype=np.uint32)
    text = " ".join(words)
    for _ in range(2):
        assert np.array_equal(encoding.encode_to_numpy(text), expected)
        assert encoding.count(text) == len(expected)
    backwards = words[::-1]
    assert encoding.encode_ordinary(" ".join(backwards)) == ids_of(encoding, backwards)
    for start in range(0, 2000, 10):
        some = words[start : start + 10]
        assert encoding.encode_ordinary(" ".join(some)) == ids_of(encoding, some)
    sample = " ".join(words[:20_000])
    assert cl100k.ours.encode_ordinary(sample) == cl100k.theirs.encode_ordinary(sample)


@pytest.mark.parametrize(
    "step", [1, 100, 5_000, GROWS_AT - 1, GROWS_AT, LARGER_AT // 2, LARGER_AT, LARGE_AT]
)
def test_ids_are_equal_before_and_after_the_cache_grows(step: int) -> None:
    """Texts of `step` bytes, until far more has been seen than the cache needs to grow."""
    source = random.Random(step)
    ranks = chain_ranks(b"a", 64)
    encoding = fresh({**ranks, f"fresh {step}".encode(): 5000})
    words = [piece for piece in pieces_around_every_size() if len(piece) < 60]
    probe = " ".join(words[:50])
    expected_probe = ids_of(encoding, words[:50])
    seen = 0
    enough = {
        1: GROWS_AT + 2_000,
        LARGER_AT // 2: 2 * LARGER_AT,
        LARGER_AT: LARGE_AT + LARGER_AT,
        LARGE_AT: LARGE_AT + 1,
    }
    while seen < enough.get(step, 4 * GROWS_AT):
        chosen = [source.choice(words)]
        length = len(chosen[0])
        while length < step:
            chosen.append(source.choice(words))
            length += 1 + len(chosen[-1])
        text = " ".join(chosen)
        seen += len(text)
        assert encoding.encode_ordinary(text) == ids_of(encoding, chosen)
        if source.random() < 0.05 or step >= 5_000:
            assert encoding.encode_ordinary(probe) == expected_probe
            seen += len(probe)


def test_encodings_that_share_a_vocabulary_share_no_wrong_pieces() -> None:
    """Caches belong to vocabularies: two patterns over one, and one pattern over two."""
    ranks = chain_ranks(b"a", 64)
    other_ranks = {**BYTES, b"aaa": 300, b"aa": 301}
    arguments: dict[str, Any] = {"special_tokens": {"<a>": 9000}}
    encodings = [
        (bpecore.Encoding("e", pat_str=pat_str, mergeable_ranks=table, **arguments), reference)
        for pat_str in (CL100K_PATTERN, r"a+|[^a]+", r"[\s\S]")
        for table in (ranks, other_ranks)
        for reference in (ReferenceEncoder(pat_str, table, {"<a>": 9000}),)
    ]
    source = random.Random(3)
    for _ in range(300):
        text = "".join(source.choices(("a", "aa", "aaaa", " ", "b", "<a>"), k=source.randint(1, 9)))
        for encoding, reference in encodings:
            assert encoding.encode_ordinary(text) == reference.encode_ordinary(text), text
            expected = reference.encode(text, {"<a>"})
            assert encoding.encode(text, allowed_special="all") == expected, text


def test_an_error_midway_leaves_no_wrong_piece() -> None:
    """A byte without a token ends the call; what was cached before and after is right."""
    ranks = {bytes([value]): value for value in range(256) if value != ord("x")}
    ranks[b"xy"] = 300
    encoding = own_encoding(CL100K_PATTERN, ranks)
    good = "aaaa bbb zzzzzzzzzzzzzzzzzz xy cccccccccccccccccccccccccccccccccccc"
    expected = encoding.encode(good)
    for bad in ("x", "axa", "xyx", "zzzzzzzzzzzzzzzzzzx", "c" * 36 + "x", "é" * 30 + "x"):
        for text in (bad, f"{good} {bad}", f"{bad} {good}"):
            for _ in range(3):
                with pytest.raises(ValueError, match="0x78"):
                    encoding.encode(text)
                assert encoding.encode(good) == expected
