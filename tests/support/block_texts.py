"""Texts of all kinds of characters, and vocabularies that show how they are split.

Every text goes through an engine without vector instructions, which splits by the automaton alone,
and through one for each instruction set of this machine. Special vocabularies show
every border between two pieces in the ids: each kind has one character for even and one for odd
places, and each vocabulary joins only pairs that begin at places of one sort.
"""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tiktoken
from split_families import available_instructions

import bpecore
from bpecore import _core

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
# Characters that only some members of the family distinguish from others.
ODD_KINDS = {
    "kana": "ひカ",
    "kana punctuation": "・゛",
    "kana mark": "\u3099\u309a",
    "unassigned kana": "\u3040\u3097",
    "Han sign": "⺀⺁",
    "Han number": "〇〡",
    "Han modifier": "々〻",
    "control": "\x00\x7f",
    "format": "\u200c\u200d",
}
ALL_KINDS = [*ASCII_KINDS.values(), *WIDE_KINDS.values(), *HIGH_KINDS.values()]
AT_EVEN, AT_ODD = (
    {
        ord(character): kind[place]
        for kind in [*ALL_KINDS, *ODD_KINDS.values()]
        for character in kind
    }
    for place in (0, 1)
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


def revealing_tables(kinds: list[str]) -> list[dict[bytes, int]]:
    """Returns three vocabularies that together bridge every border inside a piece.

    The first joins characters at even places with the next one, the second those at odd places.
    The third joins characters that are used at both.
    """
    tokens: dict[bytes, None] = dict.fromkeys(bytes([value]) for value in range(256))
    for character in sorted({character for kind in kinds for character in kind}):
        encoded = character.encode()
        tokens.update(dict.fromkeys(encoded[: i + 1] for i in range(len(encoded))))
    at_both = sorted(even for even, odd in kinds if even == odd)
    at_even, at_odd = (sorted({kind[place] for kind in kinds}) for place in (0, 1))
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


def family_of(pat_str: str, tables: list[dict[bytes, int]]) -> Family:
    """Returns the encodings of a split pattern."""
    before = _core.simd

    def arguments(ranks: dict[bytes, int]) -> dict[str, Any]:
        return {"pat_str": pat_str, "mergeable_ranks": ranks, "special_tokens": {}}

    def engine(instructions: str) -> Engine:
        _core.choose_simd(instructions)
        return Engine(
            instructions,
            tuple(bpecore.Encoding("revealing", **arguments(ranks)) for ranks in tables),
        )

    family = Family(
        engine("automaton"),
        [engine(choice) for choice in available_instructions()],
        tuple(tiktoken.Encoding("revealing", **arguments(ranks)) for ranks in tables),
    )
    _core.choose_simd(before)
    return family


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
    """Returns kinds of ASCII or of two bytes by their names."""
    return [(ASCII_KINDS.get(name) or WIDE_KINDS[name]) for name in names]
