"""Patterns that fancy-regex rewrites match as rewritten, not as written."""

from __future__ import annotations

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pattern_oracles import PieceOracle, strings_up_to
from scan import split

from bpecore._pattern import UnsupportedPattern, compile_fallback, compile_pattern

TEXTS = strings_up_to("ab", 6) + strings_up_to("ab1", 4)

# Patterns whose rewriting shows in a text.
REWRITTEN = [
    "b*a??b*a",
    "b*a*?b*a",
    "b+a??b*a",
    "b+a?b+",
    "b*(?:bba)?b+a",
    "b*(?:ba)??b+a",
    "b*(?:ba)??b+a?b+a",
    "b+a{0,2}?b+a",
    "b+(?:a|1)?b+1",
    "b{1,}a{0,1}b{1,}",
    "(?:b|1)+a?(?:b|1)+",
    "(b)+a?(b)+",
    "(?:b+)a?(?:b+)",
    "b+(?:)a?b+",
    "[b]+a?[b]+",
    r"[b]+a?[\x62]+",
    r"\x62+a?b+",
    r"\d+b?\d+",
    r".+\n?.+",
    "(?i:b)+a?(?i:b)+",
    "(?:ab?)+1?(?:ab?)+",
    r"(?:b(?=[a1]))+a?(?:b(?=[a1]))+",
    "b+a?b+a?b+",
    "b+a?b+b+a?b+",
    "a|b+1?b+",
    "(b+a?b+)a",
    "(?=b+a?b+)..",
    "(?>b+a?b+)a",
    "(?:b+a?b+)+",
    "(?:b+a?b+)*1",
    "(?:b+a?b*)+1",
    "(?:b+(?:ab*)?)+",
    "(?:b+(?:ab+)?)+",
    "(?:b+)*a??b*a",
    "(?:b?)+a??b*a",
    "(?:(?:b+)+)+a?b+",
    "b+(?:a?)+b+",
    # Common prefixes.
    "(?:ba*|ba*b)a",
    "(ba*|ba*b)a",
    "(?:b[a]*|[b]a*b)a",
    "(?:b1?a*|b1?a*b)a",
    "(?:bba*|bba*b)a",
    "(?:ba*|(?:ba*b|ba*1))a",
    "(?:a{1}b*|ab*a)b",
    "(?:(?:ba*)|ba*b)a",
    "1|(?:ba*|ba*b)a",
    "(?!1)1|(?:ba*|ba*b)a",
    "(?!1)(?:ba*|ba*b)a",
    "(?:ba*|ba*b)a(?=b)",
    "(?:ba*|ba*b)a(?=b?a)",
    "(?>(?:ba*|ba*b)a)",
]

# Similar patterns that are read as written.
AS_WRITTEN = [
    "b*?a??b*a",
    "b*a??b*?a",
    "b*a?b+",
    "b{2,}a?b{2,}",
    "b*+a??b*a",
    "b++a?b+",
    "b+a?+b+",
    "(?>b*)a??b*a",
    "b*(a??)b*a",
    "(b+)a?b+",
    "(b)+a?b+",
    "(?:b+a?)b+",
    "b+()a?b+",
    "b+(?:|a)b+",
    "[b]+a?b+",
    "[ab]+1?[ba]+",
    "[.b]+1?[\\.b]+",
    r"\pL+1?\p{L}+",
    "(?i:b)+a?b+",
    "(?:(b+))?a??b*a",
    "(?:a|b)+1?[ab]+",
    "(b+a?)+b+",
    "(?:b+(?:ab+)??)+",
    "(?:b+(?:ab*)?){2,}1",
    # No common prefixes.
    "(?:ba*|ba*b)a(?!b)",
    "(?!1)(?:ba*|ba*b)a(?=b)",
    "(?!1)(?:ba*|ba*b)a(?=b?a)",
    "(?:ba*|ba*b|bb)a",
    "((b)a*|(b)a*b)a",
    "(?:b|ba*b)a",
    "(?:ba*|ba*b|a)a",
    "(?>ba*|ba*b)a",
]


def pieces(pattern: str, text: str) -> list[str]:
    try:
        return split(compile_pattern(pattern), text)
    except UnsupportedPattern:
        return [match.group() for match in compile_fallback(pattern).finditer(text)]


def pieces_as_written(pattern: str, text: str) -> list[str]:
    return [match.group() for match in regex.finditer(pattern, text)]


@pytest.mark.parametrize("pattern", REWRITTEN + AS_WRITTEN)
def test_short_strings_are_cut_as_tiktoken_cuts_them(pattern: str) -> None:
    oracle = PieceOracle(pattern, TEXTS)
    for text in TEXTS:
        assert pieces(pattern, text) == oracle.pieces(text), text


@pytest.mark.parametrize("pattern", REWRITTEN)
def test_rewriting_shows(pattern: str) -> None:
    assert any(pieces(pattern, text) != pieces_as_written(pattern, text) for text in TEXTS)


characters = st.sampled_from(["a", "b", "[ab]", "(?:a|b)", "(b)", r"\d", "(?:ab)", "(?:ab?)"])
bounds = st.sampled_from(["*", "+", "{0,}", "{1,}", "{2,}", "*?", "*+"])
optional = st.builds(
    "{}{}".format, characters, st.sampled_from(["?", "??", "*", "*?", "{0,2}", "{0,2}?", "?+", "+"])
)


@st.composite
def enclosed_patterns(draw: st.DrawFn) -> str:
    """A character on both sides of something optional, repeated as a whole or not."""
    character = draw(characters)
    left, right = (f"{character}{draw(bounds)}" for _ in "12")
    enclosed = f"{left}{draw(optional)}{right}"
    if draw(st.booleans()):
        enclosed = f"{left}(?:{draw(characters)}{right})?"
    if draw(st.booleans()):
        enclosed = f"(?:{enclosed}){draw(st.sampled_from('?*+'))}"
    return enclosed + draw(st.sampled_from(["a", "b", "1", "[ab]"]))


@settings(max_examples=300, deadline=None)
@given(pattern=enclosed_patterns())
@example("a+b?a*a+b??a+b")
def test_random_patterns_of_the_kind_are_cut_as_tiktoken_cuts_them(pattern: str) -> None:
    texts = strings_up_to("ab1", 4)
    oracle = PieceOracle(pattern, texts)
    for text in texts:
        assert pieces(pattern, text) == oracle.pieces(text), text
