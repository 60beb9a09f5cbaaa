"""`encode_with_unstable` gives tiktoken's completions, each once, without holding other threads."""

from __future__ import annotations

import gc
import itertools
import random
import threading
import time
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupting import interruptions
from own import BYTES, own_encoding
from pairs import Pair, load_pair

import bpecore
from bpecore._core import RankTable, Vocabulary
from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN
from bpecore.fuzzing.outcomes import Raised, outcome
from bpecore.fuzzing.vocabularies import random_definition, text_over, with_special_tokens

TEXTS = [
    "hello fanta",
    "a" * 300,
    "xy" * 20,
    "q" * 7 + "jxz" * 30,
    "—" * 9,
    "中文字" * 20,
    "\n" * 12,
    "word \n \n",
    "  \t \n  ",
    "a  ",
    " " * 30,
    "<|endoftext|>",
    "<|endoftext|>\n ",
    "\U0001f600" * 3,
    "👩‍👩‍👧‍",
    "don'",
    "x\u3000",
    "\u3000\u2003\x1f",
    "12345",
    "-" * 80,
    "aB" * 30,
    "e\u0301\u0327",
    "",
]

WORDS = [b"ab", b"aba", b" a", b"  ", b"   ", b"b ", b" b\n", b"\n\n", b"b\xc3", b"\xa9a", b"'s"]
RANKS = BYTES | {word: 256 + rank for rank, word in enumerate(WORDS)}
UNORDERED = BYTES | {b"abab": 256, b"ba": 257, b"ab": 258, b"  a": 259, b" a": 260, b"  ": 261}
PATTERNS = {
    "r50k": R50K_PATTERN,
    "cl100k": CL100K_PATTERN,
    "o200k": O200K_PATTERN,
    "gives up a lot": r"a*b|[\s\S]",
    "look-aheads": r"[ab]+(?!a)|\s+(?=b)|[\s\S]",
    "leaves characters out": r"[ab']+|\s+",
    "guided automaton": r"(?<=a)b|[ab]+?\b|[\s\S]",
    "regex library": r"([ab])\1|[ab]+?\b|[\s\S]",
}


def assert_like_tiktoken(ours: bpecore.Encoding, theirs: tiktoken.Encoding, text: str) -> None:
    stable, completions = ours.encode_with_unstable(text, allowed_special="all")
    their_stable, expected = theirs.encode_with_unstable(text, allowed_special="all")
    assert stable == their_stable
    assert sorted(completions) == sorted(expected)


def both(definition: dict[str, Any]) -> tuple[bpecore.Encoding, tiktoken.Encoding]:
    return bpecore.Encoding(**definition), tiktoken.Encoding(**definition)


@pytest.mark.parametrize(
    "pair", ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"], indirect=True
)
@pytest.mark.parametrize("text", TEXTS)
def test_the_completions_are_those_of_tiktoken(pair: Pair, text: str) -> None:
    assert_like_tiktoken(pair.ours, pair.theirs, text)


@pytest.mark.parametrize("ranks", [RANKS, UNORDERED], ids=["ordered", "unordered"])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_all_short_texts(pattern: str, ranks: dict[bytes, int]) -> None:
    ours, theirs = both(
        {"name": "own", "pat_str": pattern, "mergeable_ranks": ranks, "special_tokens": {}}
    )
    for length in range(6):
        for characters in itertools.product("ab \né"[: 5 if length < 5 else 4], repeat=length):
            assert_like_tiktoken(ours, theirs, "".join(characters))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_generated_encodings(seed: int) -> None:
    source = random.Random(seed)
    definition = with_special_tokens(source, random_definition(source))
    ours, theirs = both(definition)
    for _ in range(5):
        text = text_over(source, definition)[: source.choice((5, 20, 80))]
        expected = outcome(theirs.encode_with_unstable, text, allowed_special="all")
        if not isinstance(expected, Raised):
            assert_like_tiktoken(ours, theirs, text)


def test_a_byte_that_is_no_token() -> None:
    ranks = {b"a": 0, b"b": 1, b"ab": 2, b"abc": 3, b" ": 4}
    stable, completions = own_encoding(r"\w+|\s+", ranks).encode_with_unstable("ab")
    assert (stable, sorted(completions)) == ([], [[2], [3]])
    encoding = own_encoding(r"\w+|\s+", {**ranks, b"bcd": 5})
    with pytest.raises(ValueError, match="0x64"):
        encoding.encode_with_unstable("ab")


@pytest.mark.parametrize("unit", ["a", "ab", " ", "é"])
def test_a_million_characters(unit: str) -> None:
    encoding = own_encoding(CL100K_PATTERN, RANKS)
    text = unit * (1_000_000 // len(unit))
    stable, completions = encoding.encode_with_unstable(text)
    assert stable == []
    assert encoding.encode(text) in completions
    for ids in completions:
        found = encoding.decode_bytes(ids)
        assert found.startswith(text.encode())
        assert len(found) - len(text.encode()) < 4


def test_completions_share_no_list() -> None:
    encoding = load_pair("cl100k_base").ours
    _, completions = encoding.encode_with_unstable("a" * 40)
    lengths = [*map(len, completions)]
    completions[0].append(1)
    completions[1].clear()
    assert [*map(len, completions)][2:] == lengths[2:]
    assert len(completions[0]) == lengths[0] + 1


def test_other_threads_run_meanwhile() -> None:
    encoding = own_encoding(CL100K_PATTERN, RANKS)
    text = "".join(random.Random(1).choices("ab", k=3_000_000))
    caller = threading.Thread(target=encoding.encode_with_unstable, args=(text,))
    caller.start()
    turns = 0
    while caller.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns >= 10


def test_interrupted_calls_leave_the_encoding_as_it_was() -> None:
    encoding = load_pair("o200k_base").ours
    text = " " * 2_000
    expected = encoding.encode_with_unstable(text)
    interrupted = 0
    gc.disable()  # an exception in a callback of the collector would be lost
    try:
        with interruptions(0.05) as interrupt_once:
            for _ in range(30):
                interrupted += interrupt_once(lambda: encoding.encode_with_unstable(text))
    finally:
        gc.enable()
    assert interrupted
    assert encoding.encode_with_unstable(text) == expected


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
