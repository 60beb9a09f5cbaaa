"""What event loops need beside the blocking forms: tasks that wait, and their feeds gathered.

Needs the extra `aio`.
"""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import suppress
from typing import Callable

from bpecore._services.loops import Loop  # first: it says how to install anyio

# isort: split
import anyio

from bpecore._core import Stream
from bpecore.pool.client.calls import Reply
from bpecore.pool.client.connection import Connection
from bpecore.pool.client.requests import single_text_of
from bpecore.pool.client.streams import Feeds
from bpecore.pool.wire.messages import FEED


class LoopWaiter:
    """A task, or any call in a loop's thread, that waits for what another thread will tell."""

    def __init__(self, loop: Loop, call: Callable[[], object]) -> None:
        self._loop = loop
        self._call = call

    def wake(self) -> None:
        """Has the call made in the loop's thread; called by any thread, once."""
        with suppress(RuntimeError):  # the loop has ended, and with it the task
            self._loop.call_soon_from_thread(self._call)


class Batch:
    """What streams are fed in one turn of the loop, each of them once.

    Attributes:
        feeds: the streams and their ids.
        done: set when all are answered, or have failed.
        reply: the answers.
        error: why nothing was sent.
    """

    def __init__(self) -> None:
        self.feeds = Feeds([], [], array("I"))
        self.streams: set[Stream] = set()
        self.done = anyio.Event()
        self.reply: Reply | None = None
        self.error: Exception | None = None

    def add(self, feeds: Feeds) -> None:
        """Adds one stream."""
        (stream,) = feeds.streams
        self.feeds.add(stream, feeds.ids)
        self.streams.add(stream)


class Gathering:
    """Gathers what the tasks of a loop feed, so that it goes out in few messages.

    Args:
        loop: the loop.
        connection: where to send it.
        check_full: raises `PoolBusy` if callers are not to wait for room.
    """

    def __init__(self, loop: Loop, connection: Connection, check_full: Callable[[], None]) -> None:
        self.connection = connection
        self._loop = loop
        self._check_full = check_full
        self._batches: deque[Batch] = deque()
        self._is_due = False

    async def feed(self, feeds: Feeds) -> str:
        """Feeds one stream; returns its new text."""
        (stream,) = feeds.streams
        batch = self._batch_for(stream, len(feeds.ids))
        batch.add(feeds)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send)
        await batch.done.wait()
        if batch.error is not None:
            raise batch.error
        assert batch.reply is not None
        return single_text_of(batch.reply, stream)

    def _batch_for(self, stream: Stream, ids: int) -> Batch:
        if self._batches:
            batch = self._batches[-1]
            numbers = len(batch.feeds.ids) + ids + 2 * (len(batch.feeds) + 1)
            if stream not in batch.streams and 8 * numbers <= self.connection.largest:
                return batch
        self._batches.append(Batch())
        return self._batches[-1]

    def _send(self) -> None:
        """Sends what has gathered, in order; runs at the end of a turn, and when there is room."""
        self._is_due = False
        while self._batches:
            batch = self._batches[0]
            reply = Reply(LoopWaiter(self._loop, batch.done.set), 1)
            try:
                if not self.connection.try_streams(FEED, batch.feeds, reply):
                    self._check_full()
                    self._is_due = True
                    self.connection.wait_for_room(LoopWaiter(self._loop, self._send))
                    return
            except Exception as error:  # told to those who wait
                batch.error = error
                batch.done.set()
            else:
                batch.reply = reply
                reply.answered()
            self._batches.popleft()
