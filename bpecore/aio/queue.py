"""A bounded queue of work for a few threads, whose results event loops wait for.

Callers in any number of asyncio and trio loops share one queue. Each call is a `Request`, which
belongs to the queue rather than to its caller, so that cancelling one caller does not affect others
that wait for the same request.

    new ─► waiting for a slot, while the queue is full ─► pending ─► on a thread ─► done

A request holds a slot of the queue while it is pending or on a thread. If all its callers are
cancelled before a thread has taken it, it is dropped and its slot is free at once. A thread
finishes what it started.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Callable

from bpecore._core import locked
from bpecore._services.loops import Loop  # first: it says how to install anyio

# isort: split
import anyio
import anyio.to_thread

# The most a thread takes at once. Results are handed over together, so this bounds how long a
# short text waits for the others.
SHARE_REQUESTS = 64
SHARE_CHARACTERS = 1 << 18


class QueueFullError(RuntimeError):
    """The queue is full, and the encoder raises instead of waiting."""


class EncoderClosedError(RuntimeError):
    """The encoder is closed."""


class QueuedCaller:
    """One caller that waits for a request."""

    __slots__ = ("event", "loop")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.event = anyio.Event()


class Request:
    """Work for a thread, and its outcome.

    Attributes:
        key: equal requests have equal keys; a request with None equals no other.
        work: what to do.
        characters: the length of its text.
        callers: the callers that still wait for it.
        result: what `work` returned.
        error: what `work` raised, or why it was not done.
    """

    __slots__ = ("callers", "characters", "error", "key", "result", "work")

    def __init__(self, key: Hashable | None, work: Callable[[], Any], characters: int) -> None:
        self.key = key
        self.work = work
        self.characters = characters
        self.callers: list[QueuedCaller] = []
        self.result: Any = None
        self.error: BaseException | None = None


class WorkQueue:
    """The queue and its threads. Safe from any number of threads and event loops.

    Args:
        workers: number of threads.
        slots: maximum number of requests that are pending or on a thread.
        wait_if_full: whether callers wait for a slot or get `QueueFullError`.
        finished: called with each request that has succeeded, under `lock`.

    Attributes:
        lock: guards the queue's state; held only briefly.
        depth: slots taken now.
        added: requests so far.
        joined: callers so far that shared an equal request.
        rejected: callers so far that were refused because the queue was full.
        batches: how often a thread took requests, so far.
        closed: whether the queue is closed.
    """

    def __init__(
        self, workers: int, slots: int, wait_if_full: bool, finished: Callable[[Request], None]
    ) -> None:
        self.lock = self._lock = threading.Lock()
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
        self._slotless: OrderedDict[Request, None] = OrderedDict()
        self._by_key: dict[Hashable, Request] = {}
        self._busy = 0  # threads taking requests
        self._executor = self._new_executor()
        self._start_threads()

    def _new_executor(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._workers, thread_name_prefix="bpecore")

    def _start_threads(self) -> None:
        """Starts the threads now, so that no call has to."""
        all_started = threading.Event()
        with suppress(RuntimeError):  # no thread can start now; perhaps one can later
            for _ in range(self._workers):
                self._executor.submit(all_started.wait)
        all_started.set()

    def restart_in_child(self) -> None:
        """Drops what the parent's threads and callers were doing, after a fork. In the child."""
        self.lock._at_fork_reinit()  # type: ignore[attr-defined]
        self.depth = self._busy = 0
        self._pending.clear()
        self._slotless.clear()
        self._by_key.clear()
        if not self.closed:
            self._executor = self._new_executor()  # its threads start when there is work

    @property
    def waiting_for_slot(self) -> int:
        """Number of requests waiting for a slot."""
        return len(self._slotless)

    async def wait(self, loop: Loop, request: Request) -> Any:
        """Adds a request, or joins an equal one already there, and waits for its outcome.

        Threads see it once `start` is called, at the end of the loop's turn.

        Args:
            loop: the running loop.
            request: a new request.

        Returns:
            What its work returned.

        Raises:
            QueueFullError: the queue is full, and callers do not wait.
            EncoderClosedError: the queue is closed, or was closed during the wait.
            Exception: what its work raised; each caller gets a copy.
        """
        caller = QueuedCaller(loop)
        request = self._add_or_join(request, caller)
        try:
            await caller.event.wait()
        except BaseException:
            self._leave(request, caller)
            raise
        if request.error is not None:
            raise _copy_of(request.error)
        return request.result

    @locked
    def _add_or_join(self, request: Request, caller: QueuedCaller) -> Request:
        """Returns the request that the caller waits for: this one, or an equal one."""
        if self.closed:
            raise EncoderClosedError("the encoder is closed")
        same = None if request.key is None else self._by_key.get(request.key)
        if same is not None:
            request = same
            self.joined += 1
        else:
            self._add(request)
        request.callers.append(caller)
        return request

    def _add(self, request: Request) -> None:
        if self.depth < self._slots:
            self.depth += 1
            self._pending[request] = None
        elif self._wait_if_full:
            self._slotless[request] = None
        else:
            self.rejected += 1
            raise QueueFullError(f"the queue is full: {self._slots} texts wait or are encoded")
        self.added += 1
        if request.key is not None:
            self._by_key[request.key] = request

    @locked
    def _leave(self, request: Request, caller: QueuedCaller) -> None:
        """Removes a cancelled caller; drops the request if no other caller waits for it."""
        request.callers.remove(caller)
        if request.callers:
            return
        if request in self._pending:
            del self._pending[request]
            self._free_slot()
        elif request in self._slotless:
            del self._slotless[request]
        else:
            return  # on a thread, or done
        self._forget_key(request)

    def _forget_key(self, request: Request) -> None:
        if request.key is not None:
            del self._by_key[request.key]

    def _free_slot(self) -> None:
        """Gives a slot to the first request waiting for one, or back to the queue."""
        if self._slotless:
            request, _ = self._slotless.popitem(last=False)
            self._pending[request] = None
        else:
            self.depth -= 1

    def start(self) -> None:
        """Makes threads take the pending requests."""
        for _ in range(self._claim_threads()):
            try:
                self._executor.submit(self._take_until_empty)
            except RuntimeError as error:  # no thread can start, or the interpreter is exiting
                _wake(self._give_up_thread(error))

    @locked
    def _claim_threads(self) -> int:
        wanted = max(min(self._workers - self._busy, len(self._pending)), 0)
        self._busy += wanted
        return wanted

    @locked
    def _give_up_thread(self, error: BaseException) -> list[QueuedCaller]:
        self._busy -= 1
        return [] if self._busy else self._strand(error)

    def _take_until_empty(self) -> None:
        while share := self._take_share():
            for request in share:
                try:
                    request.result = request.work()
                except BaseException as error:  # any exception is raised in the callers
                    request.error = error
            _wake(self._finish_all(share))

    @locked
    def _take_share(self) -> list[Request]:
        """Takes one thread's share of the pending requests; with none, the thread is not busy."""
        limit = min(-(-len(self._pending) // self._workers), SHARE_REQUESTS)
        share: list[Request] = []
        characters = 0
        while len(share) < limit:
            request = next(iter(self._pending))
            characters += request.characters
            if share and characters > SHARE_CHARACTERS:
                break
            del self._pending[request]
            share.append(request)
        self.batches += bool(share)
        self._busy -= not share
        return share

    @locked
    def _finish_all(self, share: list[Request]) -> list[QueuedCaller]:
        return [caller for request in share for caller in self._finish(request)]

    def _finish(self, request: Request) -> list[QueuedCaller]:
        """Ends a request that was on a thread; returns the callers to wake."""
        self._forget_key(request)
        self._free_slot()
        if request.error is None:
            with suppress(MemoryError):  # the callers have their result anyway
                self._finished(request)
        return request.callers

    def close(self) -> None:
        """Ends waiting and later requests with `EncoderClosedError`; running ones finish."""
        _wake(self._refuse_all())
        self._executor.shutdown(wait=False)

    @locked
    def _refuse_all(self) -> list[QueuedCaller]:
        self.closed = True
        return self._strand(EncoderClosedError("the encoder was closed"))

    async def wait_closed(self) -> None:
        """Waits until the threads have ended."""
        await anyio.to_thread.run_sync(self._executor.shutdown)

    def _strand(self, error: BaseException) -> list[QueuedCaller]:
        """Ends all requests that no thread has taken; returns the callers to wake."""
        callers: list[QueuedCaller] = []
        for request in (*self._pending, *self._slotless):
            request.error = error
            self._forget_key(request)
            callers += request.callers
        self.depth -= len(self._pending)
        self._pending.clear()
        self._slotless.clear()
        return callers


def _wake(callers: Iterable[QueuedCaller]) -> None:
    """Sets the callers' events, each in its loop, with one call per loop."""
    events: dict[Loop, list[anyio.Event]] = {}
    for caller in callers:
        events.setdefault(caller.loop, []).append(caller.event)
    for loop, ours in events.items():
        with suppress(RuntimeError):  # the loop has ended, and its callers with it
            loop.call_soon_from_thread(_set_all, ours)


def _set_all(events: list[anyio.Event]) -> None:
    for event in events:
        event.set()


def _copy_of(error: BaseException) -> BaseException:
    """Returns an equal exception: several callers raising the same one would mix tracebacks."""
    try:
        duplicate = copy.copy(error)
    except Exception:
        return error
    return duplicate if type(duplicate) is type(error) else error
