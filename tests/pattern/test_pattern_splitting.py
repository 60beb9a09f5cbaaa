"""Compiled split patterns split texts exactly where tiktoken does."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pattern_oracles import (
    KNOWN_PATTERNS,
    OPENAI_PATTERNS,
    PieceOracle,
    strings_up_to,
    substrings,
)
from scan import split

from bpecore._pattern import compile_fallback, compile_pattern
from bpecore._pattern.partition import BLOCK_LENGTH
from fuzz.exhaustive import class_representatives

ALPHABET = [
    *"'’sSſtTdDmMlLrReEvVkKxXbZ",
    *" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u2028\u202f\u3000\u200b\ufeff",
    *"0129٣²Ⅷ½〇",
    *'/!,.-_(){}$€+^`"#',
    *"中一文龥あんアー゠한é\u0301\u0345\u0e31ʰªǅßİ",
    # Unassigned in Unicode 16.0, one of them a letter since 17.0; private use; a noncharacter.
    *"\u0378\u088f\ue000\ufdd0",
    *"🙂👍🏽\U0001d7d8\U00020000\U0010ffff",
]

random_texts = st.text(alphabet=st.sampled_from(ALPHABET) | st.characters(codec="utf-8"))


@pytest.mark.parametrize("name", OPENAI_PATTERNS)
def test_every_short_string_of_class_representatives_is_cut_as_by_tiktoken(name: str) -> None:
    pattern = OPENAI_PATTERNS[name]
    automaton = compile_pattern(pattern)
    alphabet = class_representatives(automaton)
    assert len(set(alphabet)) == automaton.class_count
    texts = strings_up_to(alphabet, 4)
    oracle = PieceOracle(pattern, texts)
    for text in texts:
        assert split(automaton, text) == oracle.pieces(text), text


@pytest.mark.parametrize("name", KNOWN_PATTERNS)
def test_random_strings_are_cut_as_by_tiktoken(name: str) -> None:
    pattern = KNOWN_PATTERNS[name]
    automaton = compile_pattern(pattern)
    generator = random.Random(name)
    texts = [
        "".join(generator.choices(ALPHABET, k=generator.randrange(1, 16))) for _ in range(1500)
    ]
    oracle = PieceOracle(pattern, substrings(texts))
    for text in texts:
        assert split(automaton, text) == oracle.pieces(text), text


@pytest.mark.parametrize("name", KNOWN_PATTERNS)
@settings(max_examples=100, deadline=None)
@given(text=random_texts)
def test_any_string_is_cut_as_by_an_independent_matcher(name: str, text: str) -> None:
    matches = compile_fallback(KNOWN_PATTERNS[name]).finditer(text)
    assert split(compile_pattern(KNOWN_PATTERNS[name]), text) == [
        match.group() for match in matches
    ]


@pytest.mark.parametrize("name", OPENAI_PATTERNS)
@settings(max_examples=100, deadline=None)
@given(text=random_texts)
def test_openai_patterns_lose_no_character(name: str, text: str) -> None:
    assert "".join(split(compile_pattern(OPENAI_PATTERNS[name]), text)) == text


def test_characters_that_no_match_covers_are_in_no_piece() -> None:
    assert split(compile_pattern("[ab]+c"), "xabcabyabcz") == ["abc", "abc"]


@pytest.mark.parametrize("name", KNOWN_PATTERNS)
def test_tables_have_the_promised_shape(name: str) -> None:
    automaton = compile_pattern(KNOWN_PATTERNS[name])
    row = automaton.class_count + 1
    transitions = memoryview(automaton.transitions).cast("H")
    assert len(automaton.block_index) == 2 * (0x110000 // BLOCK_LENGTH)
    blocks = len(automaton.block_classes) // BLOCK_LENGTH
    assert max(memoryview(automaton.block_index).cast("H")) == blocks - 1
    assert max(automaton.block_classes) == automaton.class_count - 1
    assert len(transitions) == automaton.state_count * row
    assert {entry >> 1 for entry in transitions} == set(range(automaton.state_count)) - {1} | {0}
    assert not any(transitions[:row]), "the dead state leads anywhere"
    assert not any(entry & 1 for entry in transitions[row : 2 * row]), "an empty piece"
    ends = transitions[automaton.class_count :: row]
    assert not any(entry >> 1 for entry in ends), "goes on past the end of the text"


def test_a_pattern_is_compiled_once() -> None:
    assert compile_pattern(OPENAI_PATTERNS["r50k"]) is compile_pattern(OPENAI_PATTERNS["r50k"])
