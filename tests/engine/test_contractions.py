"""Text after an apostrophe is split as tiktoken splits it, in either case and at every place.

Two letters settle `'s`, `'ll` and the like; the automaton settles everything else around an
apostrophe.
"""

# ruff: noqa: RUF001 (the long s and the Kelvin sign are the point)

from __future__ import annotations

import itertools
import random

import pytest
from pairs import Pair

LETTERS = "sSdDmMtTlLvVrReExX"
FOLDING = "ſKéж中"
BEFORE = ["a", "A", "aB", "中", "1", " ", "\n", ".", "'", "a's", "a'Ll", "e\u0301", "ʰ"]
BEHIND = ["", "x", "X", "中", "1", " ", "\n", ".", "'", "'s", "'x", "/"]


@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_two_letters_behind_an_apostrophe(before: str, pair: Pair) -> None:
    endings = [*LETTERS, *FOLDING, *map("".join, itertools.product(LETTERS, LETTERS + "ſé"))]
    for behind in BEHIND:
        text = "".join(f"ab {before}'{ending}{behind} " for ending in endings)
        assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text), behind


def test_texts_of_little_else(pair: Pair) -> None:
    source = random.Random(1)
    alphabets = ["'" * 9 + LETTERS + "  \n.1/", "'" * 9 + LETTERS + FOLDING + " ’.\u0301ʰǅ"]
    for alphabet in alphabets * 300:
        text = "".join(source.choices(alphabet, k=source.randrange(48, 400)))
        assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text), text


@pytest.mark.parametrize("ending", ["'", "'s", "'l", "'ll", "'v", "'re", "'llx", "'s'd", "'x"])
def test_where_a_text_or_a_chunk_of_it_ends(ending: str, pair: Pair) -> None:
    for length in (*range(48, 70), *range(4085, 4100)):
        text = ("we " * 1400)[: length - len(ending)].rstrip() + ending
        assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text), length
        text += "'t say x" * 9
        assert pair.ours.encode_ordinary(text) == pair.theirs.encode_ordinary(text), length
