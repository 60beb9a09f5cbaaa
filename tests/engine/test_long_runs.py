"""Long pieces that repeat something: the ids are those of merging the whole piece."""

from __future__ import annotations

import random
import time

import pytest
import tiktoken
from own import BYTES, own_encoding
from pairs import Pair
from trained import trained_ranks

import bpecore
from bpecore.fuzzing.vocabularies import random_definition
from fuzz.engine_constants import constant

PATTERN = r"[\s\S]+"
LEAST, LONG_LEAST = constant("REPEAT_LEAST"), constant("LONG_LEAST")
KEPT, LONG_KEPT = constant("REPEAT_KEPT"), constant("LONG_KEPT")
PERIODS = [constant("LONGEST_PERIOD"), constant("LONG_PERIOD")]
LONG = constant("LONG_REPEATS")
LENGTHS = [KEPT, LEAST - 1, LEAST, LEAST + 65, LONG_LEAST + 65, LONG - 2, LONG, 20_000]

CHARACTERS = "a 0\n—…\u00a0\u3000😀\ufffd中ж\u0301\u200b█ﷺ𝐀🇺\U0003fffd\x00\x7f"
FAMILIES = pytest.mark.parametrize(
    "pair", ["r50k_base", "cl100k_base", "o200k_base"], indirect=True
)


