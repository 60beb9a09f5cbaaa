"""Long pieces, merged window by window or run by run: the ids are those of the priority queue."""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own import BYTES, own_encoding
from pairs import Pair
from trained import trained_ranks

import bpecore
from bpecore.fuzzing.vocabularies import random_definition
from fuzz.engine_constants import constant

PATTERN = r"[\s\S]+"
SCAN, WINDOW = constant("SCAN_LIMIT"), constant("WINDOW_BYTES")
LANES, LANE_LEAST, LANE_MOST = (constant(name) for name in ("LANES", "LANE_LEAST", "LANE_MOST"))
BLOCK = LANES * LANE_MOST
LENGTHS = [
    *(SCAN - 1, SCAN, SCAN + 1, LANE_LEAST + constant("LANE_OVERLAP"), 2 * LANE_LEAST + WINDOW),
    *(LANES * LANE_LEAST - 1, LANES * LANE_LEAST + 1, BLOCK - 1, BLOCK + 1, 2 * BLOCK + 77),
]
FAMILIES = pytest.mark.parametrize(
    "pair", ["r50k_base", "cl100k_base", "o200k_base"], indirect=True
)


def check(ours: bpecore.Encoding, piece: bytes) -> None:
    """Compares the ids of a piece with those that the queue makes of it."""
    merge: Any = ours._core_bpe._merge
    assert merge(piece) == merge(piece, by_queue=True), (piece[:60], len(piece))


def fibonacci(length: int) -> bytes:
    word, before = b"a", b"b"
    while len(word) < length:
        word, before = word + before, word
    return word[:length]


def runs(source: random.Random, alphabet: bytes, length: int) -> bytes:
    """Returns bytes each repeated up to a hundred times."""
    text = b""
    while len(text) < length:
        text += bytes([source.choice(alphabet)]) * source.randint(1, 100)
    return text[:length]


def letters(source: random.Random, alphabet: bytes, length: int) -> bytes:
    return bytes(source.choices(alphabet, k=length))


def mixed(source: random.Random, alphabet: bytes, length: int) -> bytes:
    """Returns stretches of all kinds."""
    text = b""
    while len(text) < length:
        make = source.choice([runs, letters, lambda _, __, size: fibonacci(size)])
        text += make(source, alphabet, source.choice([1, 10, 150, 900]))
    return text[:length]


MAKERS: dict[str, Callable[[random.Random, bytes, int], bytes]] = {
    "letters": letters,
    "runs": runs,
    "mixed": mixed,
}


@FAMILIES
@pytest.mark.parametrize("maker", MAKERS)
def test_every_length(pair: Pair, maker: str) -> None:
    source = random.Random(maker)
    alphabets = [b"abcdefghijklmnopqrstuvwxyz", b"ab", b" \n\t", b"-=|+", "—═ё中".encode()]
    for length in LENGTHS:
        for alphabet in alphabets:
            check(pair.ours, MAKERS[maker](source, alphabet, length))
    check(pair.ours, fibonacci(2 * BLOCK))


@FAMILIES
def test_against_the_naive_reference(pair: Pair) -> None:
    source = random.Random(1)
    for length in LENGTHS[:6]:
        piece = mixed(source, b"abcde -", length)
        merge: Any = pair.ours._core_bpe._merge
        assert merge(piece) == pair.reference.encode_piece(piece)


@pytest.mark.parametrize("seed", range(40))
def test_ranks_as_training_makes_them(seed: int) -> None:
    source = random.Random(seed)
    alphabet = source.choice([b"ab", b"aab", b"abcdef"])
    make = source.choice([runs, letters, mixed])
    ranks = trained_ranks(
        source,
        lambda: make(source, alphabet, source.randint(40, 300)),
        source.choice([3, 10, 60]),
    )
    ours = own_encoding(PATTERN, ranks)
    for maker in MAKERS.values():
        for _ in range(5):
            check(ours, maker(source, alphabet + b"-", source.choice(LENGTHS[:-2])))


@pytest.mark.parametrize("seed", range(40))
def test_ranks_of_any_order(seed: int) -> None:
    """Untrained vocabularies, with tokens that rank before their parts."""
    source = random.Random(seed)
    ranks = random_definition(source)["mergeable_ranks"]
    ours = own_encoding(PATTERN, ranks)
    alphabet = b"".join(token for token in ranks if len(token) > 1)[:40] or b"ab"
    for maker in MAKERS.values():
        check(ours, maker(source, alphabet, source.choice(LENGTHS)))


LONG_TOKENS = {
    "tokens longer than a window": [b"a" * 2**power for power in range(1, 13)],
    "a token that everything before it decides": [b"ab" * 2**power for power in range(12)],
    "tokens that end in another byte": [b"a" * n + b"b" * (n > 1) for n in range(2, 400)],
}


@pytest.mark.parametrize("name", LONG_TOKENS)
def test_where_windows_do_not_meet(name: str) -> None:
    ranks = {**BYTES, **{token: 256 + place for place, token in enumerate(LONG_TOKENS[name])}}
    ours = own_encoding(PATTERN, ranks)
    source = random.Random(name)
    for length in (500, 5_000, 40_000):
        for piece in (b"a" * length, b"ab" * (length // 2), b"c" + b"a" * length + b"c"):
            check(ours, piece)
            check(ours, piece[1:-1])
        check(ours, b"c".join(b"a" * source.randint(0, 5_000) for _ in range(length // 2_500 + 1)))


def test_more_runs_than_there_is_room_for() -> None:
    ranks = {**BYTES, **{b"a" * 2**power: 255 + power for power in range(1, 9)}}
    ours = own_encoding(PATTERN, ranks)
    for count in range(1, 40):
        for length in (8, 9, 255, 511):
            check(ours, b"b".join([b"a" * length] * count))


@given(
    st.lists(st.tuples(st.sampled_from(b"ab -\n"), st.integers(1, 70)), min_size=1, max_size=30),
    st.sampled_from([0, 150, 2_000]),
)
def test_any_runs_with_letters_after_them(
    pair: Pair, stretches: list[tuple[int, int]], more: int
) -> None:
    check(
        pair.ours,
        b"".join(bytes([byte]) * count for byte, count in stretches)
        + letters(random.Random(more), b"abcde", more),
    )


@pytest.mark.parametrize("missing", [b"a", b"\x94"])
def test_a_byte_that_is_no_token_is_named(missing: bytes) -> None:
    ranks = {token: rank for token, rank in BYTES.items() if token != missing}
    merge: Any = own_encoding(PATTERN, {**ranks, b"\xe2\x80": 256})._core_bpe._merge
    for piece in (b"+" * 500 + missing, b"a\x94" * 500, missing * 9_000):
        with pytest.raises(ValueError, match="byte") as by_windows:
            merge(piece)
        with pytest.raises(ValueError, match="byte") as by_queue:
            merge(piece, by_queue=True)
        assert str(by_windows.value) == str(by_queue.value)
