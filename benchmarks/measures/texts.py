"""Whole texts, warm: each was encoded before by the same process."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings

COUNTING = ("bpecore", "quicktok")
"""Engines that count without handing out the ids."""


def cases(settings: Settings, measure: str, method: str) -> list[Case]:
    """Returns one case per text."""
    return [
        Case(measure, file.name, method, {"kind": "file", "path": path})
        for file, path in zip(settings.files, settings.paths())
    ]


def run(settings: Settings, chosen: list[Case]) -> list[Result]:
    """Runs cases with all engines."""
    return run_cases(settings.workers, chosen, settings.encoding, settings.engines, settings.rounds)


def warm(settings: Settings) -> list[Result]:
    """The ids as an array, or in what form the engine gives them soonest."""
    return run(settings, cases(settings, "warm", "encode_to_numpy"))


def to_list(settings: Settings) -> list[Result]:
    """The ids as a list of int."""
    return run(settings, cases(settings, "list", "encode_ordinary"))


def count(settings: Settings) -> list[Result]:
    """The number of ids; right after each text the ids themselves, to compare with."""
    counting = [engine for engine in settings.engines if engine in COUNTING]
    pairs = zip(
        cases(settings, "count", "count"),
        cases(settings, "ids beside the count", "encode_to_numpy"),
    )
    chosen = [case for pair in pairs for case in pair]
    return run_cases(settings.workers, chosen, settings.encoding, counting, settings.rounds)
