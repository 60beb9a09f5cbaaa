"""A stream decoder refuses a call made in the middle of another, and loses nothing."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")
HELLO = 24912


def byte_id(byte: int) -> int:
    return ENCODING.encode_single_token(bytes([byte]))


class Again:
    """An id that calls the decoder when read."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call
        self.refused = 0

    def __index__(self) -> int:
        with pytest.raises(RuntimeError, match="in use"):
            self.call()
        self.refused += 1
        return HELLO


@pytest.fixture
def handler() -> Iterator[Callable[[Callable[[], object]], list[int]]]:
    """Sets what the error handler "again" calls, and counts how often it was refused."""
    calls: list[Callable[[], object]] = []
    refused: list[int] = []

    def again(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        for call in calls:
            with pytest.raises(RuntimeError, match="in use"):
                call()
            refused.append(error.start)
        return "?", error.end

    def use(call: Callable[[], object]) -> list[int]:
        calls.append(call)
        return refused

    codecs.register_error("again", again)
    yield use
    calls.clear()


CALLS: dict[str, Callable[[Any], object]] = {
    "an id": lambda d: d.feed(HELLO if isinstance(d, bpecore.StreamDecoder) else [HELLO]),
    "many ids": lambda d: d.feed([HELLO] * 256 if isinstance(d, bpecore.StreamDecoder) else [[1]]),
    "flush": lambda d: d.flush() if isinstance(d, bpecore.StreamDecoder) else d.flush(0),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_id_that_feeds_the_decoder(call: str) -> None:
    decoder = bpecore.StreamDecoder(ENCODING)
    again = Again(lambda: CALLS[call](decoder))
    many: list[Any] = [again, *[HELLO] * 20_000, again]
    assert decoder.feed(many) == "hello" * 20_002
    assert decoder.feed(again) == "hello"  # type: ignore[arg-type]
    assert again.refused == 3
    assert decoder.feed(HELLO) + decoder.flush() == "hello"


@pytest.mark.parametrize("call", CALLS)
def test_an_id_that_feeds_the_batch(call: str) -> None:
    decoder = bpecore.StreamDecoderBatch(ENCODING, 1)
    again = Again(lambda: CALLS[call](decoder))
    many: list[Any] = [again, *[HELLO] * 20_000]
    assert decoder.feed([many]) == ["hello" * 20_001]
    assert decoder.feed_ragged(many, [0, 20_001]) == ["hello" * 20_001]
    assert again.refused == 2
    assert decoder.feed([HELLO]) == ["hello"]


def test_an_error_handler_that_feeds_the_decoder(handler: Any) -> None:
    decoder = bpecore.StreamDecoder(ENCODING, "again")
    refused = handler(lambda: decoder.feed([HELLO] * 1_000_000))
    assert decoder.feed([byte_id(0xFF), byte_id(0x61), byte_id(0xF0), byte_id(0x9F)]) == "?a"
    assert decoder.flush() == "?"
    assert len(refused) == 2


def test_an_error_handler_that_feeds_the_batch(handler: Any) -> None:
    count = 2_000
    decoder = bpecore.StreamDecoderBatch(ENCODING, count, "again")
    refused = handler(lambda: decoder.feed_ragged([1] * 5, range(500_000)))
    ids = [byte_id(0xFF), byte_id(0xFF), *[HELLO] * (2 * count - 2)]
    texts = decoder.feed_ragged(ids, list(range(0, 2 * count + 1, 2)))
    assert texts == ["??", *["hellohello"] * (count - 1)]
    assert len(refused) == 2


def test_after_an_error_it_can_be_used() -> None:
    decoder = bpecore.StreamDecoder(ENCODING, "strict")
    batch = bpecore.StreamDecoderBatch(ENCODING, 1, "strict")
    for wrong, error in (
        ([10_000_000], KeyError),
        ([-1], OverflowError),
        (["a"], TypeError),
        ([byte_id(0xFF)], UnicodeDecodeError),
    ):
        with pytest.raises(error):
            decoder.feed(wrong)  # type: ignore[arg-type]
        with pytest.raises(error):
            batch.feed([wrong])
        with pytest.raises(error):
            batch.feed_ragged(wrong, [0, 1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sequences"):
        batch.feed([])
    with pytest.raises(IndexError):
        batch.flush(1)
    assert decoder.feed(HELLO) == "hello"
    assert batch.feed([HELLO]) == ["hello"]
    assert decoder.flush() == ""
    with pytest.raises(ValueError, match="flushed"):
        decoder.flush()
    with pytest.raises(ValueError, match="flushed"):
        decoder.feed(HELLO)
