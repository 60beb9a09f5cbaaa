"""What `bpecore.hf.Tokenizer` takes, refuses, and does in threads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hf_pairs import columns, outcome, pair_of
from small_models import model_json

from bpecore.hf import Encoding

INPUTS: list[Any] = [
    "a",
    ("a", "b"),
    ["a", "b"],
    ["a", "b", "c"],
    ("a",),
    [],
    7,
    None,
    b"a",
    ("a", 7),
    (["a"], ["b"]),
    [["a", "c"], ["b"]],
    (["a"], "b"),
    "\ud800",
]


@pytest.mark.parametrize("is_pretokenized", [True, False])
@pytest.mark.parametrize("number", range(len(INPUTS)))
def test_inputs_are_those_of_tokenizers(number: int, is_pretokenized: bool) -> None:
    ours, theirs = pair_of(model_json())
    for method in ("encode", "encode_batch"):
        given = [INPUTS[number]] if method == "encode_batch" else INPUTS[number]
        mine = outcome(getattr(ours, method), given, is_pretokenized=is_pretokenized)
        if not is_pretokenized and method == "encode" and isinstance(mine, Encoding):
            given = [given]  # `encode` takes a pair as one argument since tokenizers 1.0
            method = "encode_batch"
            mine = [mine]
        right = outcome(getattr(theirs, method), given, is_pretokenized=is_pretokenized)
        if isinstance(right, str):
            assert isinstance(mine, str), (given, method)
        else:
            assert [*map(columns, mine if method != "encode" else [mine])] == [
                *map(columns, right if method != "encode" else [right])
            ]


def test_a_batch_is_not_one_text() -> None:
    ours, _ = pair_of(model_json())
    with pytest.raises(TypeError, match="expected several inputs, got one: 'tool'"):
        ours.encode_batch("tool")
    assert ours.encode_batch([]) == []


def test_the_same_awaited() -> None:
    ours, _ = pair_of(model_json())

    async def everything() -> list[Any]:
        one = await ours.async_encode("the tool", add_special_tokens=False)
        several = await ours.async_encode_batch(["the", ("tool", "a")])
        fast = await ours.async_encode_batch_fast(["the"])
        return [one, several, fast, await ours.async_decode_batch([one.ids])]

    one, several, fast, decoded = asyncio.run(everything())
    assert columns(one) == columns(ours.encode("the tool"))
    assert columns(several[1]) == columns(ours.encode("tool", "a"))
    assert fast[0].ids == ours.encode("the").ids
    assert decoded == ["the tool"]
