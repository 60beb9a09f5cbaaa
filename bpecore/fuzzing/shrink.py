"""Shrinks a failing case by leaving out ever smaller parts while it still fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, TypeVar

Parts = TypeVar("Parts", str, "list[tuple[bytes, int]]")


def shrink(case: Parts, fails: Callable[[Parts], bool]) -> Parts:
    """Returns a case that still fails, and no longer does if any element is left out.

    Args:
        case: a string or list that fails.
        fails: whether a part of it fails.
    """
    length = max(1, len(case) // 2)
    while length:
        start = 0
        changed = False
        while start < len(case):
            shorter = case[:start] + case[start + length :]
            if fails(shorter):
                case = shorter
                changed = True
            else:
                start += length
        if not (changed and length == 1):
            length //= 2
    return case


def simplify(text: str, fails: Callable[[str], bool], plain: Sequence[str] = "aA1 .") -> str:
    """Returns the text with characters replaced by plain ones where it still fails."""
    for place, character in enumerate(text):
        for replacement in plain:
            if character == replacement:
                break
            simpler = text[:place] + replacement + text[place + 1 :]
            if fails(simpler):
                text = simpler
                break
    return text
