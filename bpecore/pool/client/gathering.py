"""Gathers what the tasks of an event loop feed in one turn, so that it goes out in few messages."""

from __future__ import annotations

from array import array
from collections import deque
from typing import Callable

from bpecore._core import Stream
from bpecore._services.loops import Loop  # first: it says how to install anyio

# isort: split
import anyio

from bpecore.pool.client.calls import Reply
from bpecore.pool.client.connection import Connection
from bpecore.pool.client.loop_waiter import LoopWaiter
from bpecore.pool.client.requests import single_text_of
from bpecore.pool.client.streams import Feeds
from bpecore.pool.wire.messages import FEED


class GatheredFeeds:
    """What streams are fed in one turn of the loop, each once.

    Attributes:
        feeds: the streams and their ids.
        done: set when all are answered or have failed.
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
        check_full: raises `PoolBusy` if callers do not wait for room.
    """

    def __init__(self, loop: Loop, connection: Connection, check_full: Callable[[], None]) -> None:
        self.connection = connection
        self._loop = loop
        self._check_full = check_full
        self._gathered: deque[GatheredFeeds] = deque()
        self._is_due = False

    async def feed(self, feeds: Feeds) -> str:
        """Feeds one stream; returns its new text."""
        (stream,) = feeds.streams
        gathered = self._gathered_for(stream, len(feeds.ids))
        gathered.add(feeds)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send)
        await gathered.done.wait()
        if gathered.error is not None:
            raise gathered.error
        assert gathered.reply is not None
        return single_text_of(gathered.reply, stream)

    def _gathered_for(self, stream: Stream, ids: int) -> GatheredFeeds:
        if self._gathered:
            gathered = self._gathered[-1]
            numbers = len(gathered.feeds.ids) + ids + 2 * (len(gathered.feeds) + 1)
            if stream not in gathered.streams and 8 * numbers <= self.connection.largest:
                return gathered
        self._gathered.append(GatheredFeeds())
        return self._gathered[-1]

    def _send(self) -> None:
        """Sends what was gathered, in order; runs at the end of a turn and when there is room."""
        self._is_due = False
        while self._gathered:
            gathered = self._gathered[0]
            reply = Reply(LoopWaiter(self._loop, gathered.done.set), 1)
            try:
                if not self.connection.send_path.try_streams(FEED, gathered.feeds, reply):
                    self._check_full()
                    self._is_due = True
                    self.connection.send_path.wait_for_room(LoopWaiter(self._loop, self._send))
                    return
            except Exception as error:  # raised in those who wait
                gathered.error = error
                gathered.done.set()
            else:
                gathered.reply = reply
                reply.answered()
            self._gathered.popleft()
