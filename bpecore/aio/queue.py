"""A bounded queue of work for a few threads, whose results event loops wait for.

Callers of any number of event loops, asyncio's and trio's, share one queue. What a caller asks
for is a `Request`. It belongs to the queue and to no caller, so a caller that is cancelled takes
nothing from the others that wait for the same request.

    new ─► line, while the queue is full ─► pending ─► on a thread ─► done

A request takes a slot of the queue from `pending` to `done`. If all that waited for it are
cancelled before a thread has taken it, it is dropped and its slot is free at once. What a thread
has begun it ends.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Callable

from bpecore._services.loops import Loop  # first: it says how to install anyio

# isort: split
import anyio
import anyio.to_thread

# What a thread takes at once, at most: results are handed over together, so this bounds how long
# a short text waits for the others.
BATCH_REQUESTS = 64
BATCH_CHARACTERS = 1 << 18


class QueueFullError(RuntimeError):
    """The queue is full, and the encoder was told to say so instead of waiting."""


class EncoderClosedError(RuntimeError):
    """The encoder is closed."""


class Waiter:
    """One caller that waits for a request."""

    __slots__ = ("event", "loop")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.event = anyio.Event()


class Request:
    """Work for a thread, and its outcome.

    Attributes:
        key: equal requests have equal keys; None equals nothing.
        work: what to do.
        characters: how much of it there is.
        waiters: the callers that still want it.
        result: what `work` returned.
        error: what `work` raised, or why it was not done.
    """

    __slots__ = ("characters", "error", "key", "result", "waiters", "work")

    def __init__(self, key: Hashable | None, work: Callable[[], Any], characters: int) -> None:
        self.key = key
        self.work = work
        self.characters = characters
        self.waiters: list[Waiter] = []
        self.result: Any = None
        self.error: BaseException | None = None


class WorkerQueue:
    """The queue and its threads. Safe from any number of threads and event loops.

    Args:
        workers: threads.
        slots: requests that may be pending or on a thread.
        wait_if_full: whether callers wait for a slot, else `QueueFullError`.
        finished: called with each request that has been done, under `lock`.

    Attributes:
        lock: guards all that is here; nothing long is done under it.
        depth: slots taken.
        added: requests.
        joined: callers that found an equal request and shared it.
        rejected: callers refused because the queue was full.
        batches: how often a thread took requests.
    """

    def __init__(
        self, workers: int, slots: int, wait_if_full: bool, finished: Callable[[Request], None]
    ) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.added = 0
        self.joined = 0
        self.rejected = 0
        self.batches = 0
        self.closed = False
        self._workers = workers
        self._slots = slots
        self._wait_if_full = wait_if_full
        self._finished = finished
        self._pending: OrderedDict[Request, None] = OrderedDict()
        self._line: OrderedDict[Request, None] = OrderedDict()
        self._by_key: dict[Hashable, Request] = {}
        self._busy = 0  # threads that take requests
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="bpecore")

    @property
    def line_length(self) -> int:
        """Requests that wait for a slot."""
        return len(self._line)

    async def wait(self, loop: Loop, request: Request) -> Any:
        """Adds a request, or joins the equal one that is there, and waits for its outcome.

        The threads are told of it by `start`, which is to be called at the end of the loop's turn.

        Args:
            loop: the loop that runs.
            request: a new request.

        Returns:
            What its work returned.

        Raises:
            QueueFullError: the queue is full, and callers are not to wait.
            EncoderClosedError: the queue is closed, or was while this waited.
            Exception: what its work raised; each caller gets a copy.
        """
        waiter = Waiter(loop)
        with self.lock:
            if self.closed:
                raise EncoderClosedError("the encoder is closed")
            same = None if request.key is None else self._by_key.get(request.key)
            if same is not None:
                request = same
                self.joined += 1
            else:
                self._add(request)
            request.waiters.append(waiter)
        try:
            await waiter.event.wait()
        except BaseException:
            self._leave(request, waiter)
            raise
        if request.error is not None:
            raise _copy_of(request.error)
        return request.result

    def _add(self, request: Request) -> None:
        if self.depth < self._slots:
            self.depth += 1
            self._pending[request] = None
        elif self._wait_if_full:
            self._line[request] = None
        else:
            self.rejected += 1
            raise QueueFullError(f"the queue is full: {self._slots} texts wait or are encoded")
        self.added += 1
        if request.key is not None:
            self._by_key[request.key] = request

    def _leave(self, request: Request, waiter: Waiter) -> None:
        """Takes a cancelled caller off a request, and drops the request if nobody is left."""
        with self.lock:
            request.waiters.remove(waiter)
            if request.waiters:
                return
            if request in self._pending:
                del self._pending[request]
                self._free_slot()
            elif request in self._line:
                del self._line[request]
            else:
                return  # on a thread, or done
            self._forget_key(request)

    def _forget_key(self, request: Request) -> None:
        if request.key is not None:
            del self._by_key[request.key]

    def _free_slot(self) -> None:
        """Gives a slot to the first in the line, or back."""
        if self._line:
            request, _ = self._line.popitem(last=False)
            self._pending[request] = None
        else:
            self.depth -= 1

    # ---- threads ----------------------------------------------------------------------------

    def start(self) -> None:
        """Sees to it that threads take what is pending."""
        with self.lock:
            wanted = min(self._workers - self._busy, len(self._pending))
            self._busy += max(wanted, 0)
        for _ in range(wanted):
            try:
                self._executor.submit(self._take_until_empty)
            except RuntimeError as error:  # no thread can be started, or the interpreter ends
                with self.lock:
                    self._busy -= 1
                    stranded = [] if self._busy else self._strand(error)
                _wake(stranded)

    def _take_until_empty(self) -> None:
        while True:
            with self.lock:
                batch = self._take_batch()
                if not batch:
                    self._busy -= 1
                    return
            for request in batch:
                try:
                    request.result = request.work()
                except BaseException as error:  # told to those who wait, whatever it is
                    request.error = error
            with self.lock:
                waiters = [waiter for request in batch for waiter in self._finish(request)]
            _wake(waiters)

    def _take_batch(self) -> list[Request]:
        """Takes a fair share of what is pending."""
        share = min(-(-len(self._pending) // self._workers), BATCH_REQUESTS)
        batch: list[Request] = []
        characters = 0
        while len(batch) < share:
            request = next(iter(self._pending))
            characters += request.characters
            if batch and characters > BATCH_CHARACTERS:
                break
            del self._pending[request]
            batch.append(request)
        self.batches += bool(batch)
        return batch

    def _finish(self, request: Request) -> list[Waiter]:
        """Ends a request that was on a thread; returns those to wake."""
        self._forget_key(request)
        self._free_slot()
        if request.error is None:
            with suppress(MemoryError):  # those who wait have their result all the same
                self._finished(request)
        return request.waiters

    # ---- the end ----------------------------------------------------------------------------

    def close(self) -> None:
        """Refuses what comes, ends what waits with `EncoderClosedError`; what runs goes on."""
        with self.lock:
            self.closed = True
            stranded = self._strand(EncoderClosedError("the encoder was closed"))
        _wake(stranded)
        self._executor.shutdown(wait=False)

    async def wait_closed(self) -> None:
        """Waits until the threads have ended."""
        await anyio.to_thread.run_sync(self._executor.shutdown)

    def _strand(self, error: BaseException) -> list[Waiter]:
        """Ends all that no thread has taken; returns those to wake."""
        waiters: list[Waiter] = []
        for request in (*self._pending, *self._line):
            request.error = error
            self._forget_key(request)
            waiters += request.waiters
        self.depth -= len(self._pending)
        self._pending.clear()
        self._line.clear()
        return waiters


def _wake(waiters: Iterable[Waiter]) -> None:
    """Sets the waiters' events, each in its loop, with one call a loop."""
    events: dict[Loop, list[anyio.Event]] = {}
    for waiter in waiters:
        events.setdefault(waiter.loop, []).append(waiter.event)
    for loop, ours in events.items():
        with suppress(RuntimeError):  # the loop has ended, and with it those who waited
            loop.call_soon_from_thread(_set_all, ours)


def _set_all(events: list[anyio.Event]) -> None:
    for event in events:
        event.set()


def _copy_of(error: BaseException) -> BaseException:
    """Returns an equal exception: several callers cannot raise one without mixing tracebacks."""
    try:
        duplicate = copy.copy(error)
    except Exception:
        return error
    return duplicate if type(duplicate) is type(error) else error
