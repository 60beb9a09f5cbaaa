"""Turns tokens in letters, one per byte, into bytes: all at once, because a vocabulary is large."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpecore.data.gpt2_format import byte_letters

_LETTERS = byte_letters()
_TABLE = {ord(letter): byte for letter, byte in _LETTERS.items()}
_OTHER = re.compile(f"[^{re.escape(''.join(_LETTERS))}]")


def bytes_of_letters(tokens: Iterable[str]) -> list[bytes | None]:
    """Returns the bytes of each token; None where a character is not a letter.

    Example:
        >>> bytes_of_letters(["Ġa", "a b"])
        [b' a', None]
    """
    known = list(tokens)
    joined = "".join(known)
    if _OTHER.search(joined):
        return [None if _OTHER.search(token) else _bytes(token) for token in known]
    everything = _bytes(joined)
    found: list[bytes | None] = []
    start = 0
    for token in known:
        end = start + len(token)
        found.append(everything[start:end])
        start = end
    return found


def _bytes(letters: str) -> bytes:
    return letters.translate(_TABLE).encode("latin-1")
