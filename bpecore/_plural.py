"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, one: str, several: str | None = None) -> str:
    """Returns a number with what it counts.

    Args:
        count: the number.
        one: what is counted, in the singular.
        several: the plural; None if that only has an "s" more.

    Example:
        >>> counted(1, "file"), counted(1200, "file"), counted(0, "is", "are")
        ('1 file', '1,200 files', '0 are')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
