"""Checks of the numbers that callers pass."""

from __future__ import annotations

import operator
import sys


def check_number(name: str, value: int, least: int, most: int | None = None) -> int:
    """Returns an argument that must be an integer within bounds.

    Args:
        name: the argument's name, for the error.
        value: what was passed; numpy's integers will do, a bool will not.
        least: the smallest value that is allowed.
        most: the largest value that is allowed; None: any is, but `sys.maxsize` is returned for
            larger ones.

    Raises:
        TypeError: `value` is not an integer.
        ValueError: it is below `least` or above `most`.

    Example:
        >>> check_number("workers", 0, 1)
        Traceback (most recent call last):
        ValueError: workers must be 1 or more, not 0
    """
    wrong = TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if isinstance(value, bool):
        raise wrong
    try:
        number = operator.index(value)
    except TypeError:
        raise wrong from None
    if number < least:
        raise ValueError(f"{name} must be {least} or more, not {number}")
    if most is not None and number > most:
        raise ValueError(f"{name} must be {most} or less, not {number}")
    return min(number, sys.maxsize)


def cache_memory(memory: int | None) -> int:
    """Returns the bytes that each thread's cache may have in a call; 0: as many as pay.

    Args:
        memory: what its caller allows, in bytes; None leaves it to the engine.

    Raises:
        TypeError: `memory` is not an integer.
        ValueError: it is 0 or negative.
    """
    return 0 if memory is None else check_number("memory", memory, 1)
