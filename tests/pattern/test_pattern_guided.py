"""Patterns that look around split texts exactly where tiktoken does."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pattern_oracles import (
    KNOWN_PATTERNS,
    PieceOracle,
    needs_its_library,
    strings_up_to,
    substrings,
)
from scan import split
from scan_guided import split_guided

from bpecore._pattern import EmptyMatchPattern, UnsupportedPattern, compile_pattern
from bpecore._pattern.guided import GuidedAutomaton, compile_guided
from bpecore._pattern.parser import parse
from bpecore.fuzzing.outcomes import Raised, outcome

DIGITS_FROM_THE_RIGHT = r"\d{1,3}(?=(?:\d{3})*\b)|\p{L}+|[^\p{L}\d]+"

ACCEPTED = [
    # Words' edges.
    (r"\b\w+\b|\W+", "ab cd, é1_a ٣\u200d-x"),
    (r"\bé|\Bé|.", "éé é-é"),
    (r"\<.|.\>|.", "<ab> c-d1_"),
    (r"\w+?\b|\B.|.", "ab, c"),
    (r"a\b.\b|\B-|.", "a-b --a"),
    (r"\b{start}\w+?\b{end-half}|\b{start-half}.|.\b{end}|.", "ab -cd- e"),
    # Starts and ends.
    (r"^a|\Ab|.", "aab"),
    (r"(?m)^[ab]+$|^.|\n+|.", "ab\na b\n\nab"),
    (r"(?m:^)a|(?m:a$)|.", "aa\naab\na"),
    (r"a\Z|a\n|a", "aa\na\n\n"),
    (r"(?:^|b)a|.", "aaba"),
    # Look-behind.
    (r"(?<=\d)a|(?<!\d)b", "1a1bab"),
    (r"(?<=(?:^|x))a|x", "aaxa"),
    (r"(?<=a|bb)c|(?<!ab|c)b|.", "acbbcabcb"),
    (r"(?<=a+)b|(?<!a\d*)c|.", "aab1ca11cc"),
    (r"(?<=(?<=a)b)c|(?<=(?<!a)b)d|.", "abcbcabdbd"),
    (r"(?<=(?=b)b)c|(?<=\bb)c|.", "bcbbc"),
    (r"(?i:a)(?<=A)|.", "aA"),
    (r"(?<=.{3})a|(?<![ab]{2})b|.", "aaaaabbb"),
    (r"(?<=^..)a|.", "aaaa"),
    (r"(?<=a*(?<=a))b|(?<=a+\bb)-|.", "aabbab-a-b-"),
    (r"(?<=\ba|a+|^b(?!c)c)b|.", "abbaabb"),
    # Look-ahead.
    (r"a(?=bc)|b(?!c*d)|c", "abcabdbccd"),
    (r"a+(?=b+c)|a(?!a*b)|.", "aabbcaabaac"),
    (r"[ab]+(?=.*x)|\w|.", "abab abx ab"),
    (r"a(?=(?!ab).b)|a(?=(?=ab)..c)|.", "aabaab aacbaabc"),
    (r"a(?=b(?<=ab)c)|b(?!.(?<=bc))|.", "abcabbc"),
    (r"(?!ab|ba*$)[ab]+|.", "abbaabbaa"),
    (r"(?=\d+x)\d{1,2}|\d", "1234x1234"),
    (DIGITS_FROM_THE_RIGHT, "1234567 12 a1234 123456a 1234,5678"),
    (r"\d{1,3}(?=(?:\d{3})*(?!\d))|\D+", "1234567 12 a1234 123456a 1234,5678"),
    (r"\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+", "HTTPServerIsUPAbC"),
    # The order of alternatives.
    (r"(?:a|ab)(?:c|bcd)(?=d*x)|.", "abcdxabcd"),
    (r"a+?(?=ab)|a*b??(?!b)[ab]|b", "aaabbab"),
    (r"(?:a*?b|a)(?=b|$)|[ab]", "aabbaba"),
    (r"(?i)(?<=K)s+?(?=S|\b)|.", "kssSkSs\u212a\u017fs"),
    # Rewritten or not beside look-around.
    (r"(?:b-*|b-*b)-\b", "b-b-b"),
    (r"^(?:ba*|ba*b)a|a", "baba"),
    (r"(?m:^)(?:ba*|ba*b)a|a", "baba\nbaba"),
    (r"(?:b-*|b-*b)-(?:$|b)", "b-b-b"),
    (r"(?:b-*|b-*b)-(?:^|b)", "b-b-b"),
    (r"(?:b-*|b-*b)-(?:\B|b)", "b-b-b"),
    (r"(?:\bb)+a?(?:\bb)+|a", "bab"),
    (r"b+(?=b)a?b+|a", "bbab"),
    # Atomic groups and possessive repetitions of groups.
    (r"(?>a|ab)c|b", "abcac"),
    (r"(?:ab|c)++b|c", "abcbabbc"),
    (r"(?:a|ab){2}+c|b", "aabcaac"),
    (r"(?>a*?b|a+c)+c|.", "aabcabaac"),
    (r"(?>(?:ab?)*)b|.", "ababbabab"),
    (r"(?>a?|b)c|.", "acbc"),
    (r"(?>ab*|a)(?>b|c)d|.", "abbdacd"),
    (r"(?=(?>a|ab)c)a|.", "acabc"),
    (r"(?>a$|ab?)b?|.", "abab"),
    (r"(?>a(?=b)|ab)b|.", "abab"),
    (r"(?>ba*|ba*b)a|.", "baba"),
    (r"(?>(?:ba*|ba*b)a)|.", "baba"),
    (r"(?>\w+\s?)(?<!b)|\w", "ab ba"),
    (r"\R+", "\n\r\n\x0b\x0c\x85\u2028\u2029\ra\r"),
    (r"a\R?\n|\R|.", "a\r\na\r\n\na\n"),
    (r"(?:b-*|b-*b)-(?:\R|b)", "b-b-b"),
    (r"\R+a?\R+|.", "\n\na"),
    # Patterns that the plain automaton would read again and again.
    (r"\p{L}+\p{N}", "abc1 abc é1"),
    (r"a*b|a", "aaabaa"),
    (r"(?:ab)+c|a|b", "ababcababa"),
]


def guided(pattern: str) -> GuidedAutomaton:
    return compile_guided(parse(pattern))


@needs_its_library
@pytest.mark.parametrize(("pattern", "text"), ACCEPTED)
def test_accepted_patterns_cut_as_tiktoken_does(pattern: str, text: str) -> None:
    automaton = guided(pattern)
    expected = PieceOracle(pattern, substrings([text])).pieces(text)
    assert expected, "the case shows nothing"
    assert split_guided(automaton, text) == expected


@pytest.mark.parametrize("name", KNOWN_PATTERNS)
def test_both_automata_of_a_pattern_cut_alike(name: str) -> None:
    automaton = compile_pattern(KNOWN_PATTERNS[name])
    twin = guided(KNOWN_PATTERNS[name])
    for text in strings_up_to("aA1 \n'séſ/中\u0301", 4)[:12_000]:
        assert split(automaton, text) == split_guided(twin, text), text


@pytest.mark.parametrize(
    "pattern", ["(?=a)", r"\b", "a*(?=b)", "(?<=a)", r"^|a", r"(?:a|\b)(?:b|$)"]
)
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(EmptyMatchPattern, match="can match the empty string"):
        guided(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?<=a(?=bc))b", "a look-ahead inside a look-behind"),
        (r"(?<=a.{12})b", "look-behinds with too many states"),
        (r"a[ab]{20}(?=\b)", "a pattern of too many states"),
        (r"a(?=[ab]{200}(?=\d{200}))", "a pattern that takes too long to compile"),
    ],
)
def test_what_is_too_much_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(UnsupportedPattern, match=reason):
        guided(pattern)


@pytest.mark.parametrize(
    "body", [r"\ba?", "(?!b)a+", "a+(?=b)b?", "(?>a+)b", r"(?:\ba|b)+", r"a|\bb*", r"(\ba?)"]
)
def test_look_behinds_that_have_one_way_only_in_tiktoken_are_refused(body: str) -> None:
    for opening in ("(?<=", "(?<!"):
        with pytest.raises(ValueError, match="a look-behind of variable length with look-around"):
            parse(f"x{opening}{body})b|a")


@needs_its_library
def test_a_look_behind_with_one_way_only() -> None:
    # If this fails, tiktoken has become regular here.
    assert PieceOracle(r"a(?<=\ba??)a|a", ["aa"]).pieces("aa") == ["a", "a"]


CHARACTERS = ["a", "b", "[ab]", "[^a]", r"\n", r"\s", ".", r"\d", "(?i:A)", r"\w"]
QUANTIFIERS = ["?", "*", "+", "{2}", "{1,2}", "{2,}", "??", "*?", "+?", "{1,2}?", "++", "?+"]
EDGES = [r"\b", r"\B", r"\<", r"\>", "^", "(?m:^)", "(?m:$)", "$", r"\A", r"\Z"]

simple_patterns = st.builds(
    "{}{}".format, st.sampled_from(CHARACTERS), st.sampled_from(["", "", *QUANTIFIERS])
) | st.sampled_from(EDGES)


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    looks = st.sampled_from(["(?=", "(?!", "(?<=", "(?<!"])
    return (
        st.lists(inner, min_size=2, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join).map("(?:{})".format)
        | st.builds("(?:{}){}".format, inner, st.sampled_from(QUANTIFIERS))
        | st.builds("(?>{})".format, inner)
        | st.builds("{}{})".format, looks, inner)
        | st.builds("{}{})".format, looks, inner)
    )


random_patterns = st.builds(
    "{}{}|{}".format,
    st.recursive(simple_patterns, _extended, max_leaves=8),
    st.sampled_from(["a", "b", "."]),
    st.sampled_from(["a", "1", r"\s", "[ab]+", "."]),
)

SHORT_TEXTS = strings_up_to("ab1\n", 4) + strings_up_to("ab", 6)[30:]


@needs_its_library
@settings(max_examples=120, deadline=None)
@given(pattern=random_patterns)
@example(pattern=r"(?=\b)[^a]*?(?<!b)(?=a|$)a|.")
@example(pattern=r"(?:(?>ab??|b+)(?:a|ba)++)?(?!a)b|.")
def test_random_patterns_cut_all_short_strings_as_tiktoken_does(pattern: str) -> None:
    try:
        automaton = guided(pattern)
        oracle = PieceOracle(pattern, SHORT_TEXTS)
    except ValueError:  # refused here, or a look-behind that tiktoken refuses
        return
    for text in SHORT_TEXTS:
        pieces = split_guided(automaton, text)
        assert pieces == oracle.pieces(text), (pattern, text)
        certain = split_guided(automaton, text, final=False)
        assert certain == pieces[: len(certain)], (pattern, text)


MAYBE_NOTHING = [
    *("a?", "b*", "(?:a|)", "(?:|b)", "(?:|a|bb??)", "a??", "(?:a?b?)", "(?:a*?b?)", r"\b"),
    *("(?:(?=a)|b)", "(?:ab?|)", "(?:b?a?)?", "(?:a?|ba)"),
]
bodies = st.lists(st.sampled_from([*MAYBE_NOTHING, "a", "b", "[ab]"]), min_size=1, max_size=3).map(
    "".join
) | st.lists(st.sampled_from(MAYBE_NOTHING), min_size=2, max_size=3).map("|".join)
repetitions = st.builds("(?:{}){}".format, bodies, st.sampled_from(QUANTIFIERS[:10]))
repeated_patterns = st.builds(
    "{}{}{}{}|{}".format,
    st.sampled_from(["", "a?", "(?!x)"]),
    repetitions,
    st.sampled_from(["", "b?", "a"]) | repetitions,
    st.sampled_from([r"(?!b)[ab]", r"\B[ab]", "(?<!ab)b", r"a(?=b|\b)"]),
    st.sampled_from(["a", ".", "[ab]"]) | repetitions.map("{}a".format),
)


@settings(max_examples=100, deadline=None)
@given(pattern=repeated_patterns)
@example(pattern="(?:|a)*(?!b)[ab]|.")
@example(pattern="(?!b)1|(?:|a)*[ab]")
@example(pattern="(?!b)(?:|a)*[ab]|(?>(?:|a)*[ab])b")
def test_repetitions_of_what_may_match_nothing_end_as_in_tiktoken(pattern: str) -> None:
    try:
        automaton = guided(pattern)
    except UnsupportedPattern:
        return
    oracle = PieceOracle(pattern, SHORT_TEXTS)
    for text in SHORT_TEXTS:
        expected = outcome(oracle.pieces, text)
        if not isinstance(expected, Raised):  # beyond the limit of tiktoken's backtracking
            assert split_guided(automaton, text) == expected, (pattern, text)
