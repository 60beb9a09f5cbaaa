"""Tests wait for what other processes and threads do."""

from __future__ import annotations

import time
from typing import Callable

from bpecore.pool import PoolClient


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def encode_for_ever(client: PoolClient) -> None:
    """Asks until that is an error."""
    while True:
        client.encode("hello")
