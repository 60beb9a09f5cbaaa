"""Splitting by blocks of 64 characters makes the pieces that the automaton makes.

Every text goes through an engine without vector instructions, which splits by the automaton alone,
and through one for each instruction set of this machine. Special vocabularies show
every border between two pieces in the ids: each kind has one character for even and one for odd
places, and each vocabulary joins only pairs that begin at places of one sort.
"""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from own import own_encoding
from split_families import PATTERNS, available_instructions

import bpecore
from bpecore import _core
from bpecore.encodings import ENCODING_CONSTRUCTORS

BLOCK = 64
CHUNK = 4096
LONGEST_RUN_TOKEN = 6

# Two characters for each kind that some family's rules distinguish. The second is used at odd
# places; a kind with a single character uses it at both.
ASCII_KINDS = {
    "upper": "AB",
    "lower": "ab",
    "contraction": "st",
    "contraction of two": "ll",
    "digit": "12",
    "tab": "\t\x0b",
    "space": "  ",
    "line feed": "\n\n",
    "carriage return": "\r\r",
    "apostrophe": "''",
    "slash": "//",
    "other": ".,",
}
WIDE_KINDS = {
    "upper": "ÉÀ",
    "lower": "éà",
    "upper of two bytes": "ЖД",
    "title": "ǅǈ",
    "folds to s": "ſſ",
    "caseless": "中文",
    "modifier letter": "ʰʱ",
    "mark": "\u0301\u0308",
    "spacing mark": "\u0903\u0983",
    "digit": "٣٤",
    "number": "½¾",
    "white space": "\u00a0\u3000",
    "line separator": "\u2028\u2029",
    "next line": "\x85\x85",
    "other": "…—",
    "unassigned": "\u0378\u0380",
}
HIGH_KINDS = {
    "upper": "𐐀𐐁",
    "lower": "𐐨𐐩",
    "caseless": "𠀀𠀁",
    "mark": "\U0001d165\U0001d166",
    "digit": "𝟎𝟏",
    "other": "😀👍",
}
ALL_KINDS = [*ASCII_KINDS.values(), *WIDE_KINDS.values(), *HIGH_KINDS.values()]
AT_EVEN, AT_ODD = (
    {ord(character): kind[place] for kind in ALL_KINDS for character in kind} for place in (0, 1)
)

# Characters that make a text 1, 2 or 4 bytes wide in memory.
WIDENINGS = {"ASCII": "", "Latin-1": "é", "two bytes": "ж", "four bytes": "😀"}


class Engine(NamedTuple):
    """One family's encodings with one instruction set."""

    instructions: str
    encodings: tuple[bpecore.Encoding, ...]


class Family(NamedTuple):
    """The encodings of the automaton, of tiktoken, and those compared with them."""

    automaton: Engine
    blocks: list[Engine]
    tiktoken: tuple[tiktoken.Encoding, ...]


def revealing_tables() -> list[dict[bytes, int]]:
    """Returns three vocabularies that together bridge every border inside a piece.

    The first joins characters at even places with the next one, the second those at odd places.
    The third joins characters that are used at both.
    """
    tokens: dict[bytes, None] = dict.fromkeys(bytes([value]) for value in range(256))
    for character in sorted({character for kind in ALL_KINDS for character in kind}):
        encoded = character.encode()
        tokens.update(dict.fromkeys(encoded[: i + 1] for i in range(len(encoded))))
    at_both = sorted(even for even, odd in ALL_KINDS if even == odd)
    at_even, at_odd = (sorted({kind[place] for kind in ALL_KINDS}) for place in (0, 1))
    tables = []
    for lefts, rights in ((at_even, at_odd), (at_odd, at_even)):
        pairs = [(a, b) for a in lefts for b in rights if not (a in at_both and b in at_both)]
        tables.append([*tokens, *((a + b).encode() for a, b in pairs)])
    runs = itertools.chain(
        *(itertools.product(at_both, repeat=length) for length in (2, 3, 4)),
        *(itertools.product(" \n\r/", repeat=length) for length in (5, LONGEST_RUN_TOKEN)),
    )
    tables.append([*tokens, *("".join(run).encode() for run in runs)])
    return [{token: rank for rank, token in enumerate(table)} for table in tables]


