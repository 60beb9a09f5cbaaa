"""How texts are cut into chunks."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

BOUNDARIES = ("character", "word", "sentence", "line")


class Rules(NamedTuple):
    """How texts are cut into chunks; see `Encoding.split`.

    Attributes:
        start: where the first chunk begins, in characters.
        end: where the chunk before it ended; 0 if there is none.
    """

    max_tokens: int
    overlap: int
    boundary: str
    whole_graphemes: bool
    start: int = 0
    end: int = 0


@functools.lru_cache(maxsize=1)
def grapheme_clusters() -> Any:
    """Returns the pattern that finds grapheme clusters."""
    import regex

    return regex.compile(r"\X")
