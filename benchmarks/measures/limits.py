"""Texts cut to a number of tokens, and texts that grow: each beside what tiktoken's users do."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings

GROWN_BYTES = 8_000
"""The size of a text that arrives a few characters at a time, and is counted after each."""


def limits(settings: Settings) -> list[Result]:
    """`truncate` beside encoding, cutting and decoding; `TokenCounter` beside counting again."""
    cut, grown = [], []
    for file, path in zip(settings.files, settings.paths()):
        text = {"kind": "file", "path": path}
        cut.append(Case("cut to 1,000 tokens", file.name, "truncate", text))
    mixed = {"kind": "mixed", "paths": settings.paths(), "size": GROWN_BYTES}
    grown.append(Case("counts of a growing text", "8,000 bytes", "count_growing", mixed))
    results = []
    for engine in settings.engines:
        if engine in ("tiktoken", "bpecore", "before"):  # the texts that they leave may differ
            results += run_cases(
                settings.workers, cut, settings.encoding, [engine], settings.rounds
            )
    engines = [engine for engine in settings.engines if engine in ("tiktoken", "bpecore", "before")]
    return results + run_cases(settings.workers, grown, settings.encoding, engines, settings.rounds)
