r"""`(?i)` folds characters, properties and classes as tiktoken's regex engine does."""

from __future__ import annotations

import pytest
from pattern_oracles import matched_by_tiktoken
from scan import split

from bpecore._pattern import compile_pattern
from bpecore._pattern.case_folding import case_groups
from bpecore._pattern.character_sets import CharacterSet
from bpecore._pattern.parser import parse
from bpecore._pattern.properties import GENERAL_CATEGORY_NAMES, general_category, script_names
from bpecore._pattern.syntax import Characters

CASED = "".join(map(chr, case_groups()))
PROPERTIES = [
    *sorted(set(GENERAL_CATEGORY_NAMES.values())),
    *(f"sc={name}" for name in sorted(set(script_names().values()))),
    *("Any", "ASCII", "Assigned", "White_Space"),
]


def matched(pattern: str) -> str:
    """The cased characters in the set that a pattern is."""
    tree = parse(pattern)
    assert isinstance(tree, Characters)
    return "".join(character for character in CASED if ord(character) in tree.members)


@pytest.mark.parametrize(
    ("pattern", "character", "matches"),
    [
        (r"(?i:\p{Lt})", "A", False),
        (r"(?i)[\p{L}]+", "\u0345", True),
        (r"(?i:\p{Lu})", "\u0131", False),
        (r"(?i:\p{Ll})", "\u0130", False),
        (r"(?i:\p{M})", "\u0399", True),
        (r"(?i:\p{Greek})", "\u00b5", True),
    ],
)
def test_characters_that_were_matched_wrongly(pattern: str, character: str, matches: bool) -> None:
    for pieces in (
        "".join(split(compile_pattern(pattern), character)),
        matched_by_tiktoken(pattern, character),
    ):
        assert (pieces == character) is matches


def test_every_property_on_every_cased_character() -> None:
    for name in PROPERTIES:
        for pattern in (rf"(?i:\p{{{name}}})", rf"(?i)[^\P{{{name}}}k]|[\p{{{name}}}--[a-f]]"):
            assert matched(pattern) == matched_by_tiktoken(pattern, CASED), pattern


def test_every_cased_character_matches_its_group() -> None:
    for point, group in case_groups().items():
        expected = "".join(character for character in CASED if ord(character) in group)
        assert matched_by_tiktoken(rf"(?i)\x{{{point:x}}}", CASED) == expected, hex(point)


def test_ranges_match_every_case_of_their_members() -> None:
    for first, last in zip(CASED[::7], CASED[6::7]):
        members = f"\\x{{{ord(first):x}}}-\\x{{{ord(last):x}}}"
        for pattern in (f"(?i)[{members}]", f"(?i:[^{members}])"):
            assert matched(pattern) == matched_by_tiktoken(pattern, CASED), pattern


def test_no_other_character_has_a_case() -> None:
    # Two characters without a group differ in some bit, and neither may match the other. Categories
    # without case are left out.
    caseless = general_category("Lo").union(general_category("C"), _set_of(CASED))
    others = list(caseless.complement().code_points())
    for bit in range(21):
        chosen = [point for point in others if point >> bit & 1]
        if chosen:
            members = "".join(
                f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in _set_of(chosen).ranges()
            )
            rest = "".join(chr(point) for point in others if not point >> bit & 1)
            assert matched_by_tiktoken(f"(?i)[{members}]", rest) == ""


def _set_of(points: str | list[int]) -> CharacterSet:
    numbers = map(ord, points) if isinstance(points, str) else points
    return CharacterSet.of_ranges((point, point) for point in numbers)
