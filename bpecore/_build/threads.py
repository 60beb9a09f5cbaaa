"""How many threads a call may use, and from which length of text on it uses them."""

from __future__ import annotations

import os

LONG_TEXT = 1 << 22
"""Characters from which a text is encoded by several threads: about 10 ms of work."""


def available_cpus() -> int:
    """Returns the number of CPUs that this process may run on.

    Example:
        >>> available_cpus() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count(num_threads: int | None) -> int:
    """Returns how many threads a call uses at most.

    Args:
        num_threads: what its caller allows; None for as many as there are CPUs.

    Returns:
        A number from 1 to the number of CPUs that this process may run on.

    Raises:
        ValueError: `num_threads` is 0 or negative.
        TypeError: `num_threads` is not a number.

    Example:
        >>> thread_count(1)
        1
    """
    available = available_cpus()
    if num_threads is None:
        return available
    try:
        is_positive = num_threads > 0
    except TypeError:
        kind = type(num_threads).__name__
        raise TypeError(
            f"num_threads must be an integer, not {kind}: {num_threads!r:.80}"
        ) from None
    if not is_positive:
        raise ValueError(f"num_threads must be greater than 0, not {num_threads}")
    return min(int(num_threads), available)
