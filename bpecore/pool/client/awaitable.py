"""`AwaitablePoolClient`: a pool's client for event loops. Needs the extra `aio`."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bpecore._services.loops import Loop  # first: it says how to install anyio

# isort: split
import anyio
import anyio.to_thread

from bpecore.pool.client.calls import Form, Reply, StatelessCall
from bpecore.pool.client.connection import Connection
from bpecore.pool.client.gathering import Gathering
from bpecore.pool.client.loop_waiter import LoopWaiter
from bpecore.pool.client.requests import (
    ARRAY,
    ARRAYS,
    LIST,
    LISTS,
    NUMBER,
    NUMBERS,
    TEXT,
    Decoding,
    decode_call,
    result_of,
    text_calls,
    texts_of,
)
from bpecore.pool.client.session import Session
from bpecore.pool.client.streams import Feeds, names_and_ids
from bpecore.pool.wire.messages import CLOSE, FEED, pack_options

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bpecore.types import Allowed, Disallowed, Ids, Unknown


class AwaitablePoolClient:
    """A `PoolClient` whose methods are awaited; made by its property `awaitable`.

    Works with asyncio and trio. Arguments, results and exceptions are those of `PoolClient`. What
    tasks `feed` in one turn of the loop goes out as one message per worker.

    A cancelled call may have been made: its ids may have been taken, and its text is lost. Close
    the stream then.

    Example:
        >>> import anyio
        >>> from bpecore.pool import TokenizerPool
        >>> async def main(client):
        ...     return await client.encode("hello world"), await client.count("hello")
        >>> with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
        ...     anyio.run(main, client.awaitable)
        ([24912, 2375], 1)
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._local = threading.local()

    async def _connected(self) -> Connection:
        if not self._session.is_connected():
            await anyio.to_thread.run_sync(self._session.connected)
        return self._session.connected()

    def _loop(self) -> Loop:
        native = Loop.running()
        loop: Loop | None = getattr(self._local, "loop", None)
        if loop is None or loop.native is not native:
            loop = self._local.loop = Loop(native)
            self._local.gathering = None
        return loop

    def _gathering(self, connection: Connection) -> Gathering:
        loop = self._loop()
        gathering: Gathering | None = self._local.gathering
        if gathering is None or gathering.connection is not connection:
            gathering = self._local.gathering = Gathering(
                loop, connection, self._session.check_full
            )
        return gathering

    # ---- texts ------------------------------------------------------------------------------

    async def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Returns the ids of a text; see `PoolClient.encode`."""
        ids: list[int] = await self._ask_texts(LIST, [text], allowed_special, disallowed_special)
        return ids

    async def encode_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[list[int]]:
        """Returns the ids of many texts; see `PoolClient.encode_batch`."""
        lists: list[list[int]]
        lists = await self._ask_texts(LISTS, texts, allowed_special, disallowed_special)
        return lists

    async def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Returns the ids of a text in an array; see `PoolClient.encode_to_numpy`."""
        form = self._session.array_form(dtype, append, out)
        special = allowed_special, disallowed_special
        return form.place(await self._ask_texts(ARRAY, [text], *special, form.append))

    async def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Returns the ids of many texts in one array; see `PoolClient.encode_batch_to_numpy`."""
        form = self._session.array_form(dtype, append, out)
        special = allowed_special, disallowed_special
        ids, offsets = await self._ask_texts(ARRAYS, texts, *special, form.append)
        return form.place(ids), offsets

    async def count(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> int:
        """Returns how many tokens a text has; see `PoolClient.count`."""
        return int(await self._ask_texts(NUMBER, [text], allowed_special, disallowed_special))

    async def count_batch(
        self,
        texts: Iterable[str],
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Returns how many tokens each of many texts has; see `PoolClient.count_batch`."""
        counts: list[int]
        counts = await self._ask_texts(NUMBERS, texts, allowed_special, disallowed_special)
        return counts

    async def decode(
        self,
        ids: Ids,
        errors: str = "replace",
        *,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> str:
        """Returns the text of ids; see `PoolClient.decode`."""
        connection = await self._connected()
        done = anyio.Event()
        reply = Reply(LoopWaiter(self._loop(), done.set))
        decoding = Decoding(errors, skip_special, unknown)
        call = decode_call(ids, decoding, connection.largest, reply)
        await self._ask([call], connection, reply, done)
        return str(result_of(reply, TEXT))

    async def _ask_texts(
        self,
        form: Form,
        texts: Iterable[str],
        allowed: Allowed,
        disallowed: Disallowed,
        append: int | None = None,
    ) -> Any:
        connection = await self._connected()
        done = anyio.Event()
        reply = Reply(LoopWaiter(self._loop(), done.set))
        options = pack_options(allowed, disallowed, append)
        calls = text_calls(form, texts, options, connection.largest, reply)
        if calls:
            await self._ask(calls, connection, reply, done)
        return result_of(reply, form)

    async def _ask(
        self, calls: list[StatelessCall], connection: Connection, reply: Reply, done: anyio.Event
    ) -> None:
        """Sends calls, and waits for all answers."""
        try:
            self._session.send(calls, connection)
            await done.wait()
        except BaseException:  # the task was cancelled
            connection.send_path.withdraw(reply)
            raise

    async def _wait_for_room(self, connection: Connection) -> None:
        room = anyio.Event()
        connection.send_path.wait_for_room(LoopWaiter(self._loop(), room.set))
        await room.wait()

    # ---- streams ----------------------------------------------------------------------------

    async def open_stream(self, request_id: Hashable) -> None:
        """Opens a stream; see `PoolClient.open_stream`."""
        (await self._connected()).streams.open(request_id)

    async def feed(self, request_id: Hashable, ids: int | Ids) -> str:
        """Takes the next ids of a stream; see `PoolClient.feed`."""
        connection = await self._connected()
        (feeds,) = connection.streams.feeds_of([request_id], [ids])
        return await self._gathering(connection).feed(feeds)

    async def feed_many(self, ids: Mapping[Any, int | Ids]) -> dict[Any, str]:
        """Takes the next ids of many streams; see `PoolClient.feed_many`."""
        connection = await self._connected()
        parts = connection.streams.feeds_of(*names_and_ids(ids))
        return texts_of(await self._send_feeds(connection, FEED, parts), parts)

    async def close(self, request_id: Hashable) -> str:
        """Ends a stream; see `PoolClient.close`."""
        return (await self.close_many([request_id]))[request_id]

    async def close_many(self, request_ids: Iterable[Any]) -> dict[Any, str]:
        """Ends many streams; see `PoolClient.close_many`."""
        connection = await self._connected()
        parts = connection.streams.closing(request_ids)
        return texts_of(await self._send_feeds(connection, CLOSE, parts), parts)

    async def _send_feeds(self, connection: Connection, kind: int, parts: list[Feeds]) -> Reply:
        done = anyio.Event()
        reply = Reply(LoopWaiter(self._loop(), done.set), 1)
        for place, feeds in enumerate(parts):
            while len(feeds) and not connection.send_path.try_streams(kind, feeds, reply):
                if place == 0 and kind == FEED:
                    self._session.check_full()
                await self._wait_for_room(connection)
        reply.answered()
        await done.wait()
        return reply
