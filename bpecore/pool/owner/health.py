"""Whether a worker gets anything done: distinguishes a worker that hangs from one that is busy.

The pool's process checks each worker every `check_interval` seconds.

A worker counts a beat each time it turns to something else, at least twice per second, and shows
how large a request it begins. A worker without beats is

- busy or short of processors, if it uses processor time or waits for some. It may use as much as
  its request can need, and wait for any time;
- under a debugger, if another process traces it; this time does not count;
- waiting for a device, if Linux says so: slow disks and a lack of memory look like this, and pass.
  It may wait `DEVICE_PATIENCE` times as long as others may sleep;
- stuck, if it sleeps or is stopped: by a signal, or a lock that is never released.

Each check counts as one interval, even if it is late: a pool that was itself stopped or starved
does not know what happened in between.

Where there is no `/proc` to distinguish these, all time without a beat counts as processor time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SLOWEST_BYTES_PER_SECOND = 100_000
"""A request may take one more second per this many bytes: few, as an encoding may be any Python."""

BUSY_SHARE = 0.1
"""A worker that has used this share of the time since the last check is busy."""

DEVICE_PATIENCE = 12
"""How many times as long a worker may wait for a device: a minute where it may sleep for 5 s."""

CHECKS = 8
"""Checks within the time after which a worker is stuck."""

LONGEST_INTERVAL = 1.0
"""The most seconds between checks."""

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Use(NamedTuple):
    """What a process is doing.

    Attributes:
        seconds: the processor time that it has used.
        state: Linux's letter for its state.
    """

    seconds: float
    state: str


def use_of(process: int) -> Use | None:
    """Returns what a process is doing; None where that cannot be known."""
    try:
        line = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
        fields = line.rsplit(")", 1)[1].split()
        return Use((int(fields[11]) + int(fields[12])) / _TICKS, fields[0])
    except (OSError, IndexError, ValueError):
        return None


def check_interval(limit: float) -> float:
    """Returns the seconds between checks of a worker that is stuck after `limit` seconds."""
    return min(limit / CHECKS, LONGEST_INTERVAL)


class HealthCheck:
    """Checks one worker from time to time.

    Args:
        limit: seconds without a beat after which it is stuck.
    """

    def __init__(self, limit: float) -> None:
        self._interval = check_interval(limit)
        self._limit = limit
        self._beats = -1
        self._used = 0.0
        self._last = 0.0
        self._asleep = 0.0

    def is_stuck(self, beats: int, size: int, use: Use | None) -> bool:
        """Checks the worker.

        Args:
            beats: how many there have been.
            size: bytes of the request that the worker has begun.
            use: what the process is doing.
        """
        seconds = self._last + self._interval if use is None else use.seconds
        state = "R" if use is None else use.state
        spent, self._last = seconds - self._last, seconds
        if beats != self._beats:
            self._beats, self._used, self._asleep = beats, seconds, 0.0
        elif spent >= BUSY_SHARE * self._interval or state in ("R", "t"):
            self._asleep = 0.0
            allowed = self._limit + size / SLOWEST_BYTES_PER_SECOND
            return state != "t" and seconds - self._used > allowed
        else:
            self._asleep += self._interval / (DEVICE_PATIENCE if state == "D" else 1)
        return self._asleep >= self._limit
