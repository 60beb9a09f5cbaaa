r"""Patterns with a back-reference or a named group mean to the `regex` library what they mean to
tiktoken, or are refused."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import string

import pytest
import tiktoken

import bpecore
from bpecore._pattern.handed_over import rewrite

BYTES = {bytes([byte]): byte for byte in range(256)}
TEXT = (
    "".join(map(chr, range(1, 0x180)))
    + "ab aBC abC AbC Éé BD Cd <b> aa \r\n\x85\u2028\u200b é٣Ⅷʰ中😀 \u088fK ſ\u0301 end\n\n"
)
BEFORE = [r"(b)\1|", r"(?<name>q)|", r"(?s)"]
"""Something the parser does not understand, put in front of what it does."""

EQUAL = [
    *(rf"\{letter}" for letter in "aAbBdDefhHnNOrRsStvwWzZ"),
    *(rf"[\{letter}]" for letter in "adDefhHnrsStvwW"),
    *(rf"[^\{letter}]" for letter in "adDefhHnrsStvwW"),
    *(rf"\{mark}" for mark in string.punctuation if mark not in "<>"),
    *(rf"[a\{mark}]" for mark in string.punctuation if mark not in "<>"),
    *(rf"[[:{name}:]]" for name in ("alpha", "digit", "space", "punct", "word", "^upper", "graph")),
    r"\<.",
    r".\>",
    r"\x{62}|\u{63}|\U{64}|\x65|\u0066|\U00000067",
    r"\p{L}+",
    r"\PL",
    r"\p{Greek}",
    r"\p{^Lu}",
    r"[\p{Lu}--[A-C]]",
    "[a||b]",
    "[a-c&&b-d]",
    "[]a]",
    ".$",
    r".\Z",
    "(?m:.$)",
    "(?m:^.)",
    "(?x: a \\  | [b] # a comment [ $\n | c)",
    "(?x)[ab ]",
    "(?#comment[)e",
    "(?i:k|[a-c])",
    r"(?i)\h",
    r"(?i)[^a]",
    r"(?i)[[:alpha:]]",
    r"(?i)[\h]",
    r"(?i)[a||b]",
    r"(?i:\p{Lt}|K)",
    r"(?i)\p{Lu}\P{Ll}?",
    r"(?i:(?<x>é)\k<x>|(?P<y>ı)(?P=y))",
    r"(?i:a(?-i)b)c|(?i-s)d",
    r"(?:a(?i)b)c",
    r"(a(?i)b)c",
    r"(?:a|(?i)b|c)d",
    r"(?i)(?<K>a)?(?(1)b|c)",
    "(?u:b)",
    r"\ba|\Bb",
    "a{,2}b",
]

DIFFERENT = [
    r"\g<1>",
    r"\X",
    r"\0",
    r"\p",
    r"[\p]",
    r"[\1]",
    r"[\N]",
    r"(?R)a",
    r"(?R:a)",
    r"(?U)a",
    r"(?-u:a)",
    r"(?1)",
    r"(?&name)",
    r"(?P>name)",
]


def pieces(module: object, pattern: str) -> bytes:
    """The bytes of the text that are in pieces, as ids."""
    encoding = getattr(module, "Encoding")  # noqa: B009  # the two types differ
    made = encoding("x", pat_str=pattern, mergeable_ranks=BYTES, special_tokens={})
    return bytes(made.encode_ordinary(TEXT))


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("pattern", EQUAL)
def test_what_is_handed_over_cuts_as_tiktoken_does(before: str, pattern: str) -> None:
    try:
        wanted = pieces(tiktoken, before + pattern)
    except BaseException:  # a ValueError, or a panic because it matches the empty string
        with pytest.raises(ValueError, match="split pattern"):
            pieces(bpecore, before + pattern)
    else:
        assert pieces(bpecore, before + pattern) == wanted


@pytest.mark.parametrize("pattern", DIFFERENT)
def test_what_the_library_takes_for_something_else_is_refused(pattern: str) -> None:
    for before in BEFORE:
        with pytest.raises(ValueError, match=r"invalid split pattern .* means something else"):
            bpecore.Encoding(
                "x", pat_str=before + pattern, mergeable_ranks=BYTES, special_tokens={}
            )


def test_a_named_reference() -> None:
    for pattern in (r"(?<n>.)\k<n>", r"(?P<n>.)(?P=n)"):
        assert pieces(bpecore, pattern) == pieces(tiktoken, pattern) != b""


def test_what_is_left_as_it_is() -> None:
    for pattern in (r"(?P<n>a)|b", r"(a|b)\1+", "(?x) a # b $\n c"):
        assert rewrite(pattern) == pattern
