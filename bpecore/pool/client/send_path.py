"""The send path: from a caller's request to the rings of the workers.

Any number of threads send, one at a time under the lock. What has no room waits here until the
reader thread sends it, as answers make room: a caller with much to send waits only once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Callable

from bpecore._core import closed_among, locked
from bpecore.pool.client.assignments import Assignments
from bpecore.pool.client.calls import Call, Reply, StatelessCall, StreamCall, Waiter
from bpecore.pool.client.links import Link, by_link
from bpecore.pool.client.streams import Feeds, not_open
from bpecore.pool.errors import PoolClosedError, PoolError
from bpecore.pool.wire.messages import FEED


class SendPath:
    """What one client has to send.

    Args:
        largest: bytes of the largest request.
        max_inflight: messages that may be unanswered.
        wake_reader: makes the reader thread look for work; called by any thread.

    Attributes:
        lock: guards all of a client's state.
        assignments: what the workers have to do.
        closed: why the client is closed; None: it is not.
    """

    def __init__(self, largest: int, max_inflight: int, wake_reader: Callable[[], None]) -> None:
        self.lock = self._lock = threading.Lock()
        self.assignments = Assignments(largest, self.lock)
        self.closed: str | None = None
        self._max_inflight = max_inflight
        self._wake_reader = wake_reader
        self._unsent: deque[deque[StatelessCall]] = deque()  # of each caller
        self._waiters: deque[Waiter] = deque()
        self._given_up: str | None = None

    @property
    def is_idle(self) -> bool:
        """Whether everything has been sent and answered."""
        return self.assignments.inflight == 0 and not self._unsent

    def check_open(self) -> None:
        """Raises an error if nothing can be sent.

        Raises:
            PoolClosedError: the pool is closed.
            PoolError: no worker could be started.
        """
        if self.closed is not None:
            raise PoolClosedError(self.closed)
        if self._given_up is not None:
            raise PoolError(self._given_up)

    # ---- any thread ------------------------------------------------------------------------

    @locked
    def ask(self, calls: Iterable[StatelessCall], is_patient: bool, /) -> bool:
        """Sends calls to the least busy workers, in order: now, or when there is room.

        Args:
            calls: those of one caller, at least one.
            is_patient: whether the first may wait for room; the others always may.

        Returns:
            Whether they will be sent; False if there is no room and the caller is not patient.

        Raises:
            PoolClosedError: the pool is closed.
            PoolError: no worker could be started.
        """
        self.check_open()
        unsent = deque(calls)
        if not is_patient:
            if not self._try(unsent[0]):
                return False
            unsent.popleft()
        # Only this caller's: the thread may be interrupted between one call and the next.
        if not self._unsent and not self._waiters:
            while unsent and self._try(unsent[0]):
                unsent.popleft()
        if unsent:
            self._unsent.append(unsent)
        return True

    @locked
    def withdraw(self, reply: Reply) -> None:
        """Drops the unsent calls of a caller that no longer waits."""
        self._unsent = deque(calls for calls in self._unsent if calls[0].reply is not reply)

    @locked
    def try_streams(self, kind: int, feeds: Feeds, reply: Reply) -> bool:
        """Sends what streams are fed to the workers that have them: all of it or nothing.

        A stream that another thread or task has closed since it was looked up gets an error
        instead, because its slot at the worker may belong to another stream by now.

        Returns:
            Whether there was room.

        Raises:
            PoolClosedError: the pool is closed.
            PoolError: no worker could be started.
        """
        self.check_open()
        if not self.assignments.has_workers:
            return False
        if kind == FEED and (closed := closed_among(feeds.streams)):
            feeds = feeds.without(set(closed))
            for stream in closed:
                reply.errors[stream] = not_open(stream.name)
        calls = [(link, StreamCall(kind, part, reply)) for link, part in by_link(feeds).items()]
        if not all(link.has_room(call.length) for link, call in calls):
            return False
        if not self._may_send(len(calls)):
            return False
        reply.expect(len(calls))
        for link, call in calls:
            self._send(link, call)
        return True

    def wait_for_room(self, waiter: Waiter) -> None:
        """Wakes a waiter once there may be room again."""
        if not self._add_waiter(waiter):
            waiter.wake()

    @locked
    def _add_waiter(self, waiter: Waiter) -> bool:
        """Adds a waiter unless it would wait in vain; returns whether it was added."""
        is_open = self.closed is None and self._given_up is None
        if is_open and (self.assignments.inflight or not self.assignments.has_workers):
            self._waiters.append(waiter)
            return True
        return False

    def _try(self, call: StatelessCall) -> bool:
        """Sends a call if there is room."""
        if not self.assignments.has_workers:
            return False
        link = self.assignments.least_loaded()
        if not self._may_send(1) or not link.has_room(call.length):
            return False
        self._send(link, call)
        return True

    def _send(self, link: Link, call: Call) -> None:
        """Sends a call; if a signal handler raises meanwhile, the reader thread finishes it."""
        try:
            link.send(call)
        except BaseException:
            self._wake_reader()
            raise

    def _may_send(self, calls: int) -> bool:
        inflight = self.assignments.inflight
        return inflight == 0 or inflight + calls <= self._max_inflight

    # ---- the reader thread, which no signal handler interrupts -----------------------------

    def use_room(self) -> None:
        """Wakes those who wait for room, and sends what is unsent."""
        for waiter in self._take_waiters():
            waiter.wake()

    @locked
    def _take_waiters(self) -> Collection[Waiter]:
        """Returns who waits for room, and sends what is unsent if nobody does.

        A waiter has a stream to feed and goes first: the unsent calls wait for the next answer.
        """
        waiters, self._waiters = self._waiters, deque()
        if not waiters or self.assignments.inflight == 0:
            # One call of each caller in turn.
            while self._unsent and self._try(self._unsent[0][0]):
                calls = self._unsent.popleft()
                calls.popleft()
                if calls:
                    self._unsent.append(calls)
        return waiters

    @locked
    def add_link(self, link: Link) -> None:
        """Takes a new worker into use."""
        self._given_up = None
        self.assignments.add_link(link)

    @locked
    def drain(self, why: str) -> None:
        """Refuses new requests; those that are here go on."""
        self.closed = why

    def give_up(self, why: str) -> None:
        """Fails everything that waits, and all that comes until there is a worker again."""
        for call in self._take_waiting(why):
            call.fail(PoolError(why))
        self.use_room()

    @locked
    def _take_waiting(self, why: str) -> list[Call]:
        if self.assignments.has_workers:
            return []
        self._given_up = why
        return self.assignments.take_unassigned() + self._take_unsent()

    def end(self, why: str) -> None:
        """Fails every call, and those that come."""
        for call in self._take_all(why):
            call.fail(PoolClosedError(why))
        self.use_room()

    @locked
    def _take_all(self, why: str) -> list[Call]:
        self.closed = self.closed or why
        return self.assignments.take_all() + self._take_unsent()

    def _take_unsent(self) -> list[Call]:
        calls: list[Call] = list(chain.from_iterable(self._unsent))
        self._unsent.clear()
        return calls
