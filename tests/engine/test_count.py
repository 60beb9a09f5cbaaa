"""`count` is `len(encode(...))` for every argument, and builds no ids."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import Pair


def test_of_nothing_and_of_one_token(pair: Pair) -> None:
    assert pair.ours.count("") == 0
    assert pair.ours.count("a") == 1
    assert type(pair.ours.count("a")) is int


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.text() | st.sampled_from(["<|endoftext|>", "<|endofprompt|>"])),
    allow=st.booleans(),
)
def test_equals_the_number_of_ids(pair: Pair, parts: list[str], allow: bool) -> None:
    text = "".join(parts)
    arguments: dict[str, Any] = {
        "allowed_special": "all" if allow else set(),
        "disallowed_special": (),
    }
    assert pair.ours.count(text, **arguments) == len(pair.theirs.encode(text, **arguments))


def test_special_tokens_are_refused_by_default(pair: Pair) -> None:
    with pytest.raises(ValueError, match=r"<\|endoftext\|>"):
        pair.ours.count("a <|endoftext|>")


@pytest.mark.parametrize("wrong", [None, b"bytes", 5, ["a"], bytearray(b"a")])
def test_what_is_no_text(cl100k: Pair, wrong: Any) -> None:
    for disallowed in ("all", ()):
        with pytest.raises(TypeError):
            cl100k.theirs.encode(wrong, disallowed_special=disallowed)
        with pytest.raises(TypeError):
            cl100k.ours.encode(wrong, disallowed_special=disallowed)
        with pytest.raises(TypeError):
            cl100k.ours.count(wrong, disallowed_special=disallowed)


def test_arguments_are_keywords(cl100k: Pair) -> None:
    with pytest.raises(TypeError):
        cl100k.ours.count("a", set())  # type: ignore[call-arg]


def test_no_python_object_is_made_for_an_id(cl100k: Pair) -> None:
    text = "word " * 200_000
    cl100k.ours.count(text)
    tracemalloc.start()
    try:
        count = cl100k.ours.count(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count > 200_000
    assert peak < 100_000, "bytes, less than one a token"


def test_the_text_keeps_no_utf8_copy(cl100k: Pair) -> None:
    """A cached UTF-8 form would show in the object's size."""
    text = "ж" * 10_000
    size = text.__sizeof__()
    cl100k.ours.count(text)
    cl100k.ours.encode(text)
    assert text.__sizeof__() == size
