"""Bytes in letters, one per byte, and back: many tokens at once, because a vocabulary is large."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from bpecore.data.gpt2_format import byte_letters

_LETTERS = byte_letters()
_TABLE = {ord(letter): byte for letter, byte in _LETTERS.items()}
_SPELLING = {byte: letter for letter, byte in _LETTERS.items()}
_OTHER = re.compile(f"[^{re.escape(''.join(_LETTERS))}]")


def letters_of(token: bytes) -> str:
    """Returns some bytes in letters."""
    return token.decode("latin-1").translate(_SPELLING)


def bytes_of_letters(tokens: Iterable[str]) -> list[bytes | None]:
    """Returns the bytes of each token; None where a character is not a letter.

    Example:
        >>> bytes_of_letters(["Ġa", "a b"])
        [b' a', None]
    """
    known = list(tokens)
    joined = "".join(known)
    others = _with_other_characters(known, joined)
    if others:
        joined = "".join("" if number in others else token for number, token in enumerate(known))
    lengths = [*map(len, known)]
    for number in others:
        lengths[number] = 0
    ends = [*accumulate(lengths)]
    found: list[bytes | None] = [*map(_bytes(joined).__getitem__, map(slice, [0, *ends], ends))]
    for number in others:
        found[number] = None
    return found


def _with_other_characters(tokens: list[str], joined: str) -> set[int]:
    """Returns the places of tokens with a character that is no letter."""
    found = [other.start() for other in _OTHER.finditer(joined)]
    if not found:
        return set()
    ends = [*accumulate(map(len, tokens))]
    return {bisect_right(ends, place) for place in found}


def _bytes(letters: str) -> bytes:
    return letters.translate(_TABLE).encode("latin-1")
