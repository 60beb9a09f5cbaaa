"""Handlers of signals that raise at any moment of a pool's call: the next one is as any other."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from waiting import wait_until_answered

import bpecore
from bpecore.pool import PoolClient, StreamNotOpenError, TokenizerPool

ENCODING = bpecore.get_encoding("o200k_base")
HELLO = ENCODING.encode("hello world")
INTERRUPTIONS = 1500
LONGEST_SECONDS = 400e-6


class InterruptedCallError(Exception):
    """What the handler raises."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Makes calls that a signal interrupts, most of them."""
    is_armed = False
    interruptions = 0

    def stop(number: int, frame: object) -> None:
        nonlocal is_armed
        if is_armed:
            is_armed = False
            raise InterruptedCallError

    def interrupt_once(call: Callable[[], object]) -> None:
        nonlocal is_armed, interruptions
        try:
            is_armed = True
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, LONGEST_SECONDS))
            with suppress(StreamNotOpenError):
                call()
            is_armed = False
        except InterruptedCallError:
            interruptions += 1
        signal.setitimer(signal.ITIMER_REAL, 0)

    before = signal.signal(signal.SIGALRM, stop)
    yield interrupt_once
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    assert interruptions > 10


@pytest.fixture
def pool() -> Iterator[TokenizerPool]:
    """A pool whose clients would soon find no room if any calls were lost."""
    with TokenizerPool("o200k_base", processes=2, max_inflight=8) as pool:
        yield pool


def undisturbed(call: Callable[[], Any]) -> Any:
    """Returns what a call in another thread returns, which no handler interrupts."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(10)
    assert found, "the call is not answered"
    return found[0]


@pytest.mark.parametrize("count", [1, 20])
def test_texts(
    count: int, client: PoolClient, interrupt: Callable[[Callable[[], object]], None]
) -> None:
    texts = ["hello world" + " hello world" * 20_000] * count if count > 1 else ["hello world"]
    expected = ENCODING.encode_batch(texts)
    client.connect()
    for _ in range(INTERRUPTIONS if count == 1 else 100):
        interrupt(lambda: client.encode_batch(texts))
        assert undisturbed(lambda: client.encode("hello world")) == HELLO
    assert client.encode_batch(texts) == expected
    wait_until_answered(client)


def test_streams(client: PoolClient, interrupt: Callable[[Callable[[], object]], None]) -> None:
    client.open_stream("undisturbed")
    texts = []
    for name in range(INTERRUPTIONS):
        interrupt(lambda name=name: client.open_stream(name))  # type: ignore[misc]
        for call in (client.feed, lambda name, ids: client.close(name)):
            interrupt(lambda call=call, name=name: call(name, HELLO))  # type: ignore[misc]
        token = HELLO[name % 2]
        texts.append(undisturbed(lambda token=token: client.feed("undisturbed", token)))  # type: ignore[misc]
        with suppress(StreamNotOpenError):
            client.close(name)
    assert "".join(texts) == ENCODING.decode(HELLO * (INTERRUPTIONS // 2))
    client.close("undisturbed")
    wait_until_answered(client)
