"""A `StreamEncoder` that returns ids out of an unfinished piece gives those of the whole text."""

from __future__ import annotations

import copy
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
from own import BYTES, own_encoding
from pairs import Pair

import bpecore
from bpecore import _core
from bpecore.fuzzing.outcomes import Raised, outcome
from bpecore.fuzzing.vocabularies import random_definition, text_over, with_special_tokens

STRETCHES = (1, 7, 40, 300)


def encoded(
    encoding: bpecore.Encoding, chunks: list[str], stretch: int, arguments: dict[str, Any]
) -> tuple[list[int], int]:
    """Returns the ids of chunks, and how many of them came before the flush."""
    encoder = bpecore.StreamEncoder(encoding, **arguments)
    encoder._settle_long_pieces(stretch)
    ids = [number for chunk in chunks for number in encoder.feed(chunk)]
    return ids + encoder.flush(), len(ids)


def assert_same(
    source: random.Random, encoding: bpecore.Encoding, text: str, arguments: dict[str, Any]
) -> None:
    expected = encoding.encode(text, **arguments)
    for stretch in STRETCHES:
        chunks = list(chunks_of(source, text, source.choice((1, 4, 40, 400))))
        assert encoded(encoding, chunks, stretch, arguments)[0] == expected, (text, stretch)


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=["none", "all"])
def test_random_texts(pair: Pair, arguments: dict[str, Any]) -> None:
    source = random.Random(5)
    for _ in range(60):
        text = text_with_special_parts(source)
        assert_same(source, pair.ours, text * source.choice((1, 9)), arguments)


@pytest.mark.parametrize("name", LONG_PIECES)
def test_long_pieces(pair: Pair, name: str) -> None:
    text = LONG_PIECES[name] * (6_000 // len(LONG_PIECES[name]))
    for end in ("x", "", " ", "\n", "<|endoftext|>", "1 "):
        assert_same(random.Random(name), pair.ours, text + end, ARGUMENTS[1])


@pytest.mark.parametrize("special_tokens", SPECIAL_TOKENS, ids=["none", "longer", "inside"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_vocabulary(pattern: str, special_tokens: dict[str, int]) -> None:
    source = random.Random(pattern)
    for _ in range(25):
        alphabet = source.choice(("ab", "abc", "aé中", "a"))
        ranks = {
            **BYTES,
            **{
                token: 300 + rank
                for token, rank in random_ranks(source, alphabet.encode()).items()
                if len(token) > 1
            },
        }
        encoding = own_encoding(
            pattern, ranks, {name: number + 10**6 for name, number in special_tokens.items()}
        )
        for arguments in ARGUMENTS:
            text = "".join(source.choices(alphabet * 8 + " X", k=120))
            assert_same(source, encoding, text, arguments)


@pytest.mark.parametrize("seed", range(60))
def test_generated_encodings(seed: int) -> None:
    source = random.Random(seed)
    definition = with_special_tokens(source, random_definition(source))
    encoding = bpecore.Encoding(**definition)
    if encoding._core_bpe.splits_by_automaton:
        for _ in range(4):
            text = text_over(source, definition) * source.choice((1, 5))
            if not isinstance(
                outcome(encoding.encode, text[:1_500], allowed_special="all"), Raised
            ):
                assert_same(source, encoding, text[:1_500], {"allowed_special": "all"})


def test_ids_come_out_of_a_long_piece(cl100k: Pair) -> None:
    source = random.Random(2)
    texts = ["a" * 50_000, " " * 50_000, "".join(source.choices("qxyz", k=50_000))]
    for text in [*texts, "中" * 20_000, "ab" * 20_000]:
        chunks = [text[start : start + 999] for start in range(0, len(text), 999)]
        ids, early = encoded(cl100k.ours, chunks, 1_000, {})
        assert ids == cl100k.ours.encode(text)
        assert early > 0.8 * len(ids)


def test_ways_that_never_meet() -> None:
    """The rest of a run is at its beginning, so each length has joints of its own."""
    encoding = own_encoding("a+|.", {**BYTES, b"aaa": 256, b"aa": 257})
    text = "a" * 5_000
    for end in ("", "a", "aa"):
        chunks = [*(text[start : start + 70] for start in range(0, len(text), 70)), end]
        assert encoded(encoding, chunks, 50, {})[0] == encoding.encode(text + end)


def test_a_failed_chunk_is_not_taken(cl100k: Pair) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours)
    encoder._settle_long_pieces(100)
    ids = encoder.feed("a" * 1_000)
    with pytest.raises(ValueError, match="disallowed special token"):
        encoder.feed("a" * 1_000 + "<|endoftext|>")
    ids += encoder.feed("a" * 1_000) + encoder.flush()
    assert ids == cl100k.ours.encode("a" * 2_000)


def test_copies_inside_a_piece_are_refused(cl100k: Pair) -> None:
    encoder = bpecore.StreamEncoder(cl100k.ours)
    encoder._settle_long_pieces(100)
    encoder.feed("a")
    copy.copy(encoder)
    encoder.feed("a" * 10_000)
    with pytest.raises(ValueError, match="inside a long piece"):
        copy.copy(encoder)


def test_without_memory_a_chunk_can_be_fed_again(cl100k: Pair) -> None:
    text = "ab" * 3_000 + " c" + "x" * 3_000
    chunks = [text[start : start + 700] for start in range(0, len(text), 700)]
    failures = 0
    _core.watch_allocations()
    try:
        for number in range(1, 40):
            encoder = bpecore.StreamEncoder(cl100k.ours)
            encoder._settle_long_pieces(100)
            ids = encoder.feed(chunks[0])
            _core.fail_allocation(number)
            for chunk in chunks[1:]:
                try:
                    ids += encoder.feed(chunk)
                except MemoryError:
                    failures += 1
                    ids += encoder.feed(chunk)
            _core.fail_allocation(0)
            assert ids + encoder.flush() == cl100k.ours.encode(text)
    finally:
        _core.fail_allocation(0)
        _core.watch_allocations(False)
    assert failures
