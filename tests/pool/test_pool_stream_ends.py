"""A closed stream takes nothing more, and what was meant for it reaches no other stream."""

from __future__ import annotations

import asyncio
import threading
from array import array
from collections.abc import Iterator
from typing import Any, Callable

import pytest

import bpecore
from bpecore._core import Stream, closed_among
from bpecore.pool import FeedError, PoolClient, StreamNotOpenError, TokenizerPool
from bpecore.pool.client.streams import Feeds

ENCODING = bpecore.get_encoding("o200k_base")
HALF = ENCODING.encode("𓀀")[0]
"""The beginning of a character, which a stream holds back."""


@pytest.fixture(scope="module")
def pool() -> Iterator[TokenizerPool]:
    with TokenizerPool(ENCODING, processes=1, ring_bytes=1 << 18) as pool:
        yield pool


def test_a_cancelled_feed_of_a_closed_stream_goes_nowhere(client: PoolClient) -> None:
    pytest.importorskip("anyio")

    async def main() -> None:
        both = client.awaitable
        for name in ("closed", "other"):
            await both.open_stream(name)
        cancelled = asyncio.create_task(both.feed("closed", HALF))
        waiting = asyncio.create_task(both.feed("other", 24912))
        await asyncio.sleep(0)
        cancelled.cancel()
        assert await both.close("closed") == ""
        assert await waiting == "hello"
        await both.open_stream("new")
        assert await both.feed("new", 24912) == "hello"
        assert await both.close_many(["new", "other"]) == {"new": "", "other": ""}

    asyncio.run(main())


def test_a_feed_that_waits_is_told_that_its_stream_was_closed(client: PoolClient) -> None:
    pytest.importorskip("anyio")

    async def main() -> None:
        both = client.awaitable
        await both.open_stream("a")
        feed = asyncio.create_task(both.feed("a", HALF))
        await asyncio.sleep(0)
        assert await both.close("a") == ""
        with pytest.raises(StreamNotOpenError, match="no open stream 'a'"):
            await feed

    asyncio.run(main())


def test_what_others_are_fed_with_it_is_fed(
    client: PoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = client._session.connected()
    send = connection.send_path.try_streams

    def close_first(*arguments: Any) -> bool:
        monkeypatch.undo()
        client.close("b")
        return send(*arguments)

    for given in (24912, [24912, 2375]):
        for name in "abc":
            client.open_stream(name)
        monkeypatch.setattr(connection.send_path, "try_streams", close_first)
        with pytest.raises(FeedError, match="1 of 3") as error:
            client.feed_many(dict.fromkeys("abc", given))
        text = ENCODING.decode([given] if isinstance(given, int) else given)
        assert error.value.texts == {"a": text, "c": text}
        assert isinstance(error.value.errors["b"], StreamNotOpenError)
        assert client.close_many("ac") == {"a": "", "c": ""}


def in_threads(count: int, call: Callable[[], str]) -> list[object]:
    """Returns what each thread's call returned or raised."""
    found: list[object] = []
    begin = threading.Barrier(count)

    def run() -> None:
        begin.wait()
        try:
            found.append(call())
        except Exception as error:
            found.append(type(error))

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_several_threads_one_closes_it(client: PoolClient) -> None:
    for _ in range(100):
        client.open_stream("shared")
        found = in_threads(4, lambda: client.close("shared"))
        assert sorted(map(str, found)) == ["", *[str(StreamNotOpenError)] * 3]
    for name in range(8):
        client.open_stream(name)
    for name in range(8):
        assert client.feed(name, HALF if name % 2 else 24912) == ("" if name % 2 else "hello")
    assert client.close_many(range(8)) == {name: "�" if name % 2 else "" for name in range(8)}


def test_feeds_without_some_streams() -> None:
    streams = [Stream(name) for name in "abcd"]
    feeds = Feeds(streams, [2, 0, 1, 3], array("I", range(6)))
    left = feeds.without({streams[0], streams[1]})
    assert (left.streams, left.counts, left.ids) == (streams[2:], [1, 3], array("I", [2, 3, 4, 5]))
    single = Feeds(streams, None, array("I", range(4))).without({streams[1]})
    assert single.counts == [1, 1, 1]
    assert single.ids == array("I", [0, 2, 3])
    assert closed_among(streams) == []
    streams[2].is_open = False
    assert closed_among(streams) == [streams[2]]


@pytest.mark.parametrize(
    "make",
    [bytes, bytearray, lambda ids: memoryview(bytes(ids)), tuple, iter]
    + [lambda ids, kind=kind: array(kind, ids) for kind in "bBhHiIlLqQ"],
)
def test_ids_in_any_form(client: PoolClient, make: Any) -> None:
    ids = [72, 105, 1, 2]
    text = ENCODING.decode(ids)
    assert client.decode(make(ids)) == text
    client.open_stream("a")
    assert client.feed("a", make(ids)) + client.close("a") == text
