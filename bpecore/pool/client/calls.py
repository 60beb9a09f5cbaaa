"""What a client asks of workers, and who waits for it.

A `Call` is one message to one worker. The client keeps it until it is answered, so that it can be
sent again if the worker dies. A `Reply` is what one caller waits for: the answers of one or several
calls. Answers are read by the client's reader thread alone.
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

from bpecore._core import Stream, cut_texts, note_ids, slots_of
from bpecore.pool.wire.messages import FEED, GOES_ON, ONE_EACH, REQUEST, Part, rebuild_error

ATTEMPTS = 5
"""How many workers may die with a request before it is given up: it may be what kills them."""


class Waiter(Protocol):
    """Who waits for something that another thread will tell."""

    def wake(self) -> None:
        """Tells it."""


class BlockingWaiter:
    """A thread that waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """Lets the thread go on; called once."""
        self._lock.release()

    def wait(self) -> None:
        """Blocks until `wake` has been called; to be called once."""
        self._lock.acquire()


class Reply:
    """What one caller waits for.

    Args:
        waiter: the caller.
        answers: how many it needs; `expect` adds to them.

    Attributes:
        results: of stateless calls by their place among the caller's, as `Form.read` makes them.
        texts: of fed streams.
        errors: of streams that were not fed.
        error: why there is no result; of several, the one of the first call.
    """

    def __init__(self, waiter: Waiter, answers: int = 0) -> None:
        self._waiter = waiter
        self._lock = threading.Lock()
        self._remaining = answers
        self.results: dict[int, Any] = {}
        self.texts: dict[Stream, str] = {}
        self.errors: dict[Stream, Exception] = {}
        self.error: Exception | None = None
        self._error_place = 0

    def fail(self, place: int, error: Exception) -> None:
        """Notes that a call failed."""
        if self.error is None or place < self._error_place:
            self.error, self._error_place = error, place

    def expect(self, answers: int) -> None:
        """Notes that so many more answers are needed."""
        with self._lock:
            self._remaining += answers

    def answered(self) -> None:
        """Notes that one more answer is there; at the last, wakes the caller."""
        with self._lock:
            self._remaining -= 1
            is_last = self._remaining == 0
        if is_last:
            self._waiter.wake()


class Call(ABC):
    """One message to a worker.

    Attributes:
        kind: FEED … DECODE.
        count: streams, texts or ids.
        tokens: how much work it is.
        length: bytes of the message.
        number: under which it was sent last.
        attempts: how many workers died with it.
        reply: who waits; None: nobody.
    """

    kind: int
    count: int
    tokens: int
    length: int
    number = 0
    attempts = 0
    reply: Reply | None

    @abstractmethod
    def parts(self, number: int) -> list[Part]:
        """Returns the message as it is to be sent now, under a number."""

    @abstractmethod
    def take(self, body: memoryview, extra: int) -> None:
        """Takes the answer; `body` is in the ring, and only valid during the call."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """Takes an error for an answer."""

    def _header(self, number: int, flags: int, extra: int) -> bytes:
        return REQUEST.pack(
            self.kind, flags, self.count, number, time.monotonic_ns(), self.tokens, extra
        )


class Form(NamedTuple):
    """What is asked of any worker, and how its answer is read.

    Attributes:
        kind: ENCODE, COUNT or DECODE.
        flags: STRICT or 0.
        read: makes a result of the answer's bytes, which are the ring's, and the call's count.
    """

    kind: int
    flags: int
    read: Callable[[memoryview, int], Any]


class StatelessCall(Call):
    """A call that any worker can answer.

    Args:
        form: what is asked.
        count: texts or ids.
        tokens: how much work it is.
        body: the message behind its header, in pieces.
        extra: bytes of what stands at the message's end.
        reply: who waits.
        place: this call's among the caller's.
        goes_on: whether the caller's last call is another one.
    """

    def __init__(
        self,
        form: Form,
        count: int,
        tokens: int,
        body: Sequence[Part],
        extra: int,
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
        self._extra = extra
        self._form = form
        self._place = place
        self._flags = form.flags | (GOES_ON if goes_on else 0)

    def parts(self, number: int) -> list[Part]:
        """Returns the message."""
        self.number = number
        return [self._header(number, self._flags, self._extra), *self._body]

    def take(self, body: memoryview, extra: int) -> None:
        """Takes the answer, as the caller wants it."""
        self._caller.results[self._place] = self._form.read(body, self.count)
        self._caller.answered()

    def fail(self, error: Exception) -> None:
        """Takes an error for an answer."""
        self._caller.fail(self._place, error)
        self._caller.answered()


class StreamCall(Call):
    """A call for streams of one worker.

    Args:
        kind: FEED, CLOSE or RESTORE.
        streams: the streams, each of them once.
        counts: how many ids each gets; None: one.
        ids: those of all streams behind each other.
        reply: who waits; None for RESTORE, whose answer is empty.
    """

    def __init__(
        self,
        kind: int,
        streams: list[Stream],
        counts: list[int] | None,
        ids: array[int],
        reply: Reply | None,
    ) -> None:
        self.kind = kind
        self.streams = streams
        self.counts = counts
        self.ids = ids
        self.reply = reply
        self.count = len(streams)
        self.tokens = len(ids)
        numbers = len(streams) + len(ids) + (0 if counts is None else len(streams))
        self.length = REQUEST.size + 4 * numbers

    def parts(self, number: int) -> list[Part]:
        """Returns the message, with the slots that the streams have now."""
        self.number = number
        flags = ONE_EACH if self.counts is None and self.kind == FEED else 0
        parts: list[Part] = [self._header(number, flags, 0), slots_of(self.streams)]
        if self.counts is not None:
            parts.append(_bytes_of(array("I", self.counts)))
        parts.append(_bytes_of(self.ids))
        return parts

    def take(self, body: memoryview, extra: int) -> None:
        """Takes the texts, and notes what would be needed to build the streams anew."""
        reply = self.reply
        if reply is None:
            return
        streams = self.streams
        end = 4 * len(streams)
        lengths = body[:end]
        joined = str(body[end : len(body) - extra], "utf-8", "surrogatepass")
        if extra:
            for place, described in json.loads(bytes(body[len(body) - extra :])):
                reply.errors[streams[place]] = rebuild_error(described)
        cut_texts(streams, lengths, joined, reply.texts)
        if self.kind == FEED:
            note_ids(streams, self.counts, self.ids, lengths)
        reply.answered()

    def fail(self, error: Exception) -> None:
        """Takes an error for all its streams."""
        if self.reply is not None:
            self.reply.errors.update(zip(self.streams, repeat(error)))
            self.reply.answered()


def _bytes_of(numbers: array[int]) -> memoryview:
    return memoryview(numbers).cast("B")
