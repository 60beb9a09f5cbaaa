"""The Unicode table holds UCD 16.0.0, the version that tiktoken's regex engine has."""

from __future__ import annotations

import pytest
from pattern_oracles import matched_by_tiktoken

from bpecore._pattern.character_sets import CODE_POINT_LIMIT, CharacterSet
from bpecore._pattern.properties import (
    GENERAL_CATEGORY_NAMES,
    WHITE_SPACE,
    general_category,
    named_property,
    script,
    script_names,
    word_characters,
)
from bpecore._pattern.unicode_table import UNICODE_VERSION

SCALAR_VALUES = "".join(
    chr(code_point) for code_point in range(CODE_POINT_LIMIT) if not 0xD800 <= code_point <= 0xDFFF
)

BASIC_LATIN_AND_MORE = SCALAR_VALUES[:0x3000]

# Counted with unicodedata2 16.0.0; the Han characters with fontTools 4.55.0.
CATEGORY_SIZES = """
Lu 1858 Ll 2258 Lt 31 Lm 404 Lo 136477 L 141028 LC 4147 Mn 2020 Mc 468 Me 13 M 2501 Nd 760 Nl 236
No 915 N 1911 P 855 S 8514 Zs 17 Z 19 Cc 65 Cf 170 Cs 2048 Co 137468 Cn 819533 C 959284
"""
HAN_SIZE = 99030


def characters_of(members: CharacterSet) -> str:
    """The scalar values of a set, as one string."""
    return "".join(chr(point) for point in members.code_points() if not 0xD800 <= point <= 0xDFFF)


def test_sizes_are_those_of_unicode_16() -> None:
    assert UNICODE_VERSION == "16.0.0"
    words = CATEGORY_SIZES.split()
    for code, size in zip(words[::2], words[1::2]):
        assert len(general_category(code)) == int(size)
    assert len(script("Han")) == HAN_SIZE
    assert len(WHITE_SPACE) == 25


def test_a_letter_of_unicode_17_is_unassigned() -> None:
    # U+088F ARABIC LETTER NOON WITH RING ABOVE.
    assert 0x088F in general_category("Cn")
    assert 0x088F not in general_category("L")


@pytest.mark.parametrize("code", sorted(set(GENERAL_CATEGORY_NAMES.values())))
def test_general_category_has_tiktokens_characters(code: str) -> None:
    members = characters_of(general_category(code))
    assert members == matched_by_tiktoken(rf"\p{{{code}}}", SCALAR_VALUES)


def test_tiktoken_knows_every_general_category_by_each_of_its_names() -> None:
    for name, code in GENERAL_CATEGORY_NAMES.items():
        expected = matched_by_tiktoken(rf"\p{{{code}}}", BASIC_LATIN_AND_MORE)
        assert matched_by_tiktoken(rf"\p{{{name}}}", BASIC_LATIN_AND_MORE) == expected, name


def test_every_script_has_tiktokens_characters() -> None:
    for name in set(script_names().values()):
        members = characters_of(script(name))
        assert members == matched_by_tiktoken(rf"\p{{Script={name}}}+", SCALAR_VALUES), name


def test_tiktoken_knows_every_script_by_each_of_its_names() -> None:
    alternatives = "|".join(rf"\p{{{name}}}" for name in script_names())
    assert matched_by_tiktoken(alternatives, "a") == "a"
    assert len(set(script_names().values())) == 170


@pytest.mark.parametrize(
    ("pattern", "name"),
    [(r"\p{Any}", "Any"), (r"\p{ASCII}", "ASCII"), (r"\p{Assigned}", "Assigned")],
)
def test_other_properties_have_tiktokens_characters(pattern: str, name: str) -> None:
    members = named_property(name)
    assert members is not None
    assert characters_of(members) == matched_by_tiktoken(pattern, SCALAR_VALUES)


def test_perl_classes_have_tiktokens_characters() -> None:
    for pattern, members in (
        (r"\s", WHITE_SPACE),
        (r"\d", general_category("Nd")),
        (r"\w", word_characters()),
    ):
        assert characters_of(members) == matched_by_tiktoken(pattern, SCALAR_VALUES)
