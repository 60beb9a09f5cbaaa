"""Encodings over a test's own vocabulary."""

from __future__ import annotations

from typing import Any

import bpecore

BYTES = {bytes([byte]): byte for byte in range(256)}
"""A token for each byte, in order."""


def own_encoding(
    pattern: str, ranks: Any = BYTES, special_tokens: dict[str, int] | None = None
) -> bpecore.Encoding:
    """Returns an encoding over a dict of ranks, or over a `Vocabulary`."""
    return bpecore.Encoding(
        "own", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special_tokens or {}
    )
