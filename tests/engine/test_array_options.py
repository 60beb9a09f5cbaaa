"""`dtype`, `append` and `out` of the methods that encode to arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own import BYTES, own_encoding
from pairs import Pair, load_pair
from texts import random_texts

import bpecore

TEXTS = ["", *random_texts(seed=12, count=40), "", "x " * 300, ""]
TYPES = ("uint32", np.int32, np.dtype(np.uint64), int, ">i8")


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("append", [None, 0, 7])
def test_types_and_ids_at_the_end(pair: Pair, dtype: Any, append: int | None) -> None:
    end = [] if append is None else [append]
    expected = [pair.theirs.encode(text, disallowed_special=()) + end for text in TEXTS]
    options: dict[str, Any] = {"disallowed_special": (), "dtype": dtype, "append": append}
    for text, row in zip(TEXTS, expected):
        found = pair.ours.encode_to_numpy(text, **options)
        assert (found.dtype, found.tolist()) == (np.dtype(dtype), row)
    ids, offsets = pair.ours.encode_batch_to_numpy(TEXTS, **options)
    assert (ids.dtype, offsets.dtype) == (np.dtype(dtype), np.int64)
    assert [ids[a:b].tolist() for a, b in zip(offsets, offsets[1:])] == expected
    assert offsets[-1] == len(ids)


def test_nothing_to_encode(cl100k: Pair) -> None:
    for options in ({"append": 5}, {"dtype": "int64"}, {"out": np.empty(0, np.uint32)}):
        ids, offsets = cl100k.ours.encode_batch_to_numpy([], **options)  # type: ignore[arg-type]
        assert (ids.tolist(), offsets.tolist()) == ([], [0])


@pytest.mark.parametrize("append", [None, 9])
def test_into_an_array_of_the_caller(cl100k: Pair, append: int | None, tmp_path: Path) -> None:
    wanted, places = cl100k.ours.encode_batch_to_numpy(TEXTS, disallowed_special=(), append=append)
    size = len(wanted)
    mapped = np.memmap(tmp_path / "ids", "<u4", "w+", shape=size + 3)
    for out in (np.zeros(size + 3, np.uint64), np.zeros(3 * size, np.int32)[::2], mapped):
        rest = out[size:].copy()
        ids, offsets = cl100k.ours.encode_batch_to_numpy(
            TEXTS, disallowed_special=(), append=append, out=out
        )
        assert np.shares_memory(ids, out)
        assert np.array_equal(out[:size], wanted)
        assert np.array_equal(out[size:], rest)
        assert (len(ids), offsets.tolist()) == (size, places.tolist())
    exact = np.zeros(2, np.uint16)
    gpt2 = load_pair("gpt2").ours
    assert gpt2.encode_to_numpy("hello world", out=exact).tolist() == exact.tolist() != [0, 0]


def test_sixteen_bits_never_wrap(pair: Pair) -> None:
    """Whether a type is wide enough depends on the encoding, not on the text."""
    encoding = pair.ours
    if encoding.max_token_value < 1 << 16:
        assert encoding.encode_to_numpy("hello", dtype=np.uint16).tolist() == encoding.encode(
            "hello"
        )
        return
    for options in ({"dtype": np.uint16}, {"out": np.empty(9, np.uint16)}):
        for call in (encoding.encode_to_numpy, encoding.encode_batch_to_numpy):
            with pytest.raises(OverflowError, match="uint16 holds numbers up to 65535, and the"):
                call("a" if call == encoding.encode_to_numpy else ["a"], **options)  # type: ignore[operator]


def test_the_highest_id_decides() -> None:
    ranks = {**BYTES, b"ab": 65_535}
    assert own_encoding(r"\w+", ranks).encode_to_numpy("ab", dtype=np.uint16).tolist() == [65_535]
    with pytest.raises(OverflowError, match="up to 65536"):
        own_encoding(r"\w+", ranks, {"<end>": 65_536}).encode_to_numpy("ab", dtype=np.uint16)
    with pytest.raises(OverflowError, match="append is 65536"):
        own_encoding(r"\w+", ranks).encode_to_numpy("ab", dtype=np.uint16, append=65_536)


READ_ONLY = np.zeros(9, np.uint32)
READ_ONLY.setflags(write=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dtype": float}, TypeError, "dtype must be a type of integers"),
        ({"dtype": bool}, TypeError, "dtype must be a type of integers"),
        ({"dtype": "no type"}, TypeError, "no type"),
        ({"append": "<|endoftext|>"}, TypeError, "append must be an integer"),
        ({"append": True}, TypeError, "append must be an integer"),
        ({"append": -1}, ValueError, "append must be 0 or more"),
        ({"append": 1 << 32}, OverflowError, "append is 4294967296"),
        ({"out": [0] * 9}, TypeError, "out must be a numpy array, not list"),
        ({"out": np.zeros((3, 3), np.uint32)}, ValueError, "one dimension"),
        ({"out": READ_ONLY}, ValueError, "writable"),
        ({"out": np.zeros(9, np.uint32), "dtype": np.uint64}, TypeError, "out holds uint32"),
        ({"out": np.zeros(1, np.uint32)}, ValueError, "room for 1 ids, and 2 are needed"),
        ({"out": np.zeros(2, np.uint32), "append": 1}, ValueError, "and [34] are needed"),
    ],
)
def test_wrong_arguments(cl100k: Pair, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        cl100k.ours.encode_to_numpy("hello world", **options)
    with pytest.raises(error, match=message):
        cl100k.ours.encode_batch_to_numpy(["hello", " world"], **options)


class Upper(bpecore.Encoding):
    def encode_to_numpy(self, text: str, **keywords: Any) -> Any:
        return super().encode_to_numpy(text + "!", **keywords)


def test_a_subclass_is_asked_once_per_text() -> None:
    upper = Upper("upper", pat_str=".", mergeable_ranks=dict(BYTES), special_tokens={})
    assert upper.encode_to_numpy("a", append=5).tolist() == [*b"a!", 5]
    ids, offsets = upper.encode_batch_to_numpy(["a", "b"], append=5, dtype=np.int64)
    assert (ids.tolist(), offsets.tolist()) == ([*b"a!", 5, *b"b!", 5], [0, 3, 6])
