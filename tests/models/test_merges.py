"""Merging by ids is merging by the list, or the list is used: a naive merger is the oracle."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from bpecore._models.listed_merges import ListedMerges
from bpecore._models.merges import Merges, OtherOrderError, proven_vocabulary
from bpecore._tiktoken import CoreBPE

BYTES = {bytes([value]): value for value in range(256)}
Pairs = list[tuple[bytes, bytes]]


def proven(tokens: dict[bytes, int], pairs: Pairs, ignore_merges: bool = False) -> CoreBPE:
    columns = zip(*((tokens[a], tokens[b], tokens[a + b]) for a, b in pairs))
    merges = Merges(*(np.array(column, dtype=np.int64) for column in columns))
    vocabulary, _ = proven_vocabulary(tokens, merges, ignore_merges, "here")
    return CoreBPE(vocabulary, {}, r"[\s\S]+")


def listed(tokens: dict[bytes, int], pairs: Pairs, ignore_merges: bool) -> ListedMerges:
    ids = np.array([(tokens[a], tokens[b]) for a, b in pairs], dtype="<u4")
    return ListedMerges(tokens, ids.tobytes(), ignore_merges)


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
        try:
            encode = proven(tokens, pairs, ignore_merges).encode_single_piece
        except OtherOrderError:
            encode = listed(tokens, pairs, ignore_merges).ids
        outcomes[not isinstance(getattr(encode, "__self__", None), ListedMerges)] += 1
        chosen = source.sample(texts, 40)
        chosen += [bytes(source.choices(b"abc", k=source.randrange(1, 9))) for _ in range(20)]
        chosen += [token for token in tokens if len(token) > 1]
        for text in chosen:
            expected = merged(text, tokens, pairs, ignore_merges)
            assert encode(text) == expected, (seed, text)
    assert min(outcomes.values()) > 100


TRAINED: Pairs = [(b"a", b"b"), (b"ab", b"c"), (b"b", b"c")]
IDS = {**BYTES, b"ab": 256, b"abc": 257, b"bc": 258}


def test_a_trained_list_is_accepted() -> None:
    assert proven(IDS, TRAINED).encode_single_piece(b"abcbc") == [257, 258]


@pytest.mark.parametrize(
    ("tokens", "pairs", "reason"),
    [
        (IDS, [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")], "lower id than a token of an earlier"),
        (IDS, [(b"a", b"b"), (b"a", b"bc"), (b"b", b"c")], "pair that is not in merges"),
    ],
)
def test_reasons(tokens: dict[bytes, int], pairs: Pairs, reason: str) -> None:
    with pytest.raises(OtherOrderError, match=f"here: the token .*{reason}"):
        proven(tokens, pairs)


def test_pairs_that_never_occur_may_be_listed() -> None:
    tokens = {**BYTES, b"aa": 256, b"aaa": 257}
    pairs = [(b"a", b"a"), (b"a", b"aa"), (b"aa", b"a")]
    for length in range(1, 12):
        expected = merged(b"a" * length, tokens, pairs, False)
        assert proven(tokens, pairs).encode_single_piece(b"a" * length) == expected


def test_tokens_that_nothing_makes_are_found_only_where_merges_are_ignored() -> None:
    tokens = {**IDS, b"xyz": 259}
    assert proven(tokens, TRAINED).encode_single_piece(b"xyz") == [120, 121, 122]
    assert proven(tokens, TRAINED, True).encode_single_piece(b"xyz") == [259]
    merges = Merges(*(np.array(column) for column in zip((97, 98, 256))))
    _, others = proven_vocabulary({**BYTES, b"ab": 256, b"xyz": 259}, merges, False, "here")
    assert others == {b"xyz": 259}


def test_a_pair_that_is_listed_twice_counts_where_it_is_last() -> None:
    pairs = [(b"a", b"b"), (b"b", b"c"), (b"a", b"b")]
    tokens = {**BYTES, b"bc": 256, b"ab": 257}
    assert proven(tokens, pairs).encode_single_piece(b"abc") == [97, 256]
