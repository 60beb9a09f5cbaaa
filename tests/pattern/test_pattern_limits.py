"""No pattern makes the compiler hang, overflow the stack or build a table beyond its limits."""

from __future__ import annotations

import time

import pytest
from scan import split

from bpecore._pattern import UnsupportedPattern, compile_pattern

SECONDS = 10
"""Far more than a refusal takes (a second at most), and far less than without limits."""

NASTY = {
    "counted repetitions multiply": ("(?:(?:(?:a{100}){100}){100}){100}", "instructions"),
    "empty groups repeated": (
        "(?:(?:" + "(?:)" * 9000 + "a){1000}b){1000}",
        "more than 4096 instructions",
    ),
    "nothing repeated": ("(?:(?:(?:){4096}){4096}){4096}a", "takes too long"),
    "exponentially many states": ("(?:a|b)*a(?:a|b){20}", "states|takes too long"),
    "many threads in a state": ("(?:a?b?c?d?e?f?.){1,250}[0-9]", "takes too long|states"),
    "wide alternation in a loop": (
        "(?:" + "|".join(f"{chr(0x4E00 + number)}a" for number in range(250)) + "|[ab])*a[ab]{9}c",
        "takes too long|states",
    ),
    "too many classes": (
        "|".join(chr(0x4E00 + number) + "x" for number in range(254)),
        "more than 255 classes",
    ),
    "long list of large sets": (
        "|".join(rf"[\p{{L}}{chr(0x4E00 + number)}]x" for number in range(2000)),
        "character classes too many",
    ),
    "many word boundaries": (r"\ba" * 10_000, "character classes too many"),
    "set operators on large sets": ("[" + "--".join([r"\p{L}"] * 3000) + "]", "too many"),
    "groups too deep": ("(" * 51 + "a" + ")" * 51, "nested more than 50 deep at character 50"),
    "groups much too deep": ("(" * 40_000 + "a" + ")" * 40_000, "nested more than 50 deep"),
    "classes too deep": ("[" * 51 + "a" + "]" * 51, "nested more than 50 deep at character 50"),
    "classes much too deep": ("[" * 40_000 + "a" + "]" * 40_000, "nested more than 50 deep"),
    "large ranges folded": (r"(?i)" + r"[\x00-\U0010ffff]" * 5000, "character classes too many"),
    "large sets folded": (r"(?i)" + r"\p{L}" * 5000, "character classes too many"),
    "too long": ("a" * 100_001, "more than 100000 characters"),
    "a literal too long": ("a" * 5000, "more than 4096 instructions"),
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_patterns_are_refused_soon(name: str) -> None:
    pattern, reason = NASTY[name]
    start = time.process_time()
    with pytest.raises(UnsupportedPattern, match=reason):
        compile_pattern(pattern)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a{4000}", "a" * 4000),
        ("a{1,2000}", "a" * 2000),
        ("(" * 50 + "a" + ")" * 50, "a"),
        ("[" * 50 + "a" + "]" * 50, "a"),
        ("(?:a|b)*a(?:a|b){6}", "babababa"),
        ("|".join(chr(0x4E00 + number) + "x" for number in range(253)), "\u4e00x"),
    ],
    ids=lambda value: value[:12],
)
def test_patterns_within_the_limits_are_compiled(pattern: str, text: str) -> None:
    assert split(compile_pattern(pattern), text) == [text]
