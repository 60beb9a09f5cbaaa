"""A million of one character, for characters of all scripts."""

from __future__ import annotations

import statistics
import unicodedata

from ..record import Sample
from ..turns import Case, Result, run_cases
from .settings import Settings

NUMBER = 200
MEASURE = "any character, 1,000,000"
MEDIAN = "any character, median"


def characters() -> list[str]:
    """Returns one character of each script: the first whose name begins with another word."""
    found: dict[str, str] = {}
    for code in range(0x20, 0x20000):
        word = unicodedata.name(chr(code), "").partition(" ")[0]
        if word:
            found.setdefault(word, chr(code))
        if len(found) == NUMBER:
            break
    return list(found.values())


def any_character(settings: Settings) -> list[Result]:
    """Times bpecore alone, and gives the median of the characters as well."""
    cases = [
        Case(
            MEASURE,
            f"U+{ord(character):04X}",
            "encode_to_numpy",
            {"kind": "repeated", "text": character, "times": 1_000_000},
        )
        for character in characters()
    ]
    engines = [engine for engine in settings.engines if engine == "bpecore"]
    results = run_cases(settings.workers, cases, settings.encoding, engines, 1)
    timed = [result.value for result in results if isinstance(result, Sample)]
    if not timed:
        return results
    median = [statistics.median(timed)]
    name = f"{len(timed)} characters"
    sample = Sample(MEDIAN, settings.encoding, name, "bpecore", median, 0, 1_000_000)
    return [*results, sample]
