"""The naive reference equals tiktoken, so it can serve as an oracle."""

from __future__ import annotations

import inspect
import random

from pairs import Pair
from texts import random_texts

import bpecore.fuzzing.reference


def test_random_texts(pair: Pair) -> None:
    for text in random_texts(seed=11, count=1_500):
        assert pair.reference.encode_ordinary(text) == pair.theirs.encode_ordinary(text)


def test_special_tokens(pair: Pair) -> None:
    for text in random_texts(seed=12, count=300):
        text = f"{text}<|endoftext|>{text}"
        for allowed in (set(), {"<|endoftext|>"}, {"<|endoftext|>", "unknown"}):
            expected = pair.theirs.encode(text, allowed_special=allowed, disallowed_special=())
            assert pair.reference.encode(text, allowed) == expected


def test_single_pieces(pair: Pair) -> None:
    source = random.Random(13)
    for length in (1, 2, 3, 15, 16, 100, 500, 2_000):
        piece = bytes(source.choices(b"aab \n\xc3\xa9\xff", k=length))
        expected = pair.theirs._core_bpe.encode_single_piece(piece)
        assert pair.reference.encode_piece(piece) == expected


def test_it_stays_small_enough_to_be_read_at_once() -> None:
    assert len(inspect.getsource(bpecore.fuzzing.reference).splitlines()) <= 80
