"""Whether a worker gets anything done: what tells one that hangs from one that is busy.

Looks are taken `look_interval` apart, by the pool's process.

A worker counts a beat each time it turns to something else, twice a second at least, and tells how
large the request is that it begins. One without beats is

- busy or short of processors, if it uses processor time or waits for some. It may use so much of
  it as its request can take; how long it waits does not matter;
- under a debugger, if another process traces it. That does not count;
- waiting for a device, if Linux says so: slow disks and a lack of memory look like this, and pass.
  It may wait `DEVICE_PATIENCE` times as long as others may sleep;
- stuck, if it sleeps or is stopped: a signal, a lock that is never released.

The time of a look counts as if it had come in time: a pool that was itself stopped, or starved,
knows nothing of what lay between.

Where there is no `/proc` to tell these apart, time without a beat counts as processor time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

SLOWEST_BYTES_A_SECOND = 100_000
"""A request may take a second more for so many bytes: few, since an encoding may be any Python."""

BUSY_SHARE = 0.1
"""Of a look's time: a worker that used so much of a processor meanwhile is busy."""

DEVICE_PATIENCE = 12
"""How many times as long a worker may wait for a device: a minute where it may sleep for 5 s."""

LOOKS = 8
"""Within the time after which a worker is stuck."""

LONGEST_LOOK = 1.0
"""Seconds between looks at most."""

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Use(NamedTuple):
    """What a process does.

    Attributes:
        seconds: of a processor that it has used.
        state: the letter that Linux has for it.
    """

    seconds: float
    state: str


def use_of(process: int) -> Use | None:
    """Returns what a process does; None where that cannot be told."""
    try:
        told = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
        fields = told.rsplit(")", 1)[1].split()
        return Use((int(fields[11]) + int(fields[12])) / _TICKS, fields[0])
    except (OSError, IndexError, ValueError):
        return None


def look_interval(limit: float) -> float:
    """Returns the seconds between looks at a worker that is stuck after so many."""
    return min(limit / LOOKS, LONGEST_LOOK)


class Watch:
    """Looks at one worker from time to time.

    Args:
        limit: seconds without a beat after which it is stuck.
    """

    def __init__(self, limit: float) -> None:
        self._interval = look_interval(limit)
        self._limit = limit
        self._beats = -1
        self._used = 0.0
        self._last = 0.0
        self._asleep = 0.0

    def is_stuck(self, beats: int, size: int, use: Use | None) -> bool:
        """Takes a look.

        Args:
            beats: how many there were.
            size: bytes of the request that the worker has begun.
            use: what the process does.
        """
        seconds = self._last + self._interval if use is None else use.seconds
        state = "R" if use is None else use.state
        spent, self._last = seconds - self._last, seconds
        if beats != self._beats:
            self._beats, self._used, self._asleep = beats, seconds, 0.0
        elif spent >= BUSY_SHARE * self._interval or state in ("R", "t"):
            self._asleep = 0.0
            allowed = self._limit + size / SLOWEST_BYTES_A_SECOND
            return state != "t" and seconds - self._used > allowed
        else:
            self._asleep += self._interval / (DEVICE_PATIENCE if state == "D" else 1)
        return self._asleep >= self._limit
