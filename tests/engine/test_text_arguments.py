"""Every method that takes a text accepts the same types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pairs import Pair

import bpecore

TEXT = "one two <|endoftext|> \ud83c\udf0a three"


class Shout(str):
    """A `str` subclass whose methods disagree with its characters."""

    __slots__ = ()

    def __str__(self) -> str:
        return "other"

    def __add__(self, other: object) -> str:
        return "other"

    def __getitem__(self, place: object) -> str:
        return "other"

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"other"


def feed_counter(encoding: bpecore.Encoding, text: str, **keywords: Any) -> int:
    return bpecore.TokenCounter(encoding, **keywords).feed(text)


def feed_encoder(encoding: bpecore.Encoding, text: str, **keywords: Any) -> list[int]:
    encoder = bpecore.StreamEncoder(encoding, **keywords)
    return encoder.feed(text) + encoder.flush()


METHODS: dict[str, Callable[..., Any]] = {
    "encode": bpecore.Encoding.encode,
    "encode_to_numpy": lambda *a, **k: bpecore.Encoding.encode_to_numpy(*a, **k).tolist(),
    "encode_batch": lambda e, text, **k: e.encode_batch([text], **k),
    "count": bpecore.Encoding.count,
    "count_batch": lambda e, text, **k: e.count_batch([text], **k),
    "count_up_to": lambda e, text, **k: e.count_up_to(text, 100, **k),
    "truncate": lambda e, text, **k: e.truncate(text, 4, **k),
    "split": lambda e, text, **k: e.split(text, 4, **k),
    "split_batch": lambda e, text, **k: e.split_batch([text], 4, **k),
    "split_spans": lambda e, text, **k: e.split_spans(text, 4, **k).characters.tolist(),
    "token_offsets": lambda e, text, **k: e.token_offsets(text, **k).tolist(),
    "encode_with_unstable": lambda e, text, **k: e.encode_with_unstable(text, **k)[0],
    "TokenCounter": feed_counter,
    "StreamEncoder": feed_encoder,
}


@pytest.mark.parametrize("method", METHODS)
def test_a_subclass_of_str_is_what_it_holds(pair: Pair, method: str) -> None:
    call = METHODS[method]
    wanted = call(pair.ours, TEXT, disallowed_special=())
    assert call(pair.ours, Shout(TEXT), disallowed_special=()) == wanted


@pytest.mark.parametrize("nothing", [(), set(), frozenset(), [], None])
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"encode_batch"}))
def test_nothing_is_disallowed(pair: Pair, method: str, nothing: Any) -> None:
    text = "a <|endoftext|> b"
    wanted = METHODS[method](pair.ours, text, allowed_special=set(), disallowed_special=())
    assert METHODS[method](pair.ours, text, disallowed_special=nothing) == wanted
