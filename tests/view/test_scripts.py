"""Tokens and words by script, compared with counting character by character."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from own import own_encoding

import bpecore
from bpecore.view.scripts import (
    APOSTROPHES,
    NO_SCRIPT,
    OTHER,
    SCRIPTS,
    WITHOUT_BLANKS,
    Counts,
    counts_by_script,
)
from bpecore.view.tokens import TokenizedText

ENCODING = bpecore.get_encoding("o200k_base")
ALPHABET = "ab é\u0301'1.ж漢字かカーไท한हि\U00013000µ\U0001f600\n"


def naive_scripts(text: str) -> list[str]:
    """Returns the script of each character."""
    found: list[str] = []
    for char in text:
        known = [
            name
            for name in SCRIPTS
            if name not in (NO_SCRIPT, OTHER) and regex.match(rf"\p{{Script={name}}}", char)
        ]
        common = regex.match(r"[\p{Script=Common}\p{Script=Inherited}]", char)
        mark = unicodedata.category(char).startswith("M")
        if known:
            found += known
        elif char in APOSTROPHES or mark or (char.isalpha() and common):
            found.append(found[-1] if found else NO_SCRIPT)
        else:
            found.append(OTHER if char.isalpha() else NO_SCRIPT)
    return found


def naive_counts(text: str) -> dict[str, Counts]:
    scripts = naive_scripts(text)
    of_bytes = [script for script, char in zip(scripts, text) for _ in char.encode()]
    counts = {name: [0, 0, 0] for name in SCRIPTS}
    start = 0
    for token in ENCODING.decode_tokens_bytes(ENCODING.encode(text, disallowed_special=())):
        of_token = of_bytes[start : start + len(token)]
        last = max(of_token, key=SCRIPTS.index)
        counts[last][0] += 1
        counts[last][1] += len(token)
        start += len(token)
    before = NO_SCRIPT
    for script, char in zip(scripts, text):
        if script in WITHOUT_BLANKS:
            counts[script][2] += unicodedata.category(char).startswith("L")
        elif script not in (before, NO_SCRIPT):
            counts[script][2] += 1
        before = script
    return {name: Counts(*found) for name, found in counts.items() if found[0] or found[2]}


@given(st.text(ALPHABET, max_size=40) | st.text(max_size=20))
def test_equal_to_counting_each_character(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert counts_by_script(TokenizedText(ENCODING, text)) == naive_counts(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two words", {"Latin": 2}),
        ("don't stop", {"Latin": 2}),
        ("cafe\u0301s", {"Latin": 1}),
        ("漢字", {"Han": 2}),
        ("1, 2", {}),
        ("one два", {"Latin": 1, "Cyrillic": 1}),
    ],
)
def test_words(text: str, words: dict[str, int]) -> None:
    counts = counts_by_script(TokenizedText(ENCODING, text))
    assert {name: found.words for name, found in counts.items() if found.words} == words


def test_tokens_that_end_inside_a_character() -> None:
    counts = counts_by_script(TokenizedText(own_encoding(r"\S+|\s+"), "漢 é"))
    assert counts["Han"] == Counts(3, 3, 1)
    assert counts["Latin"] == Counts(2, 2, 1)


def test_no_text() -> None:
    assert counts_by_script(TokenizedText(ENCODING, "")) == {}


def test_ratios() -> None:
    assert (Counts(2, 9, 4).bytes_per_token, Counts(2, 9, 4).fertility) == (4.5, 0.5)
    assert (Counts().bytes_per_token, Counts().fertility) == (None, None)
