"""The engine splits by a guided automaton like its slow twin, window by window, in linear time."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from own import BYTES, own_encoding
from scan_guided import split_guided

import bpecore
from bpecore._pattern.compiled import compile_for_engine

WINDOW = 4096
"""GUIDED_WINDOW of engine/encode/guided.pxd, in characters."""

DIGITS = r"\d{1,3}(?=(?:\d{3})*\b)|\p{L}+|[^\p{L}\d]+"
PATTERNS = {
    "digits from the right": DIGITS,
    "word boundaries": r"\b\w+?(?=\W|a)|\w+|\W",
    "gaps": r"\b[ab]+\b|(?<=1)é+",
    "look-behind": r"(?<=é.)a|(?<![ab]{2})b+|.(?=\n|$)|[a1é]|(?!b)\s",
    "far look-ahead": r"[ab]+(?=.*1$)|[\s\S]",
    "never settled": r"(?:aa)*b(?=[^é]*$)|[\s\S]",
    "gives up a lot": r"a*b|(?:[ab1]{3})*é|[\s\S]",
}
LETTERS = "ab1 é\n"
PAIRS = {"".join(pair).encode(): 256 + i for i, pair in enumerate(itertools.product("ab1é", "ab1"))}


def made(pattern: str) -> bpecore.Encoding:
    encoding = own_encoding(pattern, {**BYTES, **PAIRS}, {"<s>": 1000})
    assert compile_for_engine(pattern).guided is not None
    return encoding


def by_twin(encoding: bpecore.Encoding, text: str) -> list[int]:
    guided = compile_for_engine(encoding._pat_str).guided
    assert guided is not None
    return [
        id
        for piece in split_guided(guided, text)
        for id in encoding._encode_single_piece(piece.encode())
    ]


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("letters", [LETTERS, LETTERS + "中😀", "ab1 \n", "aaaaab", "111a"])
def test_texts_around_the_ends_of_windows(pattern: str, letters: str) -> None:
    encoding = made(pattern)
    source = random.Random(letters)
    text = "".join(source.choices(letters, k=3 * WINDOW + 300))
    for length in (0, 1, 5, 300, *range(WINDOW - 2, WINDOW + 3), 2 * WINDOW + 1, len(text)):
        assert encoding.encode(text[:length]) == by_twin(encoding, text[:length]), length
        assert encoding.count(text[:length]) == len(by_twin(encoding, text[:length])), length


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_each_side_of_a_special_token_is_a_text(pattern: str) -> None:
    encoding = made(pattern)
    parts = ["ab1", "1ab é", "", "1" * 5000, "é ab"]
    expected = [*by_twin(encoding, parts[0])]
    for part in parts[1:]:
        expected += [1000, *by_twin(encoding, part)]
    assert encoding.encode("<s>".join(parts), allowed_special="all") == expected
    batch = encoding.encode_batch(["<s>".join(parts)] * 3, allowed_special="all")
    assert batch == [expected] * 3


def test_bytes_and_arrays_and_threads() -> None:
    encoding = made(DIGITS)
    text = "1234567 ab é12345\n" * 40_000
    expected = by_twin(encoding, "1234567 ab é12345\n") * 40_000
    assert encoding.encode_to_numpy(text).tolist() == expected
    assert encoding.encode_batch([text, "1"], num_threads=4) == [expected, [49]]


def test_lone_surrogates_are_replaced() -> None:
    encoding = made(DIGITS)
    assert encoding.encode("12345\ud8006789") == encoding.encode("12345\ufffd6789")


HOSTILE = [
    (r"\p{L}+\p{N}", "a", ""),
    (r"a*b|a", "a", ""),
    (r"(?=\p{L}+\p{N})\p{L}|.", "a", ""),
    (DIGITS, "1", "a"),
    (r"\d{1,3}(?=(?:\d{3})*\b)|.", "1", "é"),
    (r"\w+(?=\W*!)|\W", "ab ", ""),
    (r"(?:a|aa)+(?!a|b)|.", "a", "b"),
    (r"(?<=^a+)a|.", "a", "é"),
    (r"(?:\s*\n)+(?=\S)|\s+(?=\n)|.", "\n ", ""),
]


@pytest.mark.parametrize(("pattern", "unit", "end"), HOSTILE)
def test_hostile_texts_take_linear_time(pattern: str, unit: str, end: str) -> None:
    encoding = made(pattern)
    text = unit * (400_000 // len(unit)) + end
    begin = time.perf_counter()
    count = encoding.count(text)
    # Reading back and forth would take minutes.
    assert time.perf_counter() - begin < 5
    assert count == encoding.count(text)
    short = unit * 2000 + end
    assert encoding.encode(short) == by_twin(encoding, short)
