"""Flags, comments and named groups mean in the automaton what they mean to tiktoken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pattern_oracles import PieceOracle, assert_cuts_as_tiktoken, strings_up_to, substrings
from scan import split
from scan_guided import split_guided

from bpecore._pattern import UnsupportedPattern, compile_pattern
from bpecore._pattern.guided import compile_guided
from bpecore._pattern.parser import parse

ACCEPTED = [
    # Named groups.
    (r"(?<word>\p{L}+)|(?P<_digits2>\d)|(?'other'.)", "ab12 -"),
    (r"(?<a>a|ab)(?<b>c|bcd)(?<c>d*)", "abcdabcabcdd"),
    (r"(?<n>a)(?<n>b)", "abab"),
    (r"(?<n>b)+a?(?<m>b)+", "bbabb"),
    (r"(?<n>b)+a?(?<n>b)+|a", "bbabb"),
    # White space and comments under (?x).
    ("(?x) a b # c d\n | e\t[f #]+\r\n", "abef #ab c"),
    ("(?x: a {2} ) b | (?x: a + ? c)", "aabab aac"),
    ("(?x) a \\  b | \\# ", "a b#ab"),
    ("(?x)a\x0bb|c\x0cd|e\x85f|g\u2028h|i\xa0j", "ab a\x0bb c\x0cd e\x85f g\u2028h i\xa0j"),
    ("(?x)(?-x: a) b | c (?-x) d", " ab c dab"),
    ("(?x)a # b\n + + a | a", "aaa"),
    ("(?x) ( a (?i) b ) C", "aBCabcaBcABC"),
    ("a(?#c)+b(?# d (e)f", "aabf ab"),
    ("(?x)a(?#\n)b#c(\n|d", "abdab"),
    # . and line ends.
    (r"(?s)a.", "a\nab"),
    (r"(?s:.)b|.", "\nb\n\rab"),
    (r"(?s).+(?-s).|\n", "ab\nc\n\n"),
    (r"(?m)a$|^b|.", "ab\nba\r\na\n\nb"),
    (r"(?m)a(?-m)$|(?m:b$)|.", "ab\na\nb\na"),
    (r"(?m)(?:^a)+|a$|.", "aa\na"),
    (r"(?m)[^b]+$|^\n|b", "a\n\nb\n\na\nab"),
    # Where a flag ends.
    (r"a(?i)b|c", "aBCabcAC"),
    (r"(?:a(?i)b)c|d", "aBcaBCdD"),
    (r"(?s:a(?i)b)c|d", "aBcaBCdD"),
    (r"(a(?i)b)c|d", "aBcaBCdD"),
    (r"(?<n>a(?i)b)c|d", "aBcaBCdD"),
    (r"(?>a(?i))c|d", "acaCdD"),
    (r"a(?=(?i)b)B|d", "aBaBdD"),
    (r"(?i)a(?-i)b|(?i-s:c.)|(?u:d)", "AbABCdDc\n"),
    (r"(?ims)^a.$", "A\nA\n\na"),
    (r"(?i)(?-i:k|[a-c])+(?:k|s)", "kakKkS\u212aAsb\u017f"),
    # Rewrites see what flags leave.
    (r"b+(?i)a?(?-i)b+", "bbbabb"),
    (r"(?i)b+(?s)a?b+", "bBbaBb"),
    (r"b+(?#c)a?b+", "bbbabb"),
    (r"(?s:.)+a?(?s:.)+|b", "ab\nabb"),
    (r"(?s:.)+a?.+|b", "ab\nabb"),
    (r"(?s)(?:ba*|ba*b)a", "baba"),
    (r"(?<n>(?:ba*|ba*b)a)", "baba"),
]


def pieces(pattern: str, text: str) -> list[str]:
    try:
        return split(compile_pattern(pattern), text)
    except UnsupportedPattern:  # has ^
        return split_guided(compile_guided(parse(pattern)), text)


@pytest.mark.parametrize(("pattern", "text"), ACCEPTED)
def test_accepted_syntax_means_what_it_means_to_tiktoken(pattern: str, text: str) -> None:
    expected = PieceOracle(pattern, substrings([text])).pieces(text)
    assert expected, "the case shows nothing"
    assert pieces(pattern, text) == expected


SHORT_TEXTS = strings_up_to("aA1\n ", 4)
FLAGS = ["(?i)", "(?s)", "(?x)", "(?is)", "(?-i)", "(?-s)", "(?-x)", "(?#a)", " ", "#a\n", ""]
OPENINGS = ["(", "(?:", "(?<n>", "(?P<m>", "(?i:", "(?s:", "(?x:", "(?x-i:", "(?-s:"]
PARTS = [
    "a",
    "A",
    ".",
    "[a1]",
    r"\d",
    " ",
    "\\ ",
    "a+",
    "A?",
    ".*?",
    " +",
    "(?:a|1)",
    "[A ]",
    "a{,2}",
    "{",
    "a{1",
]

sequences = st.lists(st.sampled_from(PARTS + FLAGS), min_size=1, max_size=4).map("".join)
flagged_patterns = st.recursive(
    sequences,
    lambda inner: st.builds(
        "{}{}|{}){}{}".format,
        st.sampled_from(OPENINGS),
        inner,
        inner,
        st.sampled_from(["", "?", " +"]),
        inner,
    ),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None)
@given(pattern=flagged_patterns)
def test_flags_anywhere_cut_all_short_strings_as_tiktoken_does(pattern: str) -> None:
    assert_cuts_as_tiktoken(f"{pattern}[a1]", SHORT_TEXTS)
