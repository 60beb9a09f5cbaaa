"""Texts of one character, which regular expressions and merges fear."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings

CHARACTERS = {
    "a": "a",
    "A": "A",
    "space": " ",
    "newline": "\n",
    "^": "^",
    "中": "中",
    "'": "'",
    "0": "0",
    "—": "—",
    "U+3000": "\u3000",
    "😀": "😀",
    "U+FFFD": "\ufffd",
    "U+1816": "\u1816",
}

SLOW = ("tokenizers", "bpecore-simd-off")
"""Engines that are not asked: nothing is judged by them."""

ROUNDS = 3
"""Rounds at most: the bars are wide."""


def hostile(settings: Settings) -> list[Result]:
    """A million of each character, and a hundred thousand to see the growth."""
    cases = [
        Case(
            measure,
            subject,
            "encode_to_numpy",
            {"kind": "repeated", "text": character, "times": times},
        )
        for subject, character in CHARACTERS.items()
        for measure, times in (("hostile, 100,000", 100_000), ("hostile, 1,000,000", 1_000_000))
    ]
    engines = [engine for engine in settings.engines if engine not in SLOW]
    rounds = min(settings.rounds, ROUNDS)
    return run_cases(settings.workers, cases, settings.encoding, engines, rounds)
