"""A pattern is a member of the split family by what it says, however it is spelled."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

import pytest
from split_families import DEEPSEEK_SPLITS, PATTERNS

from bpecore._models.presets import PATTERNS as PRESETS
from bpecore._pattern import compile_pattern, families, member_of
from bpecore._pattern.equivalence import Tables, covers_all, equal_columns, follows
from bpecore.fuzzing.split_family import MEMBERS
from fuzz.engine_constants import constants

R50K, CL100K, O200K = PATTERNS.values()
LLAMA3, QWEN3, TEKKEN = (PRESETS[name].pattern for name in ("llama3", "qwen3", "tekken"))
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def rules_of(pattern: str) -> int:
    member = member_of(compile_pattern(pattern))
    return member.rules if member else 0


def test_the_numbers_of_rules_are_the_engine_s() -> None:
    engine = constants()
    rules = {
        name: value
        for name, value in vars(families).items()
        if isinstance(value, int) and engine.get(name)
    }
    assert len(rules) >= 20
    assert {name: {value} for name, value in rules.items()} == {
        name: engine[name] for name in rules
    }


@pytest.mark.parametrize(
    ("pattern", "rules"),
    [
        (R50K, "R50K_RULES"),
        (MEMBERS["whisper"], "R50K_RULES"),
        (CL100K, "CL100K_RULES"),
        (LLAMA3, "CL100K_RULES"),
        (QWEN3, "QWEN_RULES"),
        (MEMBERS["qwen35"], "QWEN_RULES"),
        (O200K, "O200K_RULES"),
        (TEKKEN, "TEKKEN_RULES"),
        (MEMBERS["kimik2"], "KIMI_RULES"),
        (MEMBERS["starcoder"], "STARCODER_RULES"),
        (MEMBERS["deepseek"], "DEEPSEEK_RULES"),
    ],
)
def test_models_have_the_rules_that_the_engine_has_code_for(pattern: str, rules: str) -> None:
    assert {rules_of(pattern)} == constants()[rules]


@pytest.mark.parametrize(
    "spelling",
    [
        QWEN3.replace(r"\p{N}|", r"\p{N}{1}|"),
        QWEN3.replace(r"\p{L}+|", r"\p{L}++|"),
        QWEN3.replace(r"[^\r\n\p{L}\p{N}]?", r"[^\n\p{N}\r\p{L}]?+"),
        QWEN3.replace(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"'(?i:[sdmt]|ll|[rv]e)"),
        QWEN3.replace(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"'(?:[sSdDmMtT\u017f]|[lL]{2}|[rRvV][eE])"),
        QWEN3.replace(r"\s*[\r\n]+", r"\s*[\r\n]"),
        QWEN3.replace(r"\s+(?!\S)|\s+", r"\s+(?=\s|$)|\s"),
        QWEN3.replace(r"[^\s\p{L}\p{N}]+", r"[\S&&[^\p{L}\p{N}]]+"),
        QWEN3.replace(r"|\p{N}|", "|") + r"|\p{N}",
        rf"{QWEN3}|x",  # which no text reaches
    ],
)
def test_other_spellings_are_recognised(spelling: str) -> None:
    assert spelling != QWEN3
    assert {rules_of(spelling)} == constants()["QWEN_RULES"]


@pytest.mark.parametrize(
    "pattern",
    [
        "a+|[^a]+",
        r"\w+|\s+|[^\w\s]+",
        QWEN3.replace(r"\p{L}+", r"\p{Lu}+"),
        QWEN3.replace(r"\p{L}+", r"[\p{L}_]+"),
        QWEN3.replace("|'m", "|'x"),
        QWEN3.replace("|'m", ""),
        QWEN3.replace(r"\p{N}|", r"\p{N}{1,2}|"),
        QWEN3.replace(r"\p{N}|", r"[0-9]|"),
        QWEN3.replace(r"\s*[\r\n]+", r"\s*[\n]+"),
        QWEN3.replace(r" ?[^\s", r"[^\s"),
        QWEN3.replace(r"[\r\n]*", r"[\r\n]?"),
        QWEN3.replace(r"|\s+(?!\S)|\s+", ""),
        rf"abc|{QWEN3}",
        TEKKEN.replace(r"[\r\n/]*", r"[\r\n!]*"),
        "|".join(DEEPSEEK_SPLITS),
    ],
)
def test_what_is_nearly_a_member_is_not(pattern: str) -> None:
    assert rules_of(pattern) == 0


def test_characters_without_a_kind_are_odd() -> None:
    automaton = compile_pattern(MEMBERS["kimik2"])
    member = member_of(automaton)
    tables = Tables.of(automaton)
    assert member is not None
    kind = {
        character: member.class_kinds[tables.class_of(ord(character))] for character in "中々〇⺀é1"
    }
    assert kind["〇"] == kind["⺀"] == families.ODD
    assert kind["中"] == kind["々"] == families.SCRIPT_LETTER
    assert kind["é"] == families.LOWER
    assert kind["1"] == families.NUMBER


@pytest.mark.parametrize(
    ("pattern", "odd", "is_same"),
    [
        ("a+|b|[\\s\\S]", "", True),
        ("aa|b|a|[\\s\\S]", "", False),
        ("a+|b|[\\s\\S]", "b", True),
        ("a+b?|[\\s\\S]", "b", True),
        ("a|aab|[\\s\\S]", "b", False),
    ],
)
def test_pieces_before_odd_characters_must_be_the_same(
    pattern: str, odd: str, is_same: bool
) -> None:
    """Compared with `a+`, whose characters are the classes of the pattern."""
    tables = Tables.of(compile_pattern(pattern))
    classes = [tables.first_of(number) for number in range(len(tables.rows[0]) - 1)]
    others = [chr(number) for number, first in enumerate(classes) if first not in ("a", *odd)]
    a = chr(classes.index("a"))
    single = "|".join(f"\\x{{{ord(other):X}}}" for other in others)
    canonical = Tables.of(compile_pattern(f"\\x{{{ord(a):X}}}+|{single}"))
    assert follows(tables, canonical, [first in odd for first in classes]) is is_same


def test_columns_of_characters_that_nothing_distinguishes_are_equal() -> None:
    tables = Tables.of(compile_pattern(r"(?:[ab]|a)+|[^ab]"))
    columns = equal_columns(tables)
    assert columns[tables.class_of(ord("a"))] == columns[tables.class_of(ord("b"))]
    assert columns[tables.class_of(ord("a"))] != columns[tables.class_of(ord("c"))]


@pytest.mark.parametrize(
    ("pattern", "covers"), [("a+|[^a]", True), ("a+|[^ab]", False), ("ab|[^a]", False)]
)
def test_gaps_are_seen(pattern: str, covers: bool) -> None:
    assert covers_all(Tables.of(compile_pattern(pattern))) is covers
