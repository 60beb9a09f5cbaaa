"""What a client asks of workers, and who waits for it.

A `Call` is one message to one worker. The client keeps it until it is answered, so that it can send
it again if the worker dies. A `Reply` is what one caller waits for: the answers to one or several
calls. Only the client's reader thread takes answers.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Callable, NamedTuple, Protocol

from bpecore._core import Stream, cut_texts, locked, note_ids, slots_of
from bpecore.pool.client.streams import Feeds
from bpecore.pool.wire.messages import (
    FEED,
    GOES_ON,
    ONE_EACH,
    REQUEST,
    Fragment,
    rebuild_error,
)

ATTEMPTS = 5
"""A request is given up after this many workers have died with it: it may be what kills them."""


class Waiter(Protocol):
    """Someone who waits for another thread."""

    def wake(self) -> None:
        """Ends the waiting; called once, by any thread."""


class BlockingWaiter:
    """A thread that waits. If a signal handler raises in it, nothing stays locked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """Lets the thread go on; called once."""
        self._lock.release()

    def wait(self, timeout: float = -1) -> None:
        """Blocks until `wake` is called, for at most `timeout` seconds; called once."""
        self._lock.acquire(timeout=timeout)


class Reply:
    """What one caller waits for.

    Args:
        waiter: the caller.
        answers: how many it needs; `expect` adds to them.

    Attributes:
        results: what `Form.read` returned for each stateless call, by its place among the
            caller's.
        texts: the texts of fed streams.
        errors: the errors of streams that were not fed.
        error: why there is no result; the first call's, if several failed.
        error_place: the place of the call that failed.
    """

    def __init__(self, waiter: Waiter, answers: int = 0) -> None:
        self._waiter = waiter
        self._lock = threading.Lock()
        self._remaining = answers
        self.results: dict[int, Any] = {}
        self.texts: dict[Stream, str] = {}
        self.errors: dict[Stream, Exception] = {}
        self.error: Exception | None = None
        self.error_place = 0

    def fail(self, place: int, error: Exception) -> None:
        """Notes that a call failed."""
        if self.error is None or place < self.error_place:
            self.error, self.error_place = error, place

    @locked
    def expect(self, answers: int) -> None:
        """Notes that more answers are needed."""
        self._remaining += answers

    def answered(self) -> None:
        """Notes that an answer has come; the last one wakes the caller."""
        if self._count_answer() == 0:
            self._waiter.wake()

    @locked
    def _count_answer(self) -> int:
        """Returns how many answers are still needed."""
        self._remaining -= 1
        return self._remaining


class Call(ABC):
    """One message to a worker.

    Attributes:
        kind: FEED … DECODE.
        count: streams, texts or ids.
        tokens: an estimate of the work.
        length: bytes of the message.
        number: the number it was last sent under.
        attempts: how many workers have died with it.
        reply: what the caller waits for; None: nobody waits.
    """

    kind: int
    count: int
    tokens: int
    length: int
    number = 0
    attempts = 0
    reply: Reply | None

    @abstractmethod
    def fragments(self, number: int) -> list[Fragment]:
        """Returns the message as it is now, to be sent under a number."""

    @abstractmethod
    def take(self, body: memoryview, extra: int) -> None:
        """Takes the answer; `body` lies in the ring and is valid only during the call."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """Takes an error as the answer."""

    def _header(self, number: int, flags: int, extra: int) -> bytes:
        return REQUEST.pack(
            self.kind, flags, self.count, number, time.monotonic_ns(), self.tokens, extra
        )


class Form(NamedTuple):
    """A kind of request that any worker can answer, and how its answer is read.

    Attributes:
        kind: ENCODE, COUNT or DECODE.
        single: whether the caller gave one text instead of a batch.
        read: makes a result from the answer's bytes, which lie in the ring, and the call's count.
        join: makes what the caller gets from the results of all calls, in order.
    """

    kind: int
    single: bool
    read: Callable[[memoryview, int], Any]
    join: Callable[[list[Any]], Any]


class StatelessCall(Call):
    """A call that any worker can answer.

    Args:
        form: the kind of request.
        count: texts or ids.
        tokens: an estimate of the work.
        body: the message after its header, in fragments; the last one is the extra part.
        reply: what the caller waits for.
        place: the index of the call's first text in the caller's batch.
        goes_on: whether the caller has more calls after this one.
    """

    def __init__(
        self,
        form: Form,
        count: int,
        tokens: int,
        body: Sequence[Fragment],
        reply: Reply,
        place: int = 0,
        goes_on: bool = False,
    ) -> None:
        self.kind = form.kind
        self.count = count
        self.tokens = tokens
        self.reply = reply
        self._caller = reply
        self.length = REQUEST.size + sum(map(len, body))
        self._body = body
        self._form = form
        self._place = place
        self._flags = GOES_ON if goes_on else 0

    def fragments(self, number: int) -> list[Fragment]:
        """Returns the message."""
        self.number = number
        return [self._header(number, self._flags, len(self._body[-1])), *self._body]

    def take(self, body: memoryview, extra: int) -> None:
        """Takes the answer in the form that the caller needs."""
        self._caller.results[self._place] = self._form.read(body, self.count)
        self._caller.answered()

    def fail(self, error: Exception) -> None:
        """Takes an error as the answer."""
        self._caller.fail(self._place, error)
        self._caller.answered()


class StreamCall(Call):
    """A call for streams of one worker.

    Args:
        kind: FEED, CLOSE or RESTORE.
        feeds: the streams and their ids.
        reply: what the caller waits for; None for RESTORE, whose answer is empty.
    """

    def __init__(self, kind: int, feeds: Feeds, reply: Reply | None) -> None:
        self.kind = kind
        self.feeds = feeds
        self.reply = reply
        self.count = len(feeds)
        self.tokens = len(feeds.ids)
        numbers = len(feeds) + len(feeds.ids) + (0 if feeds.counts is None else len(feeds))
        self.length = REQUEST.size + 4 * numbers

    def fragments(self, number: int) -> list[Fragment]:
        """Returns the message, with the slots that the streams have now."""
        self.number = number
        feeds = self.feeds
        flags = ONE_EACH if feeds.counts is None and self.kind == FEED else 0
        fragments: list[Fragment] = [self._header(number, flags, 0), slots_of(feeds.streams)]
        if feeds.counts is not None:
            fragments.append(_bytes_of(array("I", feeds.counts)))
        fragments.append(_bytes_of(feeds.ids))
        return fragments

    def take(self, body: memoryview, extra: int) -> None:
        """Takes the texts, and notes what could rebuild the streams at another worker."""
        reply = self.reply
        if reply is None:
            return
        streams = self.feeds.streams
        end = 4 * len(streams)
        lengths = body[:end]
        joined = str(body[end : len(body) - extra], "utf-8", "surrogatepass")
        if extra:
            for place, described in json.loads(bytes(body[len(body) - extra :])):
                reply.errors[streams[place]] = rebuild_error(described)
        cut_texts(streams, lengths, joined, reply.texts)
        if self.kind == FEED:
            note_ids(streams, self.feeds.counts, self.feeds.ids, lengths)
        reply.answered()

    def fail(self, error: Exception) -> None:
        """Takes an error as the answer for all its streams."""
        if self.reply is not None:
            self.reply.errors.update(zip(self.feeds.streams, repeat(error)))
            self.reply.answered()


def _bytes_of(numbers: array[int]) -> memoryview:
    return memoryview(numbers).cast("B")
