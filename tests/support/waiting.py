"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from typing import Callable

from bpecore.pool import PoolClient


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def wait_until_answered(client: PoolClient) -> None:
    """Waits until nothing that a client has asked for is unsent or unanswered."""
    connection = client._session.connected()
    wait_until(lambda: connection.send_path.is_idle)


def encode_for_ever(client: PoolClient) -> None:
    """Asks until that is an error."""
    while True:
        client.encode("hello")
