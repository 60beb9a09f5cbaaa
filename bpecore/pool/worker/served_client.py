"""A client as its worker sees it: what waits to be done for it, and the answers it gets."""

from __future__ import annotations

from collections import deque

from bpecore._core import SlotDecoders
from bpecore.pool.wire.channel import Channel
from bpecore.pool.wire.messages import (
    ANSWER_HEADER,
    GOES_ON,
    PARTIAL,
    Fragment,
    RequestHeader,
)
from bpecore.pool.worker.answers import Answer

NOTIFIED_TOGETHER = 4
"""How many answers of a batch a client is woken for together, while as many of its requests wait
here. Each wake takes the processor from a worker (docs/decisions/pool-messages.md)."""


class ServedClient:
    """A client as its worker sees it.

    Args:
        channel: the shared memory.
        decoders: its streams.

    Attributes:
        answered_tokens: the tokens of all requests that were ever answered.
        outbox: messages that did not fit into its ring yet; until they do, no more of its requests
            are taken.
        set_aside: its requests that wait: header, body in the ring, and where that begins.
    """

    def __init__(self, channel: Channel, decoders: SlotDecoders) -> None:
        self.channel = channel
        self.decoders = decoders
        self.answered_tokens = 0
        self.outbox: deque[tuple[list[Fragment], int]] = deque()
        self.set_aside: deque[tuple[RequestHeader, memoryview, int]] = deque()
        self._unannounced = 0
        self._is_awaited = False

    def release(self) -> None:
        """Gives back the room of answered requests, up to the first one that is not answered."""
        reader = self.channel.reader
        reader.release(self.set_aside[0][2] if self.set_aside else reader.cursor)

    def put(self, fragments: list[Fragment], length: int) -> None:
        """Writes a message, or keeps it until there is room."""
        if self.outbox or not self.channel.writer.write(fragments, length):
            self.outbox.append((fragments, length))

    def put_answer(self, kind: int, number: int, answer: Answer) -> None:
        """Writes an answer, in as many messages as it needs."""
        fragments = answer.fragments
        length = sum(map(len, fragments))
        room = self.channel.writer.largest - ANSWER_HEADER.size
        if length > room:
            whole = memoryview(b"".join(fragments))
            # Whole words, so that the joined answer is aligned.
            step = room // 8 * 8
            last = (length - 1) // step * step
            for start in range(0, last, step):
                header = ANSWER_HEADER.pack(PARTIAL, 0, number)
                self.put([header, whole[start : start + step]], len(header) + step)
            fragments, length = (whole[last:],), length - last
        header = ANSWER_HEADER.pack(kind, answer.extra, number)
        self.put([header, *fragments], len(header) + length)

    def flush(self) -> None:
        """Writes what did not fit before."""
        while self.outbox and self.channel.writer.write(*self.outbox[0]):
            self.outbox.popleft()

    def note(self, header: RequestHeader) -> None:
        """Notes that a request has been answered."""
        self.answered_tokens += header.tokens
        self._unannounced += 1
        self._is_awaited = self._is_awaited or not header.flags & GOES_ON

    def notify(self) -> None:
        """Wakes the client for its new answers, unless they can wait for more that come soon.

        They can if nobody waits for one of them alone, and there is room for more.
        """
        writer = self.channel.writer
        more_come = self._unannounced < NOTIFIED_TOGETHER <= len(self.set_aside)
        if self._is_awaited or not more_come or not writer.has_room(writer.largest):
            self._unannounced = 0
            self._is_awaited = self._is_awaited and bool(self.outbox)
            self.channel.notify()
