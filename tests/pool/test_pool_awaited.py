"""A pool's awaitable calls, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from mixed_text import IDS, MIXED

from bpecore.pool import (
    PoolBusy,
    StreamNotOpenError,
    TokenizerPool,
)


def test_awaitable_forms(pool: TokenizerPool) -> None:
    pytest.importorskip("anyio")
    np = pytest.importorskip("numpy")
    with pool.client() as blocking:
        client = blocking.awaitable
        assert blocking.awaitable is client

        async def stream(name: int) -> str:
            await client.open_stream(name)
            texts = [await client.feed(name, token) for token in IDS]
            return "".join(texts) + await client.close(name)

        async def main() -> None:
            assert await client.encode(MIXED) == IDS
            assert await client.encode_batch([MIXED, "hello"]) == [IDS, [24912]]
            ids, offsets = await client.encode_batch_to_numpy([MIXED, "hello"])
            assert ids.tolist() == [*IDS, 24912]
            assert offsets.tolist() == [0, len(IDS), len(IDS) + 1]
            assert (await client.encode_to_numpy(MIXED)).tolist() == IDS
            into = np.zeros(len(IDS) + 3, np.int64)
            ids, offsets = await client.encode_batch_to_numpy([MIXED, ""], append=7, out=into)
            assert (into.tolist(), len(ids)) == ([*IDS, 7, 7, 0], len(IDS) + 2)
            ids = await client.encode_to_numpy(MIXED, append=7, dtype="int64")
            assert (ids.tolist(), ids.dtype) == ([*IDS, 7], np.int64)
            with pytest.raises(OverflowError, match="uint16"):
                await client.encode_to_numpy(MIXED, dtype=np.uint16)
            assert await client.count(MIXED) == len(IDS)
            assert await client.count_batch([MIXED, "", "hello"]) == [len(IDS), 0, 1]
            assert await client.decode(IDS) == MIXED
            before = pool.metrics()
            assert await asyncio.gather(*map(stream, range(100))) == [MIXED] * 100
            requests = sum(w.requests for w in pool.metrics().workers) - sum(
                w.requests for w in before.workers
            )
            assert requests < 20 * len(IDS), "what is fed in one turn goes out together"
            for name in (1, 2, 3):
                await client.open_stream(name)
            assert await client.feed_many({1: IDS, 2: 24912}) == {1: MIXED, 2: "hello"}
            again = await asyncio.gather(
                *(client.feed(2, token) for token in (2375, 24912)),
                client.feed(3, 10_000_000),
                client.feed(4, 5),
                return_exceptions=True,
            )
            assert again[:2] == [" world", "hello"]
            assert [type(error) for error in again[2:]] == [KeyError, StreamNotOpenError]
            assert await client.close_many([1, 2, 3]) == {1: "", 2: "", 3: ""}
            with pytest.raises(ValueError, match="endoftext"):
                await client.encode("<|endoftext|>")

        asyncio.run(main())
        asyncio.run(main())


def test_trio(pool: TokenizerPool) -> None:
    trio = pytest.importorskip("trio")
    with pool.client() as blocking:
        client = blocking.awaitable

        async def main() -> None:
            assert await client.encode(MIXED) == IDS
            await client.open_stream(1)
            assert await client.feed(1, IDS) + await client.close(1) == MIXED

        trio.run(main)


def test_a_busy_pool_is_said_to_tasks() -> None:
    pytest.importorskip("anyio")
    with TokenizerPool("o200k_base", processes=1, max_inflight=1, when_full="raise") as pool:
        client = pool.client().awaitable

        async def main() -> None:
            await client.open_stream(1)
            worker = pool.metrics().workers[0].process
            # Stopped, so that the first batch is not done before the other calls have come.
            os.kill(worker, signal.SIGSTOP)
            asyncio.get_running_loop().call_later(1.0, os.kill, worker, signal.SIGCONT)
            outcomes = await asyncio.gather(
                *(client.encode_batch([MIXED] * 50) for _ in range(5)),
                client.feed(1, 24912),
                return_exceptions=True,
            )
            assert outcomes[0] == [IDS] * 50
            assert {type(outcome) for outcome in outcomes[1:]} == {PoolBusy}
            assert await client.feed(1, 2375) == " world"

        asyncio.run(main())
