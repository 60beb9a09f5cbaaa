"""Ids back to text."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings


def decode(settings: Settings) -> list[Result]:
    """`decode` of a list of ids out of all texts."""
    case = Case(
        "decode",
        "100,000 ids",
        "decode",
        {"kind": "ids", "paths": settings.paths(), "number": 100_000},
    )
    return run_cases(settings.workers, [case], settings.encoding, settings.engines, settings.rounds)
