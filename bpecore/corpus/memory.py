"""Keeps memory the same however many inputs there are.

A long record takes several times its size. If each worker could hold one, the peak would depend on
whether two ever do so at once, and so on how much there is to read: one of them waits instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
from typing import Any

LONG_RECORD = 8 << 20
"""Bytes of a record from which on it is held by one worker at a time."""


_MAPPED = 4 << 20
_TRIMMED = 16 << 20
"""Bytes of a block that is returned to the system when it is freed, and of free memory that is."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


class Turn:
    """The turn to hold a long record: one process of a run has it.

    It is a lock on a file that all of them inherit, and ends with the process.
    """

    def __init__(self) -> None:
        self._file = -1
        self._is_held = False

    def share(self, descriptor: int) -> None:
        """Shares the turn with the other processes that inherit a file."""
        self._file = descriptor

    def take(self) -> None:
        """Gives memory back and waits for the turn, unless this process has it."""
        if not self._is_held:
            release_memory()
            self._is_held = True
            self._lock("LOCK_EX")

    def end(self) -> None:
        """Gives memory back to the system and the turn to the next process, if this one has it."""
        if self._is_held:
            release_memory()
            self._is_held = False
            self._lock("LOCK_UN")

    def _lock(self, operation: str) -> None:
        if self._file >= 0:
            import fcntl

            with contextlib.suppress(OSError):  # without locks there, nobody waits
                fcntl.lockf(self._file, getattr(fcntl, operation))


TURN = Turn()
"""That of this process."""


def release_memory() -> None:
    """Gives back what the C library keeps of freed memory, where it can do so (glibc).

    After long documents that is many megabytes, which it would keep in each worker.
    """
    trim = _c_function("malloc_trim")
    if trim is not None:
        trim(0)


def keep_little_memory() -> None:
    """Makes the C library give back large blocks in this process, where it can do so (glibc).

    It would learn from the first long document to keep up to 64 MB of freed memory.
    """
    option = _c_function("mallopt")
    if option is not None and _c_function("malloc_trim") is not None:
        option(_M_MMAP_THRESHOLD, _MAPPED)
        option(_M_TRIM_THRESHOLD, _TRIMMED)


@functools.cache
def _c_function(name: str) -> Any:
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
