"""Making a failing text small: ever smaller parts are cut out while it still fails."""

from __future__ import annotations

from typing import Callable


def shrink(text: str, fails: Callable[[str], bool]) -> str:
    """Returns a text that still fails and of which no single character can be left out.

    Args:
        text: A text that fails.
        fails: Whether a text does.
    """
    length = len(text) // 2
    while length > 0:
        start = 0
        while start < len(text):
            shorter = text[:start] + text[start + length :]
            if fails(shorter):
                text = shorter
            else:
                start += length
        length = length // 2 if length > 1 or not can_lose_one(text, fails) else 1
    return text


def can_lose_one(text: str, fails: Callable[[str], bool]) -> bool:
    """Returns whether the text still fails without one of its characters."""
    return any(fails(text[:i] + text[i + 1 :]) for i in range(len(text)))
