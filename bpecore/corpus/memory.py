"""Gives memory back to the system."""

from __future__ import annotations

import ctypes
import functools
from typing import Any


def release_memory() -> None:
    """Gives back what the C library keeps of freed memory, where it can do so (glibc).

    After long documents that is many megabytes, which it would keep in each worker.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Any:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
