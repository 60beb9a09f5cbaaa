"""A task, or any call in an event loop's thread, that waits for another thread."""

from __future__ import annotations

from contextlib import suppress
from typing import Callable

from bpecore._services.loops import Loop


class LoopWaiter:
    """Calls something in an event loop once another thread wakes it.

    Args:
        loop: the event loop.
        call: what to call in the loop's thread.
    """

    def __init__(self, loop: Loop, call: Callable[[], object]) -> None:
        self._loop = loop
        self._call = call

    def wake(self) -> None:
        """Schedules the call; called once, by any thread."""
        with suppress(RuntimeError):  # the loop has ended, and with it the task
            self._loop.call_soon_from_thread(self._call)
