"""Signal handlers that raise at any moment of a pool's call: the next call works as any other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from interrupting import interruptions
from waiting import wait_until_answered

import bpecore
from bpecore.pool import PoolClient, PoolClosedError, StreamNotOpenError, TokenizerPool

ENCODING = bpecore.get_encoding("o200k_base")
HELLO = ENCODING.encode("hello world")
INTERRUPTIONS = 1500
LONGEST_SECONDS = 400e-6
LONGEST_WAIT = 60
"""Seconds; no call takes as long even where other programs use the machine."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Makes calls that a signal interrupts, most of them."""
    interrupted = 0
    with interruptions(LONGEST_SECONDS) as interrupt_once:

        def call_interrupted(call: Callable[[], object]) -> None:
            nonlocal interrupted
            with suppress(StreamNotOpenError):
                interrupted += interrupt_once(call)

        yield call_interrupted
    assert interrupted > 10


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
    thread.join(LONGEST_WAIT)
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


def test_disconnecting(
    client: PoolClient, interrupt: Callable[[Callable[[], object]], None]
) -> None:
    """While another thread waits for an answer, which fails then or comes."""
    for _ in range(200):
        client.connect()
        found: list[object] = []
        thread = threading.Thread(target=lambda: found.append(outcome(client)), daemon=True)  # noqa: B023
        thread.start()
        interrupt(client.disconnect)
        undisturbed(lambda: client.encode("hello world"))
        thread.join(LONGEST_WAIT)
        assert found, "another thread's call is not answered"


def outcome(client: PoolClient) -> object:
    """Returns what a call returns or raises."""
    try:
        return client.encode("hello world")
    except PoolClosedError as error:
        return error
