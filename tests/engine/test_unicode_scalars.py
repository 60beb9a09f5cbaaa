"""Every one of the 1,112,064 Unicode scalar values: alone, between letters, after a space."""

from __future__ import annotations

import pytest
from pairs import Pair

FAMILIES = pytest.mark.parametrize(
    "pair", ["r50k_base", "cl100k_base", "o200k_base"], indirect=True
)
SCALAR_VALUES = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_there_are_as_many_as_unicode_says() -> None:
    assert len(SCALAR_VALUES) == 1_112_064


@FAMILIES
def test_alone(pair: Pair) -> None:
    ours, theirs = pair.ours.encode_ordinary, pair.theirs.encode_ordinary
    wrong = [character for character in SCALAR_VALUES if ours(character) != theirs(character)]
    assert wrong == []


@FAMILIES
@pytest.mark.parametrize(
    "template",
    [
        "a{}b",
        *(
            pytest.param(template, marks=pytest.mark.slow)
            for template in ("A{}b", "x{}Y", "a1{}2b", "a {} b", "a.{}.b", "as'{}b", "a\t{}b")
        ),
    ],
)
def test_between_other_characters(pair: Pair, template: str) -> None:
    """One per line, a thousand lines per text: a line end between letters is always a piece."""
    for start in range(0, len(SCALAR_VALUES), 1024):
        lines = [template.format(character) for character in SCALAR_VALUES[start : start + 1024]]
        text = "\n".join(lines)
        if pair.ours.encode_ordinary(text) != pair.theirs.encode_ordinary(text):
            assert [
                line
                for line in lines
                if pair.ours.encode_ordinary(line) != pair.theirs.encode_ordinary(line)
            ] == [], "these lines differ; none means that only the joined text does"
            pytest.fail(f"joined lines from {SCALAR_VALUES[start]!r} differ")
