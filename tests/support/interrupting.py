"""A signal handler that raises at random moments of calls."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable


class InterruptedCallError(Exception):
    """What the handler raises."""


@contextmanager
def interruptions(longest: float) -> Iterator[Callable[[Callable[[], object]], bool]]:
    """Gives a function that makes a call, which the handler interrupts after at most so many
    seconds; it returns whether the call was interrupted."""
    is_armed = False

    def stop(number: int, frame: object) -> None:
        nonlocal is_armed
        if is_armed:
            is_armed = False
            raise InterruptedCallError

    def interrupt_once(call: Callable[[], object]) -> bool:
        nonlocal is_armed
        was_interrupted = False
        try:
            is_armed = True
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, longest))
            try:
                call()
            finally:
                is_armed = False
        except InterruptedCallError:
            was_interrupted = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        return was_interrupted

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield interrupt_once
    finally:
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
