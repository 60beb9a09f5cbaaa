"""Vocabularies merge as a list of pairs says, in whatever order: a naive merger is the oracle."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpecore._models.listed_pairs import Merges
from bpecore._models.merges import ProvenVocabulary, proven_vocabulary
from bpecore._tiktoken import CoreBPE

BYTES = {bytes([value]): value for value in range(256)}
Pairs = list[tuple[bytes, bytes]]


def proven(tokens: dict[bytes, int], pairs: Pairs, ignore_merges: bool = False) -> ProvenVocabulary:
    columns = zip(*((tokens[a], tokens[b], tokens[a + b]) for a, b in pairs))
    merges = Merges(*(np.array(column, dtype=np.uint32) for column in columns))
    return proven_vocabulary(tokens, merges, ignore_merges, "here")


def core(tokens: dict[bytes, int], pairs: Pairs, ignore_merges: bool = False) -> CoreBPE:
    return CoreBPE(proven(tokens, pairs, ignore_merges).vocabulary, {}, r"[\s\S]+")


def merged(text: bytes, tokens: dict[bytes, int], pairs: Pairs, ignore_merges: bool) -> list[int]:
    """Merges as `tokenizers` does: the earliest pair of the list, leftmost first."""
    if ignore_merges and text in tokens:
        return [tokens[text]]
    order = {pair: number for number, pair in enumerate(pairs)}
    parts = [text[i : i + 1] for i in range(len(text))]
    while True:
        found = [
            (order[pair], place)
            for place, pair in enumerate(zip(parts, parts[1:]))
            if pair in order
        ]
        if not found:
            return [tokens[part] for part in parts]
        _, place = min(found)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


def random_merges(source: random.Random) -> tuple[dict[bytes, int], Pairs]:
    """Returns tokens and a list of pairs: mostly as training makes them, sometimes not."""
    tokens = dict(BYTES)
    pairs: Pairs = []
    known = [b"a", b"b", b"c"]
    for _ in range(source.randrange(2, 9)):
        pair = source.choice(known), source.choice(known)
        if len(pair[0] + pair[1]) > 5 or pair in pairs:
            continue
        token = pair[0] + pair[1]
        if token not in tokens:
            tokens[token] = len(tokens)
            known.append(token)
        elif source.random() < 0.5:
            continue
        pairs.append(pair)
    fault = source.random()
    if fault < 0.15:
        source.shuffle(pairs)
    elif fault < 0.3 and len(pairs) > 1:
        pairs.pop(source.randrange(len(pairs)))
    elif fault < 0.45:
        tokens[bytes(source.choices(b"abc", k=3))] = len(tokens)
    elif fault < 0.6:
        # Llama 3's list has every pair of each token, in the order of ids.
        pairs = [
            (token[:cut], token[cut:])
            for token in tokens
            for cut in range(1, len(token))
            if token[:cut] in tokens and token[cut:] in tokens
        ]
    return tokens, pairs


def test_all_lists_merge_alike() -> None:
    outcomes = {True: 0, False: 0}
    texts = [bytes(text) for size in range(1, 8) for text in itertools.product(b"ab", repeat=size)]
    for seed in range(1500):
        source = random.Random(seed)
        tokens, pairs = random_merges(source)
        ignore_merges = source.random() < 0.5
        if not pairs:
            continue
        made = proven(tokens, pairs, ignore_merges)
        outcomes[made.listed] += 1
        encode = CoreBPE(made.vocabulary, {}, r"[\s\S]+").encode_single_piece
        chosen = source.sample(texts, 40)
        chosen += [bytes(source.choices(b"abc", k=source.randrange(1, 9))) for _ in range(20)]
        chosen += [token for token in tokens if len(token) > 1]
        for text in chosen:
            expected = merged(text, tokens, pairs, ignore_merges)
            assert encode(text) == expected, (seed, text)
    assert min(outcomes.values()) > 100


@st.composite
def lists_of_pairs(draw: st.DrawFn) -> tuple[dict[bytes, int], Pairs]:
    """Tokens with ids in any order and with holes, and a list of pairs in any order."""
    words = st.text("abc", min_size=2, max_size=8).map(str.encode)
    made = [*BYTES, *draw(st.lists(words, unique=True, min_size=1, max_size=25))]
    ids = draw(st.permutations(range(len(made))))
    step, start = draw(st.sampled_from([(1, 0), (3, 5), (1, 2**32 - len(made))]))
    tokens = {token: start + step * number for token, number in zip(made, ids)}
    possible = [
        (token[:cut], token[cut:])
        for token in made
        for cut in range(1, len(token))
        if token[:cut] in tokens and token[cut:] in tokens
    ]
    if not possible:
        return tokens, []
    return tokens, draw(st.lists(st.sampled_from(possible), min_size=1, max_size=60))


@given(lists_of_pairs(), st.booleans(), st.lists(st.text("abc", min_size=1, max_size=40)))
def test_any_order_of_ids_and_pairs(
    model: tuple[dict[bytes, int], Pairs], ignore_merges: bool, texts: list[str]
) -> None:
    tokens, pairs = model
    if not pairs:
        return
    made = core(tokens, pairs, ignore_merges)
    pieces = [*map(str.encode, texts), *tokens, b"abc" * 60]
    for piece in pieces:
        expected = merged(piece, tokens, pairs, ignore_merges)
        assert made.encode_single_piece(piece) == expected
        assert made.decode_bytes(expected) == piece


TRAINED: Pairs = [(b"a", b"b"), (b"ab", b"c"), (b"b", b"c")]
IDS = {**BYTES, b"ab": 256, b"abc": 257, b"bc": 258}


def test_a_trained_list_is_accepted() -> None:
    assert core(IDS, TRAINED).encode_single_piece(b"abcbc") == [257, 258]


@pytest.mark.parametrize(
    "pairs",
    [
        [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")],
        [(b"a", b"b"), (b"a", b"bc"), (b"b", b"c")],
    ],
)
def test_what_is_another_order(pairs: Pairs) -> None:
    assert proven(IDS, pairs).listed
    assert not proven(IDS, TRAINED).listed


def test_a_byte_that_is_no_token() -> None:
    tokens = {token: number for token, number in IDS.items() if token != b"c"}
    merges = Merges(*(np.array([number], dtype=np.uint32) for number in (97, 98, 256)))
    with pytest.raises(ValueError, match="a token has a byte that is no token itself"):
        proven_vocabulary(tokens, merges, True, "here")


def test_pairs_that_never_occur_may_be_listed() -> None:
    tokens = {**BYTES, b"aa": 256, b"aaa": 257}
    pairs = [(b"a", b"a"), (b"a", b"aa"), (b"aa", b"a")]
    for length in range(1, 12):
        expected = merged(b"a" * length, tokens, pairs, False)
        assert core(tokens, pairs).encode_single_piece(b"a" * length) == expected


def test_tokens_that_nothing_makes_are_found_only_where_merges_are_ignored() -> None:
    tokens = {**IDS, b"xyz": 259}
    assert core(tokens, TRAINED).encode_single_piece(b"xyz") == [120, 121, 122]
    assert core(tokens, TRAINED, True).encode_single_piece(b"xyz") == [259]
    merges = Merges(*(np.array(column) for column in zip((97, 98, 256))))
    made = proven_vocabulary({**BYTES, b"ab": 256, b"xyz": 259}, merges, False, "here")
    assert made.only_decoded == {b"xyz": 259}


def test_a_pair_that_is_listed_twice_counts_where_it_is_last() -> None:
    pairs = [(b"a", b"b"), (b"b", b"c"), (b"a", b"b")]
    tokens = {**BYTES, b"bc": 256, b"ab": 257}
    assert core(tokens, pairs).encode_single_piece(b"abc") == [97, 256]
