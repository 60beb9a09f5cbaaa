"""Patterns that no automaton matches run on the `regex` library with fancy-regex's meaning."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import pytest
from pattern_oracles import PieceOracle, substrings

from bpecore._pattern import UnsupportedPattern, compile_fallback, compile_pattern

# Cases that the library would split differently, given the pattern as it is.
REWRITTEN = [
    ("$ matches at the end of the text only", r"a$|\n", "a\n"),
    (r"\z too", r"a\z|\n", "a\n"),
    (r"\Z matches before final newlines", r"a\Z", "aa\n\n"),
    (r"\Z matches before no other line end", r"a\Z|a\r", "a\r\n"),
    ("a letter of Unicode 17 is none", r"\p{L}+|.", "a\u088fb"),
    (r"\s has 25 characters", r"\s+|.", " \x1c\x1f\x85\u200b"),
    ("ASCII classes are ASCII", r"[[:alpha:]]+|.", "aéb"),
    (r"\h is a hexadecimal digit", r"\h+|.", "a \t9g"),
    (r"\< is the start of a word", r"\<.", "<ab <c"),
    (r"\> is the end of a word", r".\>", "ab> c"),
    ("set operators", r"[a-d&&[^b]--c]+", "abcd"),
    ("no full case folding", r"(?i:ss)+", "ſsßSS"),
]

# Patterns that only the library can match, rewritten from the syntax tree.
BEYOND_THE_AUTOMATON = [
    (r"(?<=\d)a|(?<!\d)b", "1a1bab"),
    (r"(?<=(?:^|x))a|x", "aaxa"),
    (r"a(?=bc)|b(?!c*d)|c", "abcabdbccd"),
    (r"(?>a|ab)c|b", "abcac"),
    (r"(?:ab|c)++b|c", "abcbabbc"),
    (r"(?:a|ab){2}+c|b", "aabcaac"),
    (r"\bé|\Bé|.", "éé é-é"),
    (r"^a|\Ab|.", "aab"),
    (r"(?i:a)(?<=A)|.", "aA"),
]

# Patterns that the parser does not read.
HANDED_OVER = [
    (r"(a|b)\1", "abbaa"),
    (r"(?P<first>.)(?P=first)", "abbcdd"),
    (r"(a)\1|(?s)a.", "aaa\nab"),
    (r"(?x) (?<x>a) \k<x> b # comment", "aabab"),
    (r"(a)\1|a(?i)b", "aaaBAb"),
    (r"\R|(a)\1|.", "a\r\nb"),
]


def fallback_pieces(pattern: str, text: str) -> list[str]:
    return [match.group() for match in compile_fallback(pattern).finditer(text)]


@pytest.mark.parametrize(("pattern", "text"), [case[1:] for case in REWRITTEN])
def test_differences_of_the_library_do_not_show(pattern: str, text: str) -> None:
    expected = PieceOracle(pattern, substrings([text])).pieces(text)
    assert expected, "the case shows nothing"
    assert fallback_pieces(pattern, text) == expected


@pytest.mark.parametrize(("pattern", "text"), BEYOND_THE_AUTOMATON + HANDED_OVER)
def test_refused_patterns_cut_as_tiktoken_does(pattern: str, text: str) -> None:
    with pytest.raises(UnsupportedPattern):
        compile_pattern(pattern)
    expected = PieceOracle(pattern, substrings([text])).pieces(text)
    assert expected, "the case shows nothing"
    assert fallback_pieces(pattern, text) == expected


def test_groups_capture_nothing() -> None:
    pattern = compile_fallback(r"(a)(?:b)(?=(c))")
    assert pattern.groups == 0
    assert pattern.findall("abcab") == ["ab"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", r"invalid split pattern '\(a': missing \) at character 2"),
        ("a)", r"invalid split pattern 'a\)': .* at character 1"),
        ("a|*", r"invalid split pattern 'a|\*': nothing to repeat at character 2"),
        ("[a", "invalid split pattern"),
        (r"\p{Foo}", "invalid split pattern .*: unknown property"),
        ("(" * 5000 + "a" + ")" * 5000, "invalid split pattern"),
    ],
)
def test_invalid_patterns_are_value_errors(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as failure:
        compile_fallback(pattern)
    assert type(failure.value) is ValueError
