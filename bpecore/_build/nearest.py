"""Names that are like one that is unknown, for error messages."""

from __future__ import annotations

from collections.abc import Iterable

SUGGESTIONS = 5


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> list[str]:
    """Returns the known names that are most like one, best first; none if no name is."""
    import difflib

    by_lower_case = {entry.lower(): entry for entry in known}
    found = difflib.get_close_matches(name.lower()[:100], by_lower_case, SUGGESTIONS, likeness)
    return [by_lower_case[entry] for entry in found]


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """Returns a question about the nearest names, or an empty string."""
    close = nearest(name, known, likeness)
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
