"""Every short string over the classes of a split pattern is split as by tiktoken, wherever it is.

`test_pattern_splitting.py` does the same for the slow splitter in Python; this tests the engine, by
the automaton and by blocks. `python -m fuzz.exhaustive` goes up to six characters.
"""

from __future__ import annotations

import functools
import itertools
import random

import pytest
from own import own_encoding

from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.subject import available_instructions
from fuzz.exhaustive import (
    AFTER,
    LEAST_BEFORE,
    LONGEST,
    PATTERNS,
    Exhaustive,
    Mismatch,
    frame_before,
    revealing_tokens,
)

LONGEST_HERE = {"r50k": 5, "cl100k": 5, "o200k": 4}
"""Characters in the longest strings tried."""


@functools.cache
def comparison(name: str) -> Exhaustive:
    return Exhaustive(name)


def compare_all(name: str, length: int) -> None:
    compared = 0
    # Small batches: each has another instruction set, frame and place in its block.
    for result in comparison(name).compare(length, batch=6_000):
        assert isinstance(result, int), str(result)
        compared += result
    assert compared == len(comparison(name).alphabet) ** length


@pytest.mark.parametrize("name", PATTERNS)
def test_every_short_string_is_split_as_by_tiktoken(name: str) -> None:
    for length in range(1, LONGEST_HERE[name]):
        compare_all(name, length)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_every_longer_string_is_split_as_by_tiktoken(name: str) -> None:
    compare_all(name, LONGEST_HERE[name])


def test_these_are_the_patterns_of_all_encodings() -> None:
    used = {definition()["pat_str"] for definition in ENCODING_CONSTRUCTORS.values()}
    assert used == set(PATTERNS.values())


def test_the_vocabularies_show_all_ways_to_split() -> None:
    """Each of the 32 ways to cut a string of six characters gives different ids."""
    alphabet = ["a", "b", " ", "é"]
    vocabularies = [
        own_encoding(
            "(?s).+",
            {
                token: rank
                for rank, token in enumerate(
                    [
                        *(bytes([value]) for value in range(256)),
                        *(token.encode() for token in tokens),
                    ]
                )
            },
        )
        for tokens in revealing_tokens(alphabet)
    ]
    cuts = [cut for count in range(LONGEST) for cut in itertools.combinations(range(1, 6), count)]
    assert len(cuts) == 32
    source = random.Random(3)
    strings = ["".join(source.choices(alphabet, k=LONGEST)) for _ in range(400)]
    for string in [*strings, "aaaaaa", "ababab", "abbabb"]:
        seen = set()
        for cut in cuts:
            ends = [0, *cut, LONGEST]
            pieces = [string[start:end] for start, end in zip(ends, ends[1:])]
            ids = [[id for piece in pieces for id in one.encode(piece)] for one in vocabularies]
            seen.add(tuple(map(tuple, ids)))
        assert len(seen) == len(cuts), string


@pytest.mark.parametrize("name", PATTERNS)
def test_frames_are_pieces_of_their_own(name: str) -> None:
    vocabulary = comparison(name)._vocabularies[0]
    frames = [frame_before(length, " ж") for length in range(LEAST_BEFORE, LEAST_BEFORE + 64)]
    assert [len(frame) for frame in frames] == [*range(LEAST_BEFORE, LEAST_BEFORE + 64)]
    for text in (*frames, AFTER):
        ids = vocabulary.theirs.encode_ordinary(text)
        assert min(ids) >= vocabulary.first_of_frames, text


@pytest.mark.parametrize("number", range(2))
def test_a_wrong_piece_is_found(number: int) -> None:
    """Uses one family's vocabulary with an engine that splits by another family's pattern."""
    exhaustive = Exhaustive("cl100k")
    right = exhaustive._vocabularies[number]
    wrong = own_encoding(
        PATTERNS["r50k"],
        right.ours["automaton"]._mergeable_ranks,
        right.ours["automaton"]._special_tokens,
    )
    for instructions in available_instructions():
        ours = {**right.ours, instructions: wrong}
        exhaustive._vocabularies[number] = right._replace(ours=ours)
        *_, result = exhaustive.compare(4, batch=2_000)
        assert isinstance(result, Mismatch)
        assert result.instructions == instructions
        assert result.found != result.expected
        assert "".join(result.expected) == result.string
        assert ascii(result.string) in str(result)
