"""Splitting by blocks of 64 characters makes the pieces that the automaton makes.

`block_texts` says how that shows. These are OpenAI's patterns; `test_split_members.py` has others.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from block_texts import (
    ALL_KINDS,
    ASCII_KINDS,
    BLOCK,
    CHUNK,
    WIDE_KINDS,
    WIDENINGS,
    Family,
    alternating,
    assert_equal_at_alignments,
    assert_equal_pieces,
    family_of,
    joined,
    kinds_named,
    revealing_tables,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from own import own_encoding
from split_families import PATTERNS, available_instructions

import bpecore
from bpecore import _core
from bpecore.encodings import ENCODING_CONSTRUCTORS


@pytest.fixture(scope="module")
def engines() -> dict[str, Family]:
    tables = revealing_tables(ALL_KINDS)
    return {name: family_of(pat_str, tables) for name, pat_str in PATTERNS.items()}


@pytest.fixture(params=list(PATTERNS))
def family(request: pytest.FixtureRequest, engines: dict[str, Family]) -> Family:
    return engines[request.param]


LETTER, SPACE, OTHER = kinds_named("lower", "space", "other")
FILLERS = [(LETTER, LETTER), (LETTER, SPACE), (OTHER, LETTER), (LETTER, "\n\n"), ()]


def test_this_machine_has_vectors() -> None:
    """Without vectors the tests below would compare the automaton with itself."""
    before = _core.simd
    assert available_instructions()
    _core.choose_simd(before)


def test_the_vocabularies_reveal_each_border() -> None:
    """Every way to split a short text in two gives different ids."""
    encodings = [own_encoding(r".+|\n+", ranks) for ranks in revealing_tables(ALL_KINDS)]
    source = random.Random(5)
    for _ in range(500):
        kinds = source.choices(ALL_KINDS, k=8)
        text = "".join(kind[place & 1] for place, kind in enumerate(kinds))
        if len(set(text)) < 8 or "\n" in text:
            continue
        seen = [
            [
                [
                    id
                    for part in (text[:cut], text[cut:])
                    if part
                    for id in piece_ids(encoding, part)
                ]
                for encoding in encodings
            ]
            for cut in range(8)
        ]
        assert all(a != b for a, b in itertools.combinations(seen, 2)), text


def piece_ids(encoding: bpecore.Encoding, piece: str) -> list[int]:
    return encoding._encode_single_piece(piece) if piece else []


@pytest.mark.parametrize("filler", FILLERS, ids=repr)
def test_every_short_ascii_text_at_every_place_of_a_block(
    family: Family, filler: tuple[str, ...]
) -> None:
    cases = list(itertools.product(ASCII_KINDS.values(), repeat=3))
    assert_equal_at_alignments(family, cases, filler, range(BLOCK))


@pytest.mark.parametrize("widening", WIDENINGS.values(), ids=list(WIDENINGS))
def test_every_ascii_text_of_four_characters(family: Family, widening: str) -> None:
    cases = list(itertools.product(ASCII_KINDS.values(), repeat=4))
    places = range(BLOCK) if not widening else range(0, BLOCK, 9)
    assert_equal_at_alignments(family, cases, (LETTER,), places, widening)


@pytest.mark.parametrize("filler", FILLERS, ids=repr)
def test_every_short_text_of_all_kinds(family: Family, filler: tuple[str, ...]) -> None:
    cases = list(itertools.product(ALL_KINDS, repeat=2))
    for widening in WIDENINGS.values():
        assert_equal_at_alignments(family, cases, filler, range(BLOCK), widening)
    kinds = [*ASCII_KINDS.values(), *WIDE_KINDS.values()]
    cases = list(itertools.product(kinds, repeat=3))
    assert_equal_at_alignments(family, cases, filler, range(0, BLOCK, 13))


def test_every_text_of_four_kinds_that_rules_name(family: Family) -> None:
    """Most of these kinds are not ASCII, so blocks go through UTF-8."""
    kinds = kinds_named("space", "line feed", "apostrophe", "slash", "contraction")
    kinds += [WIDE_KINDS[name] for name in ("upper", "lower", "caseless", "mark", "digit")]
    kinds += [WIDE_KINDS[name] for name in ("white space", "other")]
    cases = list(itertools.product(kinds, repeat=4))
    assert_equal_at_alignments(family, cases, (WIDE_KINDS["lower"],), range(0, BLOCK, 5))


@pytest.mark.parametrize(
    "names",
    [
        ("space", "tab", "line feed", "carriage return", "lower", "other"),
        ("upper", "lower", "caseless", "mark", "other", "space"),
        ("lower", "digit", "space", "slash", "line feed", "other"),
        ("apostrophe", "contraction", "contraction of two", "upper", "lower", "space"),
    ],
    ids=" ".join,
)
def test_every_text_of_five_kinds_that_meet_in_one_rule(
    family: Family, names: tuple[str, ...]
) -> None:
    kinds = kinds_named(*names)
    cases = list(itertools.product(kinds, repeat=5))
    assert_equal_at_alignments(family, cases, (LETTER,), (0, 21, 42, 63))
    assert_equal_at_alignments(family, cases, (OTHER, LETTER), (1, 33), "ж")


@pytest.mark.parametrize("widening", WIDENINGS.values(), ids=list(WIDENINGS))
@pytest.mark.parametrize("length", [47, 48, 49, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097])
def test_lengths_around_blocks_and_chunks(family: Family, length: int, widening: str) -> None:
    source = random.Random(length)
    for _ in range(30 if length < CHUNK // 2 else 6):
        kinds = source.choices(ALL_KINDS if widening == "😀" else list(ASCII_KINDS.values()), k=5)
        text = "".join(source.choice(kinds)[place & 1] for place in range(length - len(widening)))
        for ending in ("", " ", "\n", " a", "'", "'s", "1", "\n/", "\u3000"):
            assert_equal_pieces(
                family, alternating(text[: len(text) - len(ending)] + ending + widening)
            )


@pytest.mark.parametrize("widening", WIDENINGS.values(), ids=list(WIDENINGS))
def test_what_stands_across_the_border_of_a_chunk(family: Family, widening: str) -> None:
    cases = ["ab", " a", "  a", "\n\n a", "a's", "1234", ".\n/", "aBc", "\t \n", "'ll", "\n \n"]
    cases += ["e\u0301a", "中A", "A中a", "\u3000\u3000a"] if widening in ("ж", "😀") else []
    for filler in ("ab ", "a", " ", "1", "\n"):
        body = (filler * CHUNK)[: CHUNK + 8]
        for case, place in itertools.product(cases, range(CHUNK - 8, CHUNK + 4)):
            assert_equal_pieces(family, alternating(body[:place] + case + body[:70] + widening))


@pytest.mark.parametrize(
    "length", [CHUNK - 1, CHUNK + 1, 2 * CHUNK, pytest.param(65_537, marks=pytest.mark.slow)]
)
def test_runs_longer_than_a_chunk(family: Family, length: int) -> None:
    kinds = (" ", "\t", "\n", "\r\n", "1", "a", "A", ".", "'", "/", "中", "\u0301", "\u3000")
    for kind in (*kinds, "aB", "a1", "😀", "\n ", " \n", "'s"):
        run = (kind * length)[:length]
        for start, end in (("", ""), ("x\n", " x"), ("é", "1"), (" ", "\n/")):
            assert_equal_pieces(family, alternating(start + run + end))


@pytest.mark.parametrize("widening", WIDENINGS.values(), ids=list(WIDENINGS))
def test_runs_of_white_space_across_borders(family: Family, widening: str) -> None:
    source = random.Random(8)
    for _ in range(600):
        length = source.choice((BLOCK, 2 * BLOCK, CHUNK)) + source.randint(-4, 4)
        run = "".join(source.choices(" \t\n\r", weights=source.choices((1, 9), k=4), k=length))
        start = "a" * source.randint(0, BLOCK)
        assert_equal_pieces(
            family, start + run + source.choice(("", "a", " ", ".", "1")) + widening
        )


def test_mixtures_of_letters_and_marks(family: Family) -> None:
    source = random.Random(9)
    kinds = ["AB", "ab", *(WIDE_KINDS[name] for name in ("upper", "lower", "caseless", "title"))]
    kinds += [WIDE_KINDS[name] for name in ("modifier letter", "mark", "spacing mark")]
    for _ in range(400):
        chosen = [*source.choices(kinds, k=3), *source.choices(("  ", "''", ".,", "st"), k=1)]
        drawn = source.choices(chosen, k=source.randint(48, 400))
        assert_equal_pieces(family, "".join(kind[place & 1] for place, kind in enumerate(drawn)))


@pytest.mark.parametrize(
    "names",
    [("digit", "lower", "space"), ("slash", "line feed", "carriage return", "other", "apostrophe")],
    ids=" ".join,
)
def test_long_runs_that_rules_cut_or_take(family: Family, names: tuple[str, ...]) -> None:
    """Numbers in threes, and what a piece of other characters takes, go on in the next block."""
    source = random.Random(11)
    kinds = kinds_named(*names)
    for _ in range(400):
        weights = [source.choice((1, 5, 40)) for _ in kinds]
        drawn = source.choices(kinds, weights, k=source.randint(48, 400))
        assert_equal_pieces(family, "".join(kind[place & 1] for place, kind in enumerate(drawn)))


def test_a_sample_equals_tiktoken(family: Family) -> None:
    source = random.Random(10)
    cases = [tuple(source.choices(ALL_KINDS, k=source.randint(1, 8))) for _ in range(8_000)]
    for text in joined(cases, (LETTER,), 2 * CHUNK):
        for number, encoding in enumerate(family.tiktoken):
            expected = encoding.encode_ordinary(text)
            for engine in (family.automaton, *family.blocks):
                assert engine.encodings[number].encode_ordinary(text) == expected


@settings(max_examples=400, deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(
                [*(character for kind in ALL_KINDS for character in kind), "'ll", "'RE", "\r\n"]
            ),
            st.sampled_from((1, 1, 1, 1, 2, 3, 5, 63, 64)),
        ),
        max_size=90,
    ),
    padding=st.integers(0, BLOCK),
)
def test_any_text(engines: dict[str, Family], parts: list[tuple[str, int]], padding: int) -> None:
    text = "ab" * padding + "".join(part * count for part, count in parts)
    for family in engines.values():
        assert_equal_pieces(family, alternating(text))


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_real_texts_with_every_instruction_set(name: str, corpora: dict[str, str]) -> None:
    """With the real vocabularies, which compares the cuts of each instruction set too."""
    before = _core.simd
    encodings = {}
    for instructions in ("automaton", *available_instructions()):
        _core.choose_simd(instructions)
        encodings[instructions] = bpecore.Encoding(**ENCODING_CONSTRUCTORS[name]())
    _core.choose_simd(before)
    for text in corpora.values():
        expected = encodings["automaton"].encode_to_numpy(text[:300_000], disallowed_special=())
        for instructions, encoding in encodings.items():
            found = encoding.encode_to_numpy(text[:300_000], disallowed_special=())
            assert np.array_equal(expected, found), instructions
