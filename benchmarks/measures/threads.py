"""One thread against two, in processes that have two cores."""

from __future__ import annotations

from ..processes import Workers
from ..turns import Case, Result, run_cases
from .settings import Settings

DOCUMENT_CHARACTERS = 4_000
LONG_TEXT_BYTES = 50_000_000


def threads(settings: Settings) -> list[Result]:
    """All texts cut into documents, and one text of 50 MB."""
    paths = settings.paths()
    inputs = {
        "documents": (
            "encode_documents",
            {"kind": "documents", "paths": paths, "characters": DOCUMENT_CHARACTERS},
        ),
        "one text of 50 MB": (
            "encode_long_text",
            {"kind": "long_text", "paths": paths, "size": LONG_TEXT_BYTES},
        ),
    }
    cases = [
        Case(measure, subject, method, description, {"threads": number})
        for subject, (method, description) in inputs.items()
        for number, measure in ((1, "one thread"), (2, "two threads"))
    ]
    with Workers(settings.encoding, settings.rank_files, cores=2) as workers:
        return run_cases(workers, cases, settings.encoding, settings.engines, settings.rounds)
