"""The merges of a token are those that encoding does, in its order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own import BYTES
from pairs import ENCODING_NAMES

import bpecore
from bpecore._educational import bpe_encode
from bpecore.view.merges import LONGEST, merges_of

RANKS = {**BYTES, **{t: 256 + n for n, t in enumerate([b"ab", b"bc", b"aa", b"abc", b"aab"])}}


def parts_after(token: bytes, merges: list[tuple[int, int]]) -> list[bytes]:
    """Returns the parts that merges leave; checks that each makes the token that it names."""
    parts = [bytes([byte]) for byte in token]
    for place, rank in merges:
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        assert RANKS[parts[place]] == rank
    return parts


@given(st.text("abc", max_size=12))
def test_equal_to_the_simplest_encoder(text: str) -> None:
    merges = merges_of(text.encode(), RANKS)
    assert merges is not None
    parts = parts_after(text.encode(), merges)
    assert [RANKS[part] for part in parts] == bpe_encode(RANKS, text.encode(), visualise=None)


def test_the_order_is_by_rank_and_then_from_the_left() -> None:
    assert merges_of(b"abab", RANKS) == [(0, 256), (1, 256)]
    assert merges_of(b"aabc", RANKS) == [(1, 256), (1, 259)]


@pytest.mark.parametrize("name", ENCODING_NAMES)
def test_a_token_that_is_encoded_ends_whole(name: str) -> None:
    encoding = bpecore.get_encoding(name)
    ranks = encoding._mergeable_ranks
    for token in (b" tokenization", b"hello", b" the", " München".encode()):
        for id in encoding._core_bpe._merge(token):
            part = encoding.decode_single_token_bytes(id)
            merges = merges_of(part, ranks)
            assert merges is not None
            assert len(merges) == len(part) - 1
            assert not merges or merges[-1] == (0, id)


def test_long_tokens_are_left_out() -> None:
    assert merges_of(b"a" * LONGEST, RANKS) is not None
    assert merges_of(b"a" * (LONGEST + 1), RANKS) is None
