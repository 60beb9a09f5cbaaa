"""The two parts found for each token are those left by merging its bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from own import BYTES

from bpecore import _core
from bpecore._core import RankTable, Vocabulary
from bpecore._tiktoken import CoreBPE
from bpecore.data.rank_tables import load_ranks


@pytest.fixture(autouse=True, params=["off", "avx2"])
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Vocabularies are built one token at a time, and eight at a time."""
    before = _core.simd
    try:
        _core.choose_simd(request.param)
    except ValueError:
        pytest.skip(f"no {request.param} here")
    yield request.param
    _core.choose_simd(before)


def naive_parts(ranks: dict[bytes, int], token: bytes) -> list[bytes]:
    """Merges a token's bytes by all ranks except its own."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while True:
        known = [
            (ranks[left + right], position)
            for position, (left, right) in enumerate(zip(parts, parts[1:]))
            if left + right in ranks and left + right != token and ranks[left + right] < 2**32 - 1
        ]
        if not known:
            return parts
        _, position = min(known)
        parts[position : position + 2] = [parts[position] + parts[position + 1]]


def unreachable(ranks: dict[bytes, int]) -> int:
    tokens = [token for token in ranks if len(token) > 1]
    return sum(len(naive_parts(ranks, token)) != 2 or ranks[token] == 2**32 - 1 for token in tokens)


def trained(source: random.Random, alphabet: bytes, count: int) -> dict[bytes, int]:
    """Returns ranks in which each token joins two earlier ones."""
    ranks = dict(BYTES)
    used = [bytes([byte]) for byte in alphabet]
    for _ in range(20 * count):
        token = source.choice(used) + source.choice(used)
        is_new = len(ranks) < 256 + count and token not in ranks and len(token) <= 40
        if is_new and len(naive_parts(ranks, token)) == 2:
            ranks[token] = len(ranks)
            used.append(token)
    return ranks


def check(ranks: dict[bytes, int], source: random.Random, alphabet: bytes) -> None:
    vocabulary = Vocabulary(RankTable(ranks))
    assert vocabulary.unreachable_count == unreachable(ranks)
    core = CoreBPE(vocabulary, {}, r"[^\n]+")
    by_rank = {rank: token for token, rank in ranks.items()}
    for _ in range(60):
        text = bytes(source.choices(alphabet, k=source.randint(1, 40)))
        if text not in ranks:
            expected = naive_parts(ranks, text)
            found = [by_rank[token_id] for token_id in core.encode_single_piece(text)]
            assert found == expected, (text, ranks)


@pytest.mark.parametrize("seed", range(40))
def test_ranks_as_training_makes_them(seed: int) -> None:
    source = random.Random(seed)
    alphabet = source.choice([b"ab", b"abc", b"aabcd", b"abcdefgh"])
    check(trained(source, alphabet, source.choice([5, 20, 80])), source, alphabet)


@pytest.mark.parametrize("seed", range(40))
def test_the_same_tokens_with_ranks_out_of_order(seed: int) -> None:
    """Shuffled ranks: some tokens are in order and reachable, some are not."""
    source = random.Random(seed)
    alphabet = source.choice([b"ab", b"abc", b"aabcd"])
    ranks = trained(source, alphabet, source.choice([5, 20, 80]))
    tokens = list(ranks)
    for _ in range(source.choice([1, 3, 300])):
        first, second = source.choices(tokens, k=2)
        ranks[first], ranks[second] = ranks[second], ranks[first]
    if source.random() < 0.3:
        ranks[source.choice(tokens)] = 2**32 - 1
    check(ranks, source, alphabet)


@pytest.mark.parametrize("seed", range(20))
def test_long_tokens(seed: int) -> None:
    """Lengths around 15 bytes, the longest in the table of short tokens, and 64, the longest whose
    cuts are rated; with multi-byte characters."""
    source = random.Random(seed)
    alphabet = source.choice([b"ab", "aé".encode(), "日本".encode()])
    ranks = dict(BYTES)
    parts = [bytes([byte]) for byte in alphabet]
    for _ in range(400):
        left = source.choice(parts[-20:])
        token = left + source.choice(parts)
        if token not in ranks and len(token) <= 100 and len(naive_parts(ranks, token)) == 2:
            ranks[token] = len(ranks)
            parts.append(token)
    assert max(map(len, ranks)) > 64
    check(ranks, source, alphabet)


def test_a_token_that_can_be_cut_everywhere() -> None:
    """More cuts into two tokens than are tried."""
    ranks = dict(BYTES)
    for length in range(2, 60):
        ranks[b"a" * length] = len(ranks)
    check(ranks, random.Random(0), b"a")
    tokens = list(ranks)
    for seed in range(20):
        source = random.Random(seed)
        shuffled = {**ranks, **dict(zip(source.sample(tokens[256:], 58), range(256, 314)))}
        check(shuffled, source, b"aab")


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base"])
def test_every_token_of_a_real_vocabulary_is_reached(name: str) -> None:
    """Merging alone turns each token's bytes into its id."""
    ranks = load_ranks(name)
    vocabulary = Vocabulary(RankTable(ranks))
    assert vocabulary.unreachable_count == 0
    core = CoreBPE(vocabulary, {}, r".+")
    sample = random.Random(name).sample(list(ranks.items()), 20_000)
    for token, rank in sample:
        assert core._merge(token) == [rank]  # type: ignore[attr-defined]


def tables(ranks: dict[bytes, int], instructions: str) -> bytes:
    _core.choose_simd(instructions)
    return Vocabulary(RankTable(ranks), b"0123456789abcdef").to_bytes()


@pytest.mark.parametrize("seed", range(20))
def test_the_tables_do_not_depend_on_the_instructions(seed: int, instructions: str) -> None:
    """More tokens of one length than one group holds, and some that only merging finds."""
    source = random.Random(seed)
    ranks = trained(source, "abcdeéß日本".encode(), 1500)
    tokens = list(ranks)
    for _ in range(source.choice([0, 3, 200])):
        first, second = source.choices(tokens[256:], k=2)
        ranks[first], ranks[second] = ranks[second], ranks[first]
    assert tables(ranks, instructions) == tables(ranks, "off")


def test_the_tables_of_a_real_vocabulary_do_not_depend_on_the_instructions(
    instructions: str,
) -> None:
    ranks = load_ranks("o200k_base")
    assert tables(ranks, instructions) == tables(ranks, "off")


def test_a_rank_whose_conversion_empties_the_dict() -> None:
    class Rank:
        def __index__(self) -> int:
            ranks.clear()
            return 300

    ranks: dict[bytes, Any] = {**BYTES, b"ab": Rank(), b"cd": 301}
    with pytest.raises(RuntimeError, match="changed while it was read"):
        RankTable(ranks)
