"""Checks of the numbers that callers set."""

from __future__ import annotations


def check_number(name: str, value: int, least: int, most: int | None = None) -> None:
    """Refuses a number that is not an int, too small or too large.

    Args:
        name: the argument's name, for the error.
        value: what was given.
        least: the smallest value that is allowed.
        most: the largest one; None for no limit.

    Raises:
        TypeError: `value` is no int, or a bool.
        ValueError: it is below `least`, or above `most`.

    Example:
        >>> check_number("workers", 0, 1)
        Traceback (most recent call last):
        ValueError: workers must be at least 1, not 0
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}, not {value}")