@pytest.fixture(scope="module")
def engines() -> dict[str, Family]:
    before = _core.simd
    tables = revealing_tables()

    def arguments(pat_str: str, ranks: dict[bytes, int]) -> dict[str, Any]:
        return {"pat_str": pat_str, "mergeable_ranks": ranks, "special_tokens": {}}

    def engine(instructions: str, pat_str: str) -> Engine:
        _core.choose_simd(instructions)
        return Engine(
            instructions,
            tuple(bpecore.Encoding("revealing", **arguments(pat_str, ranks)) for ranks in tables),
        )

    families = {}
    for name, pat_str in PATTERNS.items():
        families[name] = Family(
            engine("automaton", pat_str),
            [engine(choice, pat_str) for choice in available_instructions()],
            tuple(tiktoken.Encoding("revealing", **arguments(pat_str, ranks)) for ranks in tables),
        )
    _core.choose_simd(before)
    return families


@pytest.fixture(params=list(PATTERNS))
def family(request: pytest.FixtureRequest, engines: dict[str, Family]) -> Family:
    return engines[request.param]


def assert_equal_pieces(family: Family, text: str) -> None:
    for number, encoding in enumerate(family.automaton.encodings):
        expected = encoding.encode_to_numpy(text)
        for engine in family.blocks:
            found = engine.encodings[number].encode_to_numpy(text)
            if not np.array_equal(expected, found):
                report(family, engine, number, text)


def report(family: Family, engine: Engine, number: int, text: str) -> None:
    ours, oracle = engine.encodings[number], family.automaton.encodings[number]
    text = shortened(text, lambda part: ours.encode(part) != oracle.encode(part))
    pytest.fail(
        f"{engine.instructions}: {text!r}, {len(text)} characters, is split into "
        f"{pieces(ours, text)}, by the automaton into {pieces(oracle, text)}"
    )


def pieces(encoding: bpecore.Encoding, text: str) -> list[bytes]:
    return encoding.decode_tokens_bytes(encoding.encode(text))


def shortened(text: str, fails: Any) -> str:
    """Returns a part of the text that still fails."""
    step = len(text) // 2
    while step:
        for start in range(0, len(text), step):
            part = text[:start] + text[start + step :]
            if fails(part):
                text = part
                break
        else:
            step //= 2
    return text


def joined(cases: Sequence[tuple[str, ...]], filler: tuple[str, ...], longest: int) -> list[str]:
    """Joins cases of kinds into texts of up to `longest` characters, with each place's character.

    Args:
        cases: each a sequence of kinds, as pairs of characters.
        filler: the kinds between two cases.
        longest: in characters.
    """
    texts, kinds = [], list(filler)
    for case in cases:
        if len(kinds) + len(case) + 2 * len(filler) > longest:
            texts.append(kinds)
            kinds = list(filler)
        kinds.extend(case)
        kinds.extend(filler)
    texts.append(kinds)
    return ["".join(kind[place & 1] for place, kind in enumerate(kinds)) for kinds in texts]


def assert_equal_at_alignments(
    family: Family,
    cases: Sequence[tuple[str, ...]],
    filler: tuple[str, ...],
    alignments: Sequence[int],
    widening: str = "",
) -> None:
    """Puts all cases at each of some places of a block."""
    even, odd = filler[0] if filler else "ab"
    for text in joined(cases, filler, CHUNK - BLOCK - len(widening) - 2):
        for alignment in alignments:
            # An odd number of characters would swap even and odd places; that hides no border.
            prefix = "".join((even, odd)[place & 1] for place in range(alignment))
            assert_equal_pieces(family, prefix + text + widening)


def alternating(text: str) -> str:
    """Returns the text with each character's twin for its place, even or odd."""
    characters = list(text)
    characters[::2] = text[::2].translate(AT_EVEN)
    characters[1::2] = text[1::2].translate(AT_ODD)
    return "".join(characters)


def kinds_named(*names: str) -> list[str]:
    return [(ASCII_KINDS.get(name) or WIDE_KINDS[name]) for name in names]


LETTER, SPACE, OTHER = kinds_named("lower", "space", "other")
FILLERS = [(LETTER, LETTER), (LETTER, SPACE), (OTHER, LETTER), (LETTER, "\n\n"), ()]


def test_this_machine_has_vectors() -> None:
    """Without vectors the tests below would compare the automaton with itself."""
    before = _core.simd
    assert available_instructions()
    _core.choose_simd(before)


def test_the_vocabularies_reveal_each_border() -> None:
    """Every way to split a short text in two gives different ids."""
    encodings = [own_encoding(r".+|\n+", ranks) for ranks in revealing_tables()]
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
