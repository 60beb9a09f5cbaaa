"""Short strings, one per call and ten thousand per call."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings

SENTENCE = "The tokens of a text are counted before it is sent away. "
"""57 characters, the last a space."""

ENCODED = ("hi", "hello world", SENTENCE)
"""What `encode` gets: 2, 11 and 57 characters."""

CALLS = 5_000
"""Calls that make one timing of a short string."""


def short(settings: Settings) -> list[Result]:
    """`encode` of 2, 11 and 57 characters, `encode_ordinary` of 500."""
    cases = [
        Case(
            "short",
            f"{len(text)} characters",
            "encode",
            {"kind": "text", "text": text},
            calls=CALLS,
        )
        for text in ENCODED
    ]
    longer = (SENTENCE * 9)[:500]
    cases.append(
        Case(
            "short",
            "500 characters",
            "encode_ordinary",
            {"kind": "text", "text": longer},
            calls=CALLS // 10,
        )
    )
    return run_cases(settings.workers, cases, settings.encoding, settings.engines, settings.rounds)


def batch(settings: Settings) -> list[Result]:
    """`encode_batch` of strings like "item 42", where threads cost more than they give."""
    case = Case(
        "batch",
        "10,000 strings",
        "encode_batch",
        {"kind": "numbered", "prefix": "item ", "number": 10_000},
    )
    return run_cases(settings.workers, [case], settings.encoding, settings.engines, settings.rounds)
