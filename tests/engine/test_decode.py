"""Ids back to bytes and text: every kind of sequence, unknown ids, offsets."""

from __future__ import annotations

import array
import collections
import random
from collections.abc import Iterator
from typing import Any, Callable

import numpy as np
import pytest
from outcomes import outcome
from pairs import Pair
from texts import random_texts

TEXT = "hello wörld 中文 😀🏽 don't\n\n  12345 "


class Index:
    """An id that is not an int."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


class DuckSequence:
    """A sequence that inherits from nothing."""

    def __init__(self, items: list[int]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, i: int) -> int:
        return self._items[i]


def test_every_id_decodes_as_in_tiktoken(pair: Pair) -> None:
    known = sorted({*pair.theirs._mergeable_ranks.values(), *pair.theirs._special_tokens.values()})
    assert pair.ours.decode_tokens_bytes(known) == pair.theirs.decode_tokens_bytes(known)
    assert pair.ours.decode_bytes(known) == pair.theirs.decode_bytes(known)
    assert pair.ours.token_byte_values() == pair.theirs.token_byte_values()
    assert pair.ours.n_vocab == pair.theirs.n_vocab
    assert pair.ours.max_token_value == pair.theirs.max_token_value
    assert pair.ours.eot_token == pair.theirs.eot_token


def test_every_token_is_found_by_its_bytes(pair: Pair) -> None:
    for token, id in pair.theirs._mergeable_ranks.items():
        assert pair.ours.encode_single_token(token) == id
    for missing in (b"", b"\xff\xfe\xfd", "no such token at all"):
        with pytest.raises(KeyError) as ours:
            pair.ours.encode_single_token(missing)
        with pytest.raises(KeyError) as theirs:
            pair.theirs.encode_single_token(missing)
        assert ours.value.args == theirs.value.args


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        collections.deque,
        lambda ids: array.array("I", ids),
        lambda ids: array.array("q", ids),
        lambda ids: np.array(ids, dtype=np.uint32),
        lambda ids: np.array(ids, dtype=np.int64),
        lambda ids: np.array(ids, dtype=np.uint32)[::1],
        lambda ids: np.repeat(np.array(ids, dtype=np.uint32), 2)[::2],
        lambda ids: [Index(id) for id in ids],
        lambda ids: [np.uint32(id) for id in ids],
        DuckSequence,
    ],
)
def test_every_kind_of_sequence(pair: Pair, make: Callable[[list[int]], Any]) -> None:
    ids = pair.theirs.encode(TEXT)
    for method in ("decode", "decode_bytes", "decode_tokens_bytes", "decode_with_offsets"):
        expected = getattr(pair.theirs, method)(ids)
        assert getattr(pair.ours, method)(make(ids)) == expected


def test_ranges_and_bytes_are_sequences_of_ids(pair: Pair) -> None:
    for ids in (range(97), bytes(range(90)), bytearray(b"abc"), [], (), b"", [True, False]):
        assert pair.ours.decode_bytes(ids) == pair.theirs.decode_bytes(ids)


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "wrong",
    ["abc", "", None, 5, 1.5, {1, 2}, {1: 2}, generator, [1.0], ["a"], [None], [[1]], [1, 2, "3"]],
    ids=lambda wrong: repr(getattr(wrong, "__name__", wrong)),
)
def test_what_is_no_sequence_of_ids(cl100k: Pair, wrong: Any) -> None:
    if wrong is generator:
        wrong = generator()
    for method in ("decode", "decode_bytes"):
        with pytest.raises(TypeError):
            getattr(cl100k.theirs, method)(wrong)
        with pytest.raises(TypeError):
            getattr(cl100k.ours, method)(wrong)


@pytest.mark.parametrize("id", [-1, 2**32, 2**63, 2**64, -(2**70)])
def test_ids_out_of_range(cl100k: Pair, id: int) -> None:
    for ids in ([id], [1, 2, id]):
        with pytest.raises(OverflowError):
            cl100k.theirs.decode(ids)
        with pytest.raises(OverflowError):
            cl100k.ours.decode(ids)
        with pytest.raises(OverflowError):
            cl100k.ours.decode_tokens_bytes(ids)
    with pytest.raises(OverflowError):
        cl100k.ours.decode_single_token_bytes(id)


def test_unknown_ids_are_named(pair: Pair) -> None:
    known = {*pair.theirs._mergeable_ranks.values(), *pair.theirs._special_tokens.values()}
    gaps = [id for id in range(pair.theirs.n_vocab) if id not in known]
    for id in (*gaps[:3], *gaps[-3:], pair.theirs.n_vocab, 2**31, 2**32 - 1):
        for method in ("decode", "decode_bytes", "decode_tokens_bytes", "decode_with_offsets"):
            with pytest.raises(KeyError) as theirs:
                getattr(pair.theirs, method)([1, id])
            with pytest.raises(KeyError) as ours:
                getattr(pair.ours, method)([1, id])
            assert ours.value.args == theirs.value.args, method
        with pytest.raises(KeyError) as ours:
            pair.ours.decode_single_token_bytes(id)
        assert ours.value.args == (str(id),)


def test_every_sequence_of_random_ids(pair: Pair) -> None:
    """Most are not UTF-8: three error handlers, and offsets where possible."""
    source = random.Random(8)
    known = [*pair.theirs._mergeable_ranks.values(), *pair.theirs._special_tokens.values()]
    for _ in range(2_000):
        ids = source.choices(known, k=source.randint(0, 8))
        assert pair.ours.decode_bytes(ids) == pair.theirs.decode_bytes(ids)
        for errors in ("replace", "ignore", "backslashreplace"):
            assert pair.ours.decode(ids, errors) == pair.theirs.decode(ids, errors=errors)
        for method, arguments in (("decode_with_offsets", ()), ("decode", ("strict",))):
            expected = outcome(getattr(pair.theirs, method), ids, *arguments)
            assert outcome(getattr(pair.ours, method), ids, *arguments) == expected


def test_offsets_of_random_texts(pair: Pair) -> None:
    for text in random_texts(seed=9, count=1_000):
        ids = pair.theirs.encode_ordinary(text)
        assert pair.ours.decode_with_offsets(ids) == pair.theirs.decode_with_offsets(ids)


def test_batches(pair: Pair) -> None:
    texts = random_texts(seed=10, count=200)
    ids = [pair.theirs.encode_ordinary(text) for text in texts]
    assert pair.ours.decode_batch(ids) == texts
    assert pair.ours.decode_batch([np.array(row) for row in ids], num_threads=2) == texts  # type: ignore[misc]
    assert pair.ours.decode_batch([]) == []
    with pytest.raises(UnicodeDecodeError):
        pair.ours.decode_batch([[pair.ours.encode_single_token(b"\xff")]], errors="strict")


def test_the_error_handler_is_looked_up_only_for_invalid_bytes(pair: Pair) -> None:
    assert pair.ours.decode(pair.ours.encode("abc"), "no such handler") == "abc"
    with pytest.raises(LookupError):
        pair.ours.decode([pair.ours.encode_single_token(b"\xff")], "no such handler")
