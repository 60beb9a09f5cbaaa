"""Members of the split family: blocks of 64 characters make the pieces that the automaton makes.

`test_blocks.py` does the same, and more of it, for OpenAI's patterns.
"""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import functools
import itertools
import random

import pytest
from block_texts import (
    ALL_KINDS,
    ASCII_KINDS,
    BLOCK,
    CHUNK,
    ODD_KINDS,
    WIDE_KINDS,
    Family,
    alternating,
    assert_equal_at_alignments,
    assert_equal_pieces,
    family_of,
    kinds_named,
    revealing_tables,
)

from bpecore._pattern import compile_pattern, member_of
from bpecore.fuzzing.split_family import MEMBERS, member_pattern

KINDS = [*ALL_KINDS, *ODD_KINDS.values()]
TABLES = functools.cache(lambda: revealing_tables(KINDS))


@functools.cache
def family(name: str) -> Family:
    return family_of(MEMBERS[name], TABLES())


def drawn_texts(source: random.Random, count: int) -> list[str]:
    """Returns texts of a few kinds each, often those that rules name."""
    common = [
        *kinds_named("upper", "lower", "contraction", "contraction of two"),
        "  ",
        "\n\n",
        "''",
    ]
    texts = []
    for _ in range(count):
        kinds = source.choices(KINDS, k=source.randint(2, 6))
        kinds += source.choices(common, k=source.randint(0, 3))
        length = source.choice((48, 64, 65, 130, 700, CHUNK + 100))
        texts.append(alternating("".join(source.choice(kinds)[0] for _ in range(length))))
    return texts


@pytest.mark.parametrize("name", MEMBERS)
def test_every_pair_of_kinds_after_a_letter_or_another_character(name: str) -> None:
    cases = list(itertools.product(KINDS, repeat=2))
    letter, other, wide = ASCII_KINDS["lower"], ASCII_KINDS["other"], WIDE_KINDS["upper"]
    for filler in ((letter, letter), (other, letter), (wide, "  ")):
        assert_equal_at_alignments(family(name), cases, filler, (0, 5, 62))


@pytest.mark.parametrize("name", MEMBERS)
def test_every_three_kinds_that_meet_in_ascii_rules(name: str) -> None:
    cases = list(itertools.product(ASCII_KINDS.values(), repeat=3))
    assert_equal_at_alignments(family(name), cases, (ASCII_KINDS["lower"],), (0, 31, 63))


@pytest.mark.parametrize("name", MEMBERS)
def test_what_is_across_the_border_of_a_block_or_a_chunk(name: str) -> None:
    cases = (
        ".abcé",
        "(ABCab\u0301",
        ".éa",
        "中文a",
        "a中",
        "  中",
        "  1",
        "  ・",
        "\x00a",
        "\n  1",
    )
    for case, place in itertools.product(cases, (BLOCK, CHUNK)):
        for start in range(place - len(case), place + 1):
            text = ("ab " * CHUNK)[:start] + case + "ab " * 25
            assert_equal_pieces(family(name), alternating(text))


@pytest.mark.parametrize("name", MEMBERS)
def test_long_runs(name: str) -> None:
    for run in ("a", "A", ".", "1", "中", "・", "\x00", " ", "\n", "\n ", "'s", ".a", "〇"):
        for start, end in (("", ""), ("x.", "é"), ("é ", "\n")):
            text = start + run * (CHUNK + 70) + end
            assert_equal_pieces(family(name), alternating(text))


@pytest.mark.parametrize("name", MEMBERS)
def test_drawn_texts(name: str) -> None:
    for text in drawn_texts(random.Random(name), 60):
        assert_equal_pieces(family(name), text)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_sample_equals_tiktoken(name: str) -> None:
    for text in drawn_texts(random.Random(1), 12):
        for ours, theirs in zip(family(name).automaton.encodings, family(name).tiktoken):
            assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)


def test_generated_members() -> None:
    source = random.Random(2)
    rules = set()
    while len(rules) < 12:
        pattern = member_pattern(source)
        member = member_of(compile_pattern(pattern))
        if member is None or member.rules in rules:
            continue
        rules.add(member.rules)
        generated = family_of(pattern, TABLES())
        for text in drawn_texts(source, 25):
            assert_equal_pieces(generated, text)
