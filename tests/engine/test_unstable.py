"""`encode_with_unstable` gives tiktoken's completions; the first call lets other threads run."""

from __future__ import annotations

import threading
import time

import pytest
from pairs import Pair

from bpecore._core import RankTable, Vocabulary

TEXTS = [
    "hello fanta",
    "a" * 40,
    "xy" * 20,
    "—" * 9,
    "\n" * 12,
    "word \n \n",
    "\U0001f600" * 3,
    "don'",
    "x\u3000",
    "12345",
]


@pytest.mark.parametrize("pair", ["r50k_base", "cl100k_base", "o200k_base"], indirect=True)
@pytest.mark.parametrize("text", TEXTS)
def test_the_completions_are_those_of_tiktoken(pair: Pair, text: str) -> None:
    stable, completions = pair.ours.encode_with_unstable(text)
    their_stable, theirs = pair.theirs.encode_with_unstable(text)
    assert stable == their_stable
    assert sorted(completions) == sorted(theirs)


def test_tokens_are_sorted_by_their_bytes() -> None:
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [b"", b"a\0", b"a\0\0", b"abcdefgh", b"abcdefgh\0", b"abcdefghi", b"\xff" * 9, b"ab"]
    vocabulary = Vocabulary(RankTable({token: rank for rank, token in enumerate(tokens)}))
    assert vocabulary.sorted_tokens() == sorted(tokens)


def test_sorting_in_many_threads_at_once(pair: Pair) -> None:
    ranks = pair.reference._ranks
    vocabulary = Vocabulary(RankTable(dict(ranks)))
    results: list[list[bytes]] = []
    threads = [
        threading.Thread(target=lambda: results.append(vocabulary.sorted_tokens()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert len(results) == 4
    assert all(result == sorted(ranks) for result in results)
