"""Tests wait for what other processes and threads do."""

from __future__ import annotations

import time
from typing import Callable


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
