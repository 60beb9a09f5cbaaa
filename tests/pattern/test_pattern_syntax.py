"""Split patterns are read as fancy-regex reads them, or refused."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pattern_oracles import PieceOracle, assert_cuts_as_tiktoken, strings_up_to, substrings
from scan import split

from bpecore._pattern import EmptyMatchPattern, UnsupportedPattern, compile_pattern

ACCEPTED = [
    # Literals and escapes.
    (r"a}|b]", "a}b]{"),
    (r"\.\*\+\?\(\)\[\]\{\}\|\^\$\\\/", r".*+?()[]{}|^$\/"),
    (r"[\!\@\%\_\,\:\;\=\<\>\`\"\'\&\~\#\- ]+", "a!@%_,:;=<>`\"'&~#- b"),
    (r"\ \-\_", "a -_b"),
    (r"\n|\r|\t|\f|\v|\a|\e", "a\n\r\t\f\v\a\x1b"),
    (r"[\n\r\t\f\v\a\e]+", "a\n\r\t\f\v\a\x1b"),
    (r"\x41\x{42}\x{00043}\u0044\u{45}\U00000046\U{47}", "ABCDEFGH"),
    (r"[\x41\x{42}\x{00043}\u0044\u{45}\U00000046\U{47}]+", "@ABCDEFGH"),
    ("é中\U0001f642", "é中\U0001f642é"),
    (".+", "ab\ncd\re\x85f\u2028g"),
    # Classes.
    (r"[^a]+", "bca\nd"),
    (r"[-a]+|[b-]+|[-]", "-ab-c"),
    (r"[a\-c]+", "abc-"),
    (r"[a^]+", "^ab"),
    (r"[a&b~c]+", "a&b~c-"),
    (r"[.$*+?(){}|]+", "a.$*+?(){}|"),
    (r"[a-c&&b-d--c]+", "abcd"),
    (r"[a-d&&[^b]&&[^c]]+", "abcd"),
    (r"[^a-c&&b-d]+", "abcd"),
    (r"[a-c~~b-d]+", "abcd"),
    (r"[a-z[0-9][^\x00-\x7f]]+", "a0é-"),
    (r"[\p{L}--[aeiou]]+", "abcde1"),
    (r"[[:alpha:]é]+|[[:^alnum:]]", "aéb1 _"),
    (r"[[:punct:]]+|[[:word:]]+|[[:space:]]", "a_1!?~ \x0b\x85"),
    (r"[[:ascii:]]+", "a\x00\x7f\x80"),
    (r"[[:graph:][:blank:]]+|[[:cntrl:]]", "a \t\n\x7f~"),
    (r"[[:xdigit:]]+|[[:print:]]", "0aFg~ \n"),
    (r"\d+|\D", "1٣a½"),
    (r"[\d&&[^3]]+", "123"),
    (r"\w+|\W", "aé_1٣Ⅷ\u200d-ⓐ"),
    (r"\h+|[\H]", "09afAFgG-"),
    (r"\N+|a", "a\rb\nc"),
    (r"(?i)a\O+?b", "a\nB"),
    (r"\N+a?.+|\O+a?(?s:.)+", "b\n\nb"),
    # Properties.
    (r"\pL+|\PL", "aé1"),
    (r"\pLu", "AuBu"),
    (r"\p{Lowercase Letter}|\p{lowercase_letter}1|\p{LL}2", "aA a1 a2"),
    (r"\p{gc=Lu}|\p{General_Category=Nd}|\p{sc=Han}|\p{Script=Hani}1", "A1中"),
    (r"\p{greek}|\p{Hira}|\p{old-italic}", "αあ\U00010300a"),
    (r"\p{LC}|\p{digit}|\p{punct}|\p{sc}", "aʰ1!$"),
    (r"\p{White_Space}+", "a \x85\u200bb"),
    (r"\P{Any}|a|\P{Cs}", "ab"),
    # Case folding.
    (r"(?i)sk1_-'+", "sk1_-'S\u212a1_-''ſk1_-'"),
    (r"(?i:s)s", "sssSſsSs"),
    (r"(?i:[j-l])+|(?i:[^a-r])", "jJkK\u212alLsſS"),
    (r"(?i:’s|«t)", "’s’S’ſ«T"),
    (r"(?i:[[:lower:]]+)|(?i:[[:^upper:]])", "aZſ\u212a!é"),
    (r"(?i:[a-z&&[^s]]+)", "rsſSt"),
    (r"(?i:a(?:b)c)d", "ABCdABCD"),
    (r"(?i:\d\s[\D]\h)", "1 aF1 11"),
    (r"(?i)é+|[\x00-\x{ff}]", "éÉeŸ\u0178Ć"),
    (r"(?i)straße", "STRASSE straße STRAßE STRAẞE"),
    (r"(?i)\p{Lu}+|\W", "aB1\u0345"),
    # Groups and alternation.
    (r"a(|b)c", "acabc"),
    (r"a(?:b|)c|()d", "acabcd"),
    (r"(a|ab)(c|bcd)(d*)", "abcdabcabcdd"),
    (r"(?:a|ab)(?!c)", "abcabd"),
    # Quantifiers.
    (r"a{2}|b{2,}|c{1,2}", "aaaaabbbbbccccc"),
    (r"a{2}?|b{2}+|c{01}", "aaaaabbbbbccccc"),
    (r"a+?b??c|a*?d|b{1,2}?", "aabcaadbb"),
    (r"(?:a{2,3}){2}b", "aaaabaaaaaab"),
    (r"a{,2}b|c{,}d|c", "aaabccdc"),
    (r"a{2}{3}|b+{2}|[^c]{1}{|c", "aa{3}bb{2}x{c"),
    (r"{2}|({a)|(?:{)+|d{x}|e{,a}|f{}|g{2,h}|{", "{2}{a{{d{x}e{,a}f{}g{2,h}"),
    (r"(?:ab?)+(?:b?)?", "ababbabb"),
    (r"(?:a?)*b|(?:b?c??)*d", "aabbccd"),
    (r"(?:a*?b?a*?)*a", "baabaaba"),
    (r"(?:a??b?)+a(?=b)", "aabab"),
    (r"(?:|a|bb??){2}b(?:a??|b){3,}a", "abbabaaabbbaaa"),
    (r"(?:a?b?)*b(?!a)|(?:|a|bb)*(?!b)[ab]", "aabbaaabbb"),
    (r"(?:a|b??){2}c++|(?:a??b?)+(?!a)b|.", "aabccabab"),
    (r"a++ab|a?+ac|b{1,2}+b|b*+c", "aabacbbbbbc"),
    (r"(?>a+)b|(?>c)d|(?>e{1,2})e", "aabcdeeeee"),
    (r"(?:a|b)++c", "abcab"),
    # Assertions.
    (r"a$|b\z|a", "aab"),
    (r"a$", "a\na"),
    (r"a$|a\n", "a\n"),
    (r"a(?=b)|a(?!c)|c(?=b|$)", "abacadcbc"),
    (r"a(?!$)|b(?!a|$)|(?!a)c", "abcabaabb"),
    (r"a(?=[bc])(?!b).", "abac"),
]

# Patterns with a part of their refusal and the offset that it names.
REFUSED = [
    ("(a", "an opening parenthesis that nothing closes", 0),
    ("a)", "a closing parenthesis that closes nothing", 1),
    ("*a", "a quantifier with nothing to repeat", 0),
    ("a|+", "a quantifier with nothing to repeat", 2),
    ("(?x)a+ *", "a quantifier on a quantifier", 7),
    ("a**", "a quantifier on a quantifier", 2),
    ("(?x)a{ 2}", "a brace that opens no repetition", 5),
    ("(?i){2}", "a brace after flags", 4),
    ("a{99999999999}", "a repetition count above 4096", 1),
    (r"\b{2}a", "a brace after an assertion", 2),
    (r"a\b{foo}", "a brace after an assertion", 3),
    ("a{2,1}", "the repetition count {2,1}", 1),
    ("a{0}b", "the repetition count {0}", 1),
    ("a{5000}", "a repetition count above 4096", 1),
    ("a(?!b)*", "a quantifier on what matches no character", 6),
    ("$?a", "a quantifier on what matches no character", 1),
    ("[a", "a class that nothing closes", 0),
    ("[]a]", "a class that begins with ]", 0),
    ("[^]a]", "a class that begins with ]", 0),
    ("[b-a]", "a range whose end comes before its start", 1),
    ("[a-b-c]", "a hyphen in the middle of a class", 4),
    (r"[\s-a]", "a hyphen in the middle of a class", 3),
    (r"[a-\s]", "a range that ends in a set", 1),
    ("[a-[b]]", "a range that has no end", 1),
    ("[--a]", "a set operator that lacks an operand", 1),
    ("[a&&]", "a set operator that lacks an operand", 4),
    ("[a&&&&b]", "a set operator that lacks an operand", 4),
    ("[[:foo:]]", "the ASCII class", 1),
    (r"\p{Foo}", r"the character property at '\\p{Foo}'", 0),
    (r"a\p{^L}", "the character property", 1),
    (r"\p{scx=Han}", "the character property", 0),
    (r"\p{sc=L}", "the character property", 0),
    (r"\p", "the character property", 0),
    (r"\x4", "a hexadecimal escape of no character", 0),
    (r"\x{110000}", "a hexadecimal escape of no character", 0),
    (r"\uD800", "a hexadecimal escape of no character", 0),
    (r"a\q", r"the escape \q", 1),
    (r"\K", r"the escape \K", 0),
    (r"[\b]", r"the escape \b", 1),
    (r"(a)\1", r"the escape \1", 3),
    (r"\é", r"the escape \é", 0),
    ("a\\", "a backslash with nothing after it", 1),
    (r"\<a", r"a word boundary (\<)", 0),
    (r"a\>", r"a word boundary (\>)", 1),
    (r"\bb", r"a word boundary (\b)", 0),
    (r"a\Bb", r"a word boundary (\B)", 1),
    (r"^a", "the start of the text (^)", 0),
    (r"\Aa", r"the start of the text (\A)", 0),
    (r"a\Z", r"the end of the text (\Z)", 1),
    ("(?<=a)b", "a look-behind", 0),
    ("(?<!a)b", "a look-behind", 0),
    ("a(?=bc)", "a look-ahead", 1),
    ("a(?!b*c)", "a look-ahead", 1),
    ("(?U)a", "a conditional group or another extension", 0),
    ("a(?-)b", "a group with flags that names none", 1),
    ("(?-:a)b", "a group with flags that names none", 0),
    ("(?-u:a)b", "a conditional group or another extension", 0),
    ("(a)(?(1)b|c)", "a conditional group or another extension", 3),
    ("(?<1>a)", "a conditional group or another extension", 0),
    ("(?#c", "a conditional group or another extension", 0),
    ("(?i)*a", "a quantifier with nothing to repeat", 4),
    ("(?x)( ?:a)", "a quantifier with nothing to repeat", 6),
    ("(?:ab)++", "a possessive repetition of a group", 6),
    ("(?:a|ab){2}+c", "a possessive repetition of a group", 8),
    ("(?>a|ab)c", "an atomic group of more than one repeated character", 0),
]


@pytest.mark.parametrize(("pattern", "text"), ACCEPTED)
def test_accepted_syntax_means_what_it_means_to_tiktoken(pattern: str, text: str) -> None:
    expected = PieceOracle(pattern, substrings([text])).pieces(text)
    assert expected, "the case shows nothing"
    assert split(compile_pattern(pattern), text) == expected


@pytest.mark.parametrize(("pattern", "reason", "offset"), REFUSED)
def test_refusal_names_what_and_where(pattern: str, reason: str, offset: int) -> None:
    with pytest.raises(UnsupportedPattern) as refusal:
        compile_pattern(pattern)
    assert reason in str(refusal.value)
    assert refusal.value.offset == offset
    assert str(refusal.value).endswith(f" at character {offset}")


@pytest.mark.parametrize("pattern", ["", "a*", "a|", "a??", "$|a", "(?!a)", "(?:a|)(?=b)", "(a?)?"])
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(EmptyMatchPattern, match="can match the empty string"):
        compile_pattern(pattern)


ONE_CHARACTER = [
    "a",
    "b",
    "[ab]",
    "[^a]",
    r"\n",
    r"\s",
    r"\S",
    ".",
    r"[^\s1]",
    r"\d",
    "(?i:A)",
    "(?:a|1)",
]
QUANTIFIERS = ["?", "*", "+", "{2}", "{1,2}", "{0,2}", "{2,}", "??", "*?", "+?", "{1,2}?"]
POSSESSIVE_QUANTIFIERS = ["?+", "*+", "++", "{2}+", "{1,2}+", "{2,}+"]
ASSERTIONS = ["$", r"\z"] + [
    f"(?{sign}{body})" for sign in "=!" for body in (*ONE_CHARACTER[:8], "a|$", "$")
]


def _joined(parts: list[str]) -> str:
    return "".join(parts)


def _alternatives(parts: list[str]) -> str:
    return "(?:" + "|".join(parts) + ")"


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantified = st.builds("(?:{}){}".format, inner, st.sampled_from(QUANTIFIERS))
    return (
        st.lists(inner, min_size=1, max_size=3).map(_joined)
        | st.lists(inner, min_size=2, max_size=3).map(_alternatives)
        | quantified
    )


simple_patterns = (
    st.sampled_from(ONE_CHARACTER)
    | st.builds(
        "{}{}".format,
        st.sampled_from(ONE_CHARACTER),
        st.sampled_from(QUANTIFIERS + POSSESSIVE_QUANTIFIERS),
    )
    | st.sampled_from(ASSERTIONS)
)
# Few patterns that end in a character can match the empty string, which would be refused.
random_patterns = st.builds(
    "{}{}".format,
    st.recursive(simple_patterns, _extended, max_leaves=8),
    st.sampled_from("ab.") | st.just(""),
)

SHORT_TEXTS = strings_up_to("ab1\n", 4)


@settings(max_examples=300, deadline=None)
@given(pattern=random_patterns)
@example(pattern="(?:(?:ab?|b){1,2}?(?!a)|a+?)b??")
def test_random_patterns_cut_all_short_strings_as_tiktoken_does(pattern: str) -> None:
    assert_cuts_as_tiktoken(pattern, SHORT_TEXTS)
