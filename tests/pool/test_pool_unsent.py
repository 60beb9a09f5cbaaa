"""Requests without room in the rings are sent later, in turn with streams, or given up."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from waiting import wait_until, wait_until_answered

import bpecore
from bpecore.pool import PoolBusy, PoolClient, PoolClosedError, TokenizerPool

ENCODING = bpecore.get_encoding("o200k_base")
RING_BYTES = 1 << 18
TEXTS = [f"number {i}: " + "some more words\n" * 1000 for i in range(400)]


@contextmanager
def stopped(pool: TokenizerPool) -> Iterator[None]:
    """Stops the pool's workers meanwhile."""
    workers = [worker.process for worker in pool.metrics().workers]
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)


@contextmanager
def batch_unsent(pool: TokenizerPool, client: PoolClient) -> Iterator[None]:
    """Stops the workers with much of TEXTS unsent; once they go on, all must be answered."""
    answers: list[list[list[int]]] = []
    thread = threading.Thread(target=lambda: answers.append(client.encode_batch(TEXTS)))
    with stopped(pool):
        thread.start()
        wait_until(lambda: client._session.connected().send_path._unsent)
        yield
    thread.join()
    assert answers == [ENCODING.encode_batch(TEXTS)]


def texts_encoded(pool: TokenizerPool) -> int:
    return sum(worker.texts for worker in pool.metrics().workers)


def check_that_few_were_sent(pool: TokenizerPool, client: PoolClient) -> None:
    """Little more of TEXTS was sent than fits into a ring, and the pool goes on working."""
    assert client.encode("hello world") == [24912, 2375]
    wait_until_answered(client)
    assert client.encode_batch(["hello world"] * 10) == [[24912, 2375]] * 10
    # The workers publish their numbers a moment after they have answered.
    wait_until(lambda: texts_encoded(pool) > 10)
    assert texts_encoded(pool) < len(TEXTS) // 4
    assert sum(map(len, TEXTS)) // 4 > RING_BYTES


def test_an_interrupted_caller_takes_back_what_is_unsent() -> None:
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        client.connect()

        def interrupt() -> None:
            wait_until(lambda: client._session.connected().send_path._unsent)
            os.kill(os.getpid(), signal.SIGINT)

        # Ignored where the tests run in the background.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with stopped(pool):
                threading.Thread(target=interrupt).start()
                with pytest.raises(KeyboardInterrupt):
                    client.encode_batch(TEXTS)
        finally:
            signal.signal(signal.SIGINT, before)
        check_that_few_were_sent(pool, client)
        client.disconnect()


def test_a_cancelled_task_takes_back_what_is_unsent() -> None:
    pytest.importorskip("anyio")
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()

        async def main() -> None:
            with stopped(pool), pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.awaitable.encode_batch(TEXTS), 0.3)

        client.connect()
        asyncio.run(main())
        check_that_few_were_sent(pool, client)
        client.disconnect()


def test_a_pool_that_closes_answers_what_is_unsent() -> None:
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        client.connect()
        closing = threading.Thread(target=pool.close)
        with batch_unsent(pool, client):
            closing.start()
            wait_until(lambda: client._session.connected().send_path.closed)
        closing.join()


def test_a_client_that_disconnects_fails_what_is_unsent() -> None:
    failures: list[Exception] = []

    def ask() -> None:
        with pytest.raises(PoolClosedError, match="disconnected") as caught:
            client.encode_batch(TEXTS)
        failures.append(caught.value)

    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        client.connect()
        with stopped(pool):
            threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(client._session.connected().send_path._unsent) == len(threads))
            client.disconnect()
            for thread in threads:
                thread.join(30)
        assert len(failures) == len(threads)


def test_callers_take_turns() -> None:
    """A small request does not wait until all of another caller's batch has been sent."""
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        client.connect()
        unsent = []

        def ask_for_little() -> None:
            client.encode("hello")
            unsent.append(sum(map(len, client._session.connected().send_path._unsent)))

        small = threading.Thread(target=ask_for_little)
        with batch_unsent(pool, client):
            small.start()
            wait_until(lambda: len(client._session.connected().send_path._unsent) == 2)
        small.join()
        assert unsent[0] > 10
        client.disconnect()


def test_one_caller_finds_room_or_not_whatever_others_have_unsent() -> None:
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES, when_full="raise") as pool:
        client = pool.client()
        client.connect()
        with batch_unsent(pool, client):
            with pytest.raises(PoolBusy):
                client.encode(TEXTS[0] * 4)
            assert len(client._session.connected().send_path._unsent) == 1
        assert client.encode("hello world") == [24912, 2375]
        client.disconnect()


def test_what_is_unsent_outlives_a_worker() -> None:
    with TokenizerPool(ENCODING, processes=1, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        client.connect()
        with batch_unsent(pool, client):
            os.kill(pool.metrics().workers[0].process, signal.SIGKILL)
        client.disconnect()


def test_streams_are_fed_while_much_is_unsent() -> None:
    """Both need room in the rings, and neither keeps it from the other."""
    with TokenizerPool(ENCODING, processes=2, ring_bytes=RING_BYTES) as pool:
        client = pool.client()
        batches: list[list[list[int]]] = []
        thread = threading.Thread(
            target=lambda: batches.extend(client.encode_batch(TEXTS) for _ in range(5))
        )
        ids = ENCODING.encode(TEXTS[0])
        client.open_stream("one")
        thread.start()
        texts = []
        while thread.is_alive():
            texts.append(client.feed("one", ids))
        thread.join()
        assert client.close("one") == ""
        assert texts == [TEXTS[0]] * len(texts)
        assert len(texts) > 20
        assert batches == [ENCODING.encode_batch(TEXTS)] * 5
        client.disconnect()
