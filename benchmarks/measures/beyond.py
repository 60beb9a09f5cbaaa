"""Chunks, offsets and completions: each beside the call whose speed it should have."""

from __future__ import annotations

from ..turns import Case, Result, run_cases
from .settings import Settings

COMPLETED = {"300 spaces": " " * 300, "1,000 letters": "a" * 1000, "300 dashes": "-" * 300}
"""Unstable text from its first to its last character, which tiktoken encodes over and over."""


def beyond(settings: Settings) -> list[Result]:
    """Each text's chunks and offsets beside its ids; then ids with offsets, and completions."""
    cases = []
    for file, path in zip(settings.files, settings.paths()):
        text = {"kind": "file", "path": path}
        cases += [
            Case("split at 512 by 64", file.name, "split", text),
            Case("ids beside the chunks", file.name, "encode_to_numpy", text),
            Case("offsets of a text", file.name, "token_offsets", text),
            Case("encode and decode", file.name, "encode_and_decode", text),
        ]
    ids = {"kind": "ids", "paths": settings.paths(), "number": 100_000}
    cases += [
        Case("decode with offsets", "100,000 ids", "decode_with_offsets", ids),
        Case("text beside its offsets", "100,000 ids", "decode", ids),
    ]
    cases += [
        Case("completions", subject, "encode_with_unstable", {"kind": "text", "text": text})
        for subject, text in COMPLETED.items()
    ]
    engines = [engine for engine in settings.engines if engine in ("tiktoken", "bpecore", "before")]
    return run_cases(settings.workers, cases, settings.encoding, engines, settings.rounds)
