"""Each result's ids have their own memory, for results of any size and in any order."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import bpecore

MAPPED_IDS = 1 << 17
"""From this number on ids lie in a mapping; see `_ext/engine/sink/id_buffer.pxd`."""

SPARE_IDS = 1 << 21
"""Of mappings for more ids than this only one is kept."""

MAPPED_LIMIT = 1 << 23
"""More ids than this are in the C library's memory again."""

COUNTS = [
    *range(MAPPED_IDS - 40, MAPPED_IDS + 40, 13),
    *(MAPPED_IDS * eighths // 8 + more for eighths in (6, 9, 15, 16, 24, 33) for more in (-1, 1)),
    SPARE_IDS - 1000,
    SPARE_IDS,
    SPARE_IDS + 1,
]


def text_of(count: int) -> tuple[str, np.ndarray]:
    """Returns a text of a number of ids, and the ids: all equal except the last few."""
    encoding = bpecore.get_encoding("cl100k_base")
    [word] = encoding.encode(" word")
    tail = encoding.encode(f" {count} ends here")
    ids = np.array([word] * (count - len(tail)) + tail, dtype=np.uint32)
    return " word" * (count - len(tail)) + f" {count} ends here", ids


@pytest.mark.parametrize("count", [*COUNTS, MAPPED_LIMIT, MAPPED_LIMIT + 1])
def test_every_size_around_the_limits(count: int) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    text, expected = text_of(count)
    results = [encoding.encode_to_numpy(text) for _ in range(3)]
    ids, offsets = encoding.encode_batch_to_numpy([text, text])
    for result in [*results, ids[:count], ids[count:]]:
        assert np.array_equal(result, expected)
    assert offsets.tolist() == [0, count, 2 * count]
    assert encoding.encode(text) == expected.tolist()


def test_a_result_that_is_kept_stays_as_it_is() -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    kept = []
    for count in [*COUNTS, *reversed(COUNTS)]:
        text, expected = text_of(count)
        encoding.encode_to_numpy(text)  # whose memory may serve the next one
        kept.append((encoding.encode_to_numpy(text), expected))
        if len(kept) > 12:
            kept.pop(len(kept) // 2)
    for result, expected in kept:
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("total", [524_287, 524_288, 1_048_577, 2_000_000])
def test_lists_whose_memory_is_made_ready_before_them(total: int) -> None:
    """From 524,288 ids on, as many at a time as fill 8 MB; texts of any size, also in sections."""
    encoding = bpecore.get_encoding("cl100k_base")
    texts, expected = [], []
    while total:
        count = min(total, (50, 3_000, 40_000, 150_000)[len(texts) % 4])
        text, ids = (
            text_of(count) if count >= 50 else (" word" * count, encoding.encode(" word") * count)
        )
        texts.append(text)
        expected.append(list(ids))
        total -= count
    for threads in (1, 2):
        assert encoding.encode_batch(texts, num_threads=threads) == expected


def test_texts_whose_beginning_misleads() -> None:
    """The room for ids is estimated from the text so far; here the estimate is wrong, both ways."""
    encoding = bpecore.get_encoding("cl100k_base")
    dense, thin = "1 2 " * 40_000, " international" * 100_000
    for text in (dense + thin, thin + dense, thin + dense * 3, dense * 4 + thin):
        expected = encoding.encode(text)
        for _ in range(3):
            assert encoding.encode_to_numpy(text).tolist() == expected
            assert encoding.count(text) == len(expected)


def test_threads_that_take_and_give_back_at_once() -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    cases = [text_of(count) for count in (MAPPED_IDS + 1, 300_000, 400_000, 530_000, 700_000)]
    wrong: list[int] = []

    def work(first: int) -> None:
        kept = None
        for step in range(30):
            text, expected = cases[(first + step) % len(cases)]
            result = encoding.encode_to_numpy(text)
            if not np.array_equal(result, expected):
                wrong.append(len(expected))
            if kept is not None and not np.array_equal(*kept):
                wrong.append(-len(expected))
            kept = (result, expected)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


WORD = " word"
PIECE = " " + "x" * 300_000
"""One piece of few ids and more bytes than a mapping needs room for."""


def test_a_long_piece_behind_many_counted_ids() -> None:
    """A count reuses its memory: there is room for fewer ids than were counted."""
    encoding = bpecore.get_encoding("cl100k_base")
    text = WORD * 2_000_000 + PIECE
    tail = len(encoding.encode(PIECE))
    assert encoding.count(text) == 2_000_000 + tail
    assert encoding.count_batch([text, PIECE], num_threads=1) == [2_000_000 + tail, tail]
    assert encoding.count_batch([text, PIECE], num_threads=2) == [2_000_000 + tail, tail]
    assert encoding.count_up_to(text, 10**9) == 2_000_000 + tail
    assert encoding.count_up_to(text, 2_000_000) is None


def test_other_calls_after_a_large_count() -> None:
    """They use the memory that the count left."""
    encoding = bpecore.get_encoding("cl100k_base")
    [word] = encoding.encode(WORD)
    piece = b"abc" * 100_000
    expected = encoding.encode_single_token(b"abc")
    assert encoding.count(WORD * 1_500_000) == 1_500_000
    merged = encoding._core_bpe._merge(piece)
    assert encoding.decode_bytes(merged) == piece
    assert expected in merged
    assert encoding.count(WORD * 1_500_000) == 1_500_000
    ids: Any = np.full(300_000, word, np.uint32)
    assert encoding._core_bpe.decode_bytes(ids) == WORD.encode() * 300_000
