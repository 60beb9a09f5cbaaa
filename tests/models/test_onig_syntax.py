"""What Oniguruma, under `tokenizers`, matches as fancy-regex does: every escape and property."""

from __future__ import annotations

import pytest
import regex

from bpecore._models.onig_syntax import PROPERTIES, DifferentMeaningError, from_onig
from bpecore._pattern.library_syntax import source_of
from bpecore._pattern.parser import parse
from bpecore._pattern.syntax import Characters

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

ESCAPES = r"\s \S \d \D \r \n \t \f \v \a \e . \. \[ \x41 \x{e9} \u00e9 [^\s\p{L}\p{N}]"
SETS = [
    *(
        pytest.param(rf"\p{{{name}}}", marks=[] if len(name) == 1 else [pytest.mark.slow])
        for name in sorted(PROPERTIES)
    ),
    *(rf"\P{{{name}}}" for name in ("L", "N", "Han")),
    *ESCAPES.split(),
    *(r"\w", r"\W", r"[\w-]", r"[^\w\s]", r"[\W&&[^ ]]", r"[\w&&[^\d_]]", r"[\W\d]"),
    *("(?i:[sdmt])", "(?i:[k])", r"[^[^\w]]", "[$^a(|]"),
    r"[\p{L}&&[^\p{Han}]]",
    r"[a-c&&b-d]",
    r"[^a-c&&b-d]",
    r"[\p{Lu}\p{M}&&[^\p{Han}]x]",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]",
]
EVERYTHING = "".join(chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000)


@pytest.mark.parametrize("pattern", SETS)
def test_a_set_has_the_same_members(pattern: str) -> None:
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed")
    left = {*"".join(piece for piece, _ in split.pre_tokenize_str(EVERYTHING))}
    tree = parse(from_onig(pattern))
    assert isinstance(tree, Characters)
    members = {chr(point) for point in tree.members.code_points() if not 0xD800 <= point < 0xE000}
    assert {*EVERYTHING} - left == members


@pytest.mark.parametrize("contraction", ["s", "t", "re", "ve", "m", "ll", "d"])
def test_contractions_fold_to_the_same_characters(contraction: str) -> None:
    pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    assert from_onig(pattern) == pattern
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed")
    ours = regex.compile(source_of(parse(pattern)), regex.VERSION1)
    head = contraction[:-1]
    for character in filter(lambda letter: letter.upper() != letter.lower(), EVERYTHING):
        text = f"'{head}{character}"
        removed = not split.pre_tokenize_str(text)
        assert removed == (ours.fullmatch(text) is not None), text


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i:st)",
        "(?i:ﬁ)",
        "(?i:[^a])",
        "(?i:[st])",
        "(?i:a$)",
        "(?i)a",
        "(?m)a",
        "(?<n>a)",
        r"\h",
        r"\<",
        r"\Z",
        "a{2}+",
        "a{2}?",
        "[[:alpha:]]",
        "[a--b]",
        r"\p{Script=Han}",
        r"\pL",
        r"\p{Alphabetic}",
        "(?#a)",
        r"\1",
        r"\k<n>",
        r"\X",
        r"[\b]",
    ],
)
def test_what_may_differ_is_named(pattern: str) -> None:
    with pytest.raises(DifferentMeaningError, match="character"):
        from_onig(pattern)