def theirs(ranks: dict[bytes, int]) -> tiktoken.Encoding:
    return tiktoken.Encoding("own", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


def check(ours: bpecore.Encoding, oracle: tiktoken.Encoding, piece: bytes) -> None:
    """Compares the ids of a piece, as both engines merge it."""
    expected = oracle._core_bpe.encode_single_piece(piece)
    assert ours._core_bpe.encode_single_piece(piece) == expected, (piece[:40], len(piece))


def cut_to(unit: bytes, length: int) -> bytes:
    """Returns `length` bytes of a unit that repeats."""
    return (unit * (length // len(unit) + 1))[:length]


@FAMILIES
@pytest.mark.parametrize("character", CHARACTERS)
def test_one_character_with_something_at_either_end(pair: Pair, character: str) -> None:
    for length in LENGTHS:
        for before, after in (("", ""), (" ", ""), ("x", "y"), ("—a", "\u0301"), ("", "\n")):
            check(
                pair.ours,
                pair.theirs,
                before.encode() + cut_to(character.encode(), length) + after.encode(),
            )


def random_piece(source: random.Random, alphabet: bytes) -> bytes:
    """Returns repeats of units of all lengths, joined to each other or with other bytes between."""
    parts = []
    for _ in range(source.randint(1, 5)):
        longest = source.choice(PERIODS)
        period = source.choice([1, 2, 3, 4, 7, 64, 100, longest, longest + 1])
        unit = bytes(source.choices(alphabet, k=period))
        parts.append(cut_to(unit, source.choice(LENGTHS) + source.randint(-3, 3)))
        parts.append(bytes(source.choices(alphabet, k=source.choice([0, 0, 1, 5, 600, 3_000]))))
    if source.random() < 0.5:
        parts = parts[::-1]
    return b"".join(parts)


@pytest.mark.parametrize("seed", range(30))
def test_ranks_as_training_makes_them(seed: int) -> None:
    source = random.Random(seed)
    alphabet = source.choice([b"ab", b"aab", b"abcdef"])

    def next_piece() -> bytes:
        unit = bytes(source.choices(alphabet, k=source.randint(1, 4)))
        return cut_to(unit, source.randint(40, 200))

    ranks = trained_ranks(source, next_piece, source.choice([3, 10, 60]))
    ours, oracle = own_encoding(PATTERN, ranks), theirs(ranks)
    for _ in range(5):
        check(ours, oracle, random_piece(source, alphabet + b"-"))


@pytest.mark.parametrize("seed", range(30))
def test_ranks_of_any_order(seed: int) -> None:
    """Untrained vocabularies, with tokens that rank before their parts."""
    source = random.Random(seed)
    ranks = random_definition(source)["mergeable_ranks"]
    ours, oracle = own_encoding(PATTERN, ranks), theirs(ranks)
    alphabet = b"".join(token for token in ranks if len(token) > 1)[:40] or b"ab"
    for _ in range(4):
        check(ours, oracle, random_piece(source, alphabet))


def test_against_the_naive_reference(pair: Pair) -> None:
    source = random.Random(1)
    for unit in ("a", "—", " \n", "ab1"):
        for least in (LEAST, LONG_LEAST):
            piece = b"x" + cut_to(unit.encode(), least + source.randint(1, 99))
            ids = pair.ours._core_bpe.encode_single_piece(piece)
            assert ids == pair.reference.encode_piece(piece)


@FAMILIES
def test_shortened_pieces_come_from_the_cache(pair: Pair) -> None:
    """Rules of every length, each encoded twice, in an encoding that has seen the others."""
    for length in [*range(LEAST - 5, LEAST + 300), *range(LEAST + 300, 3_000, 37)]:
        for piece in (b"-" * length, b" " + b"=" * length + b"\n", b"\xe2\x94\x80" * length):
            check(pair.ours, pair.theirs, piece)
            check(pair.ours, pair.theirs, piece)


def test_a_token_that_no_merge_makes_is_not_taken_for_a_shortened_piece() -> None:
    """The cache has it as one token, once it was encoded as a piece of its own."""
    ranks = {**BYTES, b"aa": 256, b"a" * KEPT: 257}
    ours, oracle = own_encoding(PATTERN, ranks), theirs(ranks)
    for length in (KEPT, LEAST + 1, LEAST + KEPT):
        check(ours, oracle, b"a" * length)


def with_tokens(*tokens: bytes) -> dict[bytes, int]:
    return {**BYTES, **{token: 256 + place for place, token in enumerate(tokens)}}


DOUBLED = [b"a" * 2**power for power in range(1, 13)]
FEW = DOUBLED[:6]

FALLBACKS: dict[str, tuple[dict[bytes, int], bytes]] = {
    "cycle longer than what is kept": (with_tokens(*DOUBLED), b"a" * 50_000),
    "first token longer than what is kept": (
        with_tokens(*FEW, *(b"b" + b"a" * 64 * n for n in range(1, 60))),
        b"b" + b"a" * 50_000,
    ),
    "cycle cut by the repeat's end": (
        with_tokens(*FEW, *(b"a" * 64 * n + b"b" for n in range(1, 60))),
        b"a" * 50_000 + b"b",
    ),
    "each merge follows from the one before": (
        with_tokens(b"ba", b"ca", b"caa", b"aca", b"aa")
        | {b"ba": 1_000, b"baa": 999, b"baaa": 998, b"baaaa": 997},
        b"ba" + b"a" * 50_000,
    ),
}


@pytest.mark.parametrize("name", FALLBACKS)
def test_where_no_cycle_is_found(name: str) -> None:
    ranks, piece = FALLBACKS[name]
    ours, oracle = own_encoding(PATTERN, ranks), theirs(ranks)
    for shift in range(3):
        for length in (len(piece), LEAST + 100, LONG_LEAST):
            check(ours, oracle, piece[:length][shift:])
            check(ours, oracle, piece[-length:] + b"b" * shift + piece[:length])


@pytest.mark.parametrize("missing", [b"a", b"\x94"])
def test_a_byte_that_is_no_token_is_named(missing: bytes) -> None:
    ranks = {token: rank for token, rank in BYTES.items() if token != missing}
    encoding = own_encoding(PATTERN, {**ranks, b"\xe2\x80": 256})
    for piece in (b"+" * 9_000 + missing + b"-" * 9_000, b"a\x94" * 9_000, missing * 9_000):
        with pytest.raises(ValueError, match="byte") as long:
            encoding._core_bpe.encode_single_piece(piece)
        with pytest.raises(ValueError, match="byte") as short:
            encoding._core_bpe.encode_single_piece(missing + b"+")
        assert str(long.value) == str(short.value)


@FAMILIES
@pytest.mark.parametrize("character", CHARACTERS)
def test_a_million_of_any_character_costs_less_than_100_ns_each(pair: Pair, character: str) -> None:
    """Processor time, best of several tries: other programs share the machine."""
    text = character * 1_000_000
    taken = []
    for _ in range(10):
        start = time.process_time()
        pair.ours.encode_to_numpy(text, num_threads=1)
        taken.append(time.process_time() - start)
        if min(taken) < 0.1:
            return
    pytest.fail(f"{min(taken) * 1000:.0f} ns per character")
