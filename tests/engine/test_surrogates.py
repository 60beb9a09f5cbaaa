"""Lone surrogates, which no UTF-8 text can hold, are treated as tiktoken treats them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import outcome
from pairs import Pair

from bpecore._build.threads import LONG_TEXT
from bpecore._core import has_surrogate

TEXTS = [
    "\ud800",
    "\udfff",
    "a\ud83d",
    "\udc4db",
    "\ud83d\udc4d",
    "a \ud83d\udc4d\ud83d b",
    "\udc4d\ud83d",
    "\ud800" * 100,
    "word " * 20_000 + "\ud800 tail",
    "é\ud800",
    "中\udfff文",
    "😀\ud83d\ude00😀",
]
ANY_CHARACTER = st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff ")


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_pairs_are_joined_and_lone_ones_replaced(pair: Pair, text: str) -> None:
    expected = pair.theirs.encode(text)
    assert pair.ours.encode(text) == expected
    assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text)
    assert pair.ours.count(text) == len(expected)
    assert pair.ours.encode_batch([text, "a"]) == pair.theirs.encode_batch([text, "a"])
    assert pair.ours.encode_ordinary_batch([text]) == pair.theirs.encode_ordinary_batch([text])


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_arrays_and_the_rest_take_them_as_lists_do(pair: Pair, text: str) -> None:
    """Here tiktoken raises UnicodeEncodeError."""
    expected = pair.theirs.encode(text)
    assert pair.ours.encode_to_numpy(text).tolist() == expected
    ids, offsets = pair.ours.encode_batch_to_numpy(["a", text, text])
    assert ids[offsets[1] : offsets[2]].tolist() == ids[offsets[2] :].tolist() == expected
    end = text[-9:]
    clean = end.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for method in ("encode_with_unstable", "encode_single_token"):
        call = getattr(pair.ours, method)
        assert outcome(call, end) == outcome(call, clean)


def test_a_long_text_with_a_surrogate(cl100k: Pair) -> None:
    text = "word " * (LONG_TEXT // 5) + "\ud800"
    assert cl100k.ours.encode_to_numpy(text)[-1] == cl100k.ours.encode(" \ufffd")[-1]


def test_a_surrogate_in_an_argument_is_still_an_error(cl100k: Pair) -> None:
    for text in ("a", "\ud800"):
        with pytest.raises(UnicodeEncodeError):
            cl100k.ours.encode_to_numpy(text, allowed_special={"\ud800"})


@settings(max_examples=100, deadline=None)
@given(text=st.text(ANY_CHARACTER))
def test_any_text_with_surrogates(pair: Pair, text: str) -> None:
    expected = pair.theirs.encode(text, disallowed_special=())
    assert pair.ours.encode(text, disallowed_special=()) == expected
    assert pair.ours.count(text, disallowed_special=()) == len(expected)


def test_special_tokens_beside_surrogates(pair: Pair) -> None:
    text = "\ud800<|endoftext|>\udc00"
    expected = pair.theirs.encode(text, allowed_special="all")
    assert pair.ours.encode(text, allowed_special="all") == expected
    assert pair.ours.count(text, allowed_special="all") == len(expected)
    with pytest.raises(ValueError, match=r"<\|endoftext\|>"):
        pair.ours.count(text)


@pytest.mark.parametrize("filler", ["a", "é", "中", "😀"])
@pytest.mark.parametrize("length", [0, 1, 511, 512, 513, 2000])
def test_one_surrogate_anywhere_is_seen(filler: str, length: int) -> None:
    text = filler * length
    assert not has_surrogate(text)
    for surrogate in "\ud800\udbff\udc00\udfff":
        for place in {0, length // 2, length}:
            assert has_surrogate(text[:place] + surrogate + text[place:])
    for neighbour in "\ud7ff\ue000":
        assert not has_surrogate(text + neighbour)
