"""Prefix hashes: the documented scheme, computed by another library, and its guarantees."""

from __future__ import annotations

import struct
from array import array
from collections import deque
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from bpecore.prefix_hash import PREFIX_HASH_VERSION, prefix_hashes

# Stored in files and in routers' memory: these must never change in version 1.
FIXED = [0xDD81F05DF104BE5D, 0x74BC020D9841A2A9, 0xF0A3B980A802D566]


def by_the_documentation(ids: list[int], block: int) -> list[int]:
    hashes = []
    seed = 1
    for end in range(block, len(ids) + 1, block):
        data = struct.pack(f"<{block}I", *ids[end - block : end])
        seed = xxhash.xxh64_intdigest(data, seed=seed)
        hashes.append(seed)
    return hashes


@settings(max_examples=300, deadline=None)
@given(ids=st.lists(st.integers(0, 2**32 - 1), max_size=100), block=st.integers(1, 40))
def test_equals_the_documented_scheme(ids: list[int], block: int) -> None:
    assert prefix_hashes(ids, block) == by_the_documentation(ids, block)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000])
def test_every_length_of_block(block: int) -> None:
    ids = [number * 2654435761 % 2**32 for number in range(3 * block + block // 2)]
    assert prefix_hashes(ids, block) == by_the_documentation(ids, block)


def test_fixed_values() -> None:
    assert PREFIX_HASH_VERSION == 1
    assert prefix_hashes(range(48)) == FIXED


def test_a_hash_stands_for_all_before_it() -> None:
    ids = list(range(64))
    hashes = prefix_hashes(ids, 8)
    for position in range(64):
        changed = list(ids)
        changed[position] += 1
        theirs = prefix_hashes(changed, 8)
        block = position // 8
        assert theirs[:block] == hashes[:block]
        assert all(ours != other for ours, other in zip(hashes[block:], theirs[block:]))


def test_an_incomplete_block_is_left_out() -> None:
    for length in range(40):
        assert len(prefix_hashes(range(length), 16)) == length // 16
    assert prefix_hashes([], 16) == []
    assert prefix_hashes([5], 2**62) == []


@pytest.mark.parametrize(
    "kind",
    [
        tuple,
        deque,
        lambda ids: array("I", ids),
        lambda ids: np.array(ids, dtype=np.uint32),
        lambda ids: np.array(ids, dtype=np.int64),
        lambda ids: np.array(ids, dtype=">u4"),
        lambda ids: np.repeat(np.array(ids, dtype=np.uint32), 2)[::2],
        lambda ids: np.frombuffer(np.array(ids, dtype=np.uint32).tobytes(), dtype=np.uint32),
    ],
)
def test_ids_of_any_kind(kind: Any) -> None:
    ids = [number * 77 for number in range(100)]
    assert prefix_hashes(kind(ids)) == prefix_hashes(ids)
    assert prefix_hashes(kind([])) == []


@pytest.mark.parametrize(
    ("ids", "block", "error"),
    [
        ([1, 2], 0, ValueError),
        ([1, 2], -16, ValueError),
        ([1, 2], 2**70, OverflowError),
        ([1, 2], 1.5, TypeError),
        ([1, 2], None, TypeError),
        ([-1, 2], 1, OverflowError),
        ([2**32], 1, OverflowError),
        ([1.5], 1, TypeError),
        ("12", 1, TypeError),
        (None, 1, TypeError),
        ({1, 2}, 1, TypeError),
        (iter([1, 2]), 1, TypeError),
        (np.array([1.5, 2.5]), 1, TypeError),
        (np.zeros((2, 2), dtype=np.uint32), 1, TypeError),
        (np.array([-1], dtype=np.int32), 1, OverflowError),
    ],
)
def test_what_is_refused(ids: Any, block: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        prefix_hashes(ids, block)
