"""A process's connection to a pool: what it asked for, its streams, and the thread that reads.

Any number of threads send, under the lock. One thread reads all answers, from the rings of all
workers, and sends what had no room before: so who asks for much waits once. It also finds out that
a worker has died: then it gives the worker's streams and unanswered calls to the others.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import threading
import time
from array import array
from collections import deque
from collections.abc import Collection, Hashable, Iterable
from contextlib import ExitStack, suppress
from itertools import chain
from typing import Any, Callable

from bpecore._core import Stream, closed_among
from bpecore.pool.client.calls import ATTEMPTS, Call, Reply, StatelessCall, StreamCall, Waiter
from bpecore.pool.client.greetings import Greetings
from bpecore.pool.client.links import Link, least_loaded
from bpecore.pool.client.streams import Feeds, by_link, collect_feeds, in_sizes
from bpecore.pool.errors import (
    PoolClosedError,
    PoolError,
    RequestTooLargeError,
    StreamNotOpenError,
    WorkerDiedError,
)
from bpecore.pool.wire.control import NO_SIGNAL, Control, Message
from bpecore.pool.wire.messages import (
    ANSWER_HEADER,
    CLOSE,
    ERROR,
    FEED,
    KIND_NAMES,
    PART,
    REQUEST,
    RESTORE,
    rebuild_error,
)
from bpecore.pool.wire.segments import ROOM_SECONDS, new_owner

ANSWER_SECONDS = 30.0
"""How long the pool's process may take to answer a new client: it may be starting a worker."""

GREET_SECONDS = (10.0, 1.0)
"""How long a new client waits for workers to answer: for a first one, and for others. Those that
are busy answer later."""


class Connection:
    """A client's end of all that it shares with a pool.

    Args:
        folder: where the pool's sockets are.
        token: the pool's secret.
        ring_bytes: the size of each ring.
        max_inflight: messages that may be unanswered.

    Raises:
        PoolClosedError: there is no pool, or it is closing.
        OSError: there is no room for the shared memory.

    Attributes:
        process: the number of the process that it belongs to.
        largest: bytes of the largest request.
    """

    def __init__(self, folder: str, token: str, ring_bytes: int, max_inflight: int) -> None:
        self.process = os.getpid()
        self.largest = ring_bytes // 2 - 8 - REQUEST.size
        self._owner = new_owner()
        self._max_inflight = max_inflight
        self._lock = threading.Lock()
        self._links: dict[int, Link] = {}
        self._streams: dict[Hashable, Stream] = {}
        self._homeless: list[Call] = []
        self._unsent: deque[deque[StatelessCall]] = deque()
        self._orphans: set[Stream] = set()
        self._waiters: deque[Waiter] = deque()
        self._closed: str | None = None
        self._hopeless: str | None = None
        self._is_closing = False
        self._stopped = False
        self._opened = ExitStack()
        try:
            self._open(folder, token, ring_bytes)
        except BaseException:
            self._opened.close()
            raise

    def _open(self, folder: str, token: str, ring_bytes: int) -> None:
        """Connects, and starts the thread; what that opens the thread closes at its end."""
        opened = self._opened
        self._control = _open_control(folder)
        opened.callback(self._control.close)
        self._selector = opened.enter_context(selectors.DefaultSelector())
        self._wake, self._woken = map(opened.enter_context, socket.socketpair())
        opened.callback(self._close_links)
        self._greetings = Greetings(self._selector, token, ring_bytes, self._owner, self._take_link)
        opened.callback(self._greetings.close)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._hear_wake)
        self._selector.register(self._control, selectors.EVENT_READ, self._hear)
        self._greet(token)
        self._thread = threading.Thread(
            target=self._read_on, name="bpecore-pool-client", daemon=True
        )
        self._thread.start()

    def _greet(self, token: str) -> None:
        """Tells the pool's process who this is, and greets each worker."""
        self._control.send(token=token, role="client", owner=self._owner)
        messages: list[Message] | None = []
        while messages == []:
            messages = self._control.receive()
        if messages is None:
            raise PoolClosedError("the pool is closed")
        welcome, *others = messages
        for index, address in welcome["workers"]:
            self._greetings.greet(index, address, ROOM_SECONDS)
        self._obey(others)
        begun = time.monotonic()
        while len(self._greetings) and not self._stopped:
            left = begun + GREET_SECONDS[bool(self._links)] - time.monotonic()
            if left < 0:
                break
            self._turn(left)
        if not self._links:
            self._greetings.check()

    def _take_link(self, link: Link) -> None:
        """Has a link to a worker, new or late."""
        with self._lock:
            self._hopeless = None
            self._links[link.index] = link
            orphans, self._orphans = self._orphans, set()
            self._give_homes(orphans)
            homeless, self._homeless = self._homeless, []
            for call in homeless:
                self._dispatch(call)
        self._selector.register(link.channel, selectors.EVENT_READ, lambda: self._read(link))
        self._use_room()

    # ---- sending: any thread ---------------------------------------------------------------

    def ask(self, calls: Iterable[StatelessCall], is_patient: bool) -> bool:
        """Has calls sent to the least busy workers, in order: at once, or when there is room.

        Args:
            calls: those of one caller, at least one.
            is_patient: whether the first may wait for room; the others may.

        Returns:
            Whether they will be sent; False if there is no room and the caller is not patient.

        Raises:
            PoolClosedError: the pool is closed.
        """
        with self._lock:
            self._check_open()
            unsent = deque(calls)
            if not is_patient:
                if not self._try(unsent[0]):
                    return False
                unsent.popleft()
            # Nobody else's: this thread may be interrupted between a call and the next.
            if not self._unsent and not self._waiters:
                while unsent and self._try(unsent[0]):
                    unsent.popleft()
            if unsent:
                self._unsent.append(unsent)
            return True

    def give_up(self, reply: Reply) -> None:
        """Keeps from being sent what nobody waits for any more."""
        with self._lock:
            self._unsent = deque(calls for calls in self._unsent if calls[0].reply is not reply)

    def _try(self, call: StatelessCall) -> bool:
        """Sends a call if there is room; the lock is held."""
        link = least_loaded(self._links.values())
        if link is None or not self._may_send(1) or not link.has_room(call.length):
            return False
        self._send(link, call)
        return True

    def _send(self, link: Link, call: Call) -> None:
        """Sends a call; if a handler of signals raises meanwhile, the reader thread does it."""
        try:
            link.send(call)
        except BaseException:
            self._wake_reader()
            raise

    def _send_unsent(self) -> None:
        """Sends what there is room for now, a call of each caller in turn; the lock is held.

        The reader thread alone does, which no Ctrl-C interrupts.
        """
        while self._unsent and self._try(self._unsent[0][0]):
            calls = self._unsent.popleft()
            calls.popleft()
            if calls:
                self._unsent.append(calls)

    def try_streams(self, kind: int, feeds: Feeds, reply: Reply) -> bool:
        """Sends what streams are fed to the workers that hold them, all of it or nothing.

        Those that were closed since `feeds_of`, by another thread or task, get an error instead:
        their places at the workers may be others' by then.

        Raises:
            PoolClosedError: the pool is closed.
            PoolError: no worker could be started.
        """
        with self._lock:
            self._check_open()
            if not self._links:
                return False
            if kind == FEED and (closed := closed_among(feeds.streams)):
                feeds = feeds.without(set(closed))
                for stream in closed:
                    reply.errors[stream] = _not_open(stream.name)
            calls = []
            for link, part in by_link(feeds).items():
                assert link is not None
                call = StreamCall(kind, part.streams, part.counts, part.ids, reply)
                if not link.has_room(call.length):
                    return False
                calls.append((link, call))
            if not self._may_send(len(calls)):
                return False
            reply.expect(len(calls))
            for link, call in calls:
                self._send(link, call)
            return True

    def wait_for_room(self, waiter: Waiter) -> None:
        """Has a waiter woken when there may be room again."""
        with self._lock:
            is_open = self._closed is None and self._hopeless is None
            if is_open and (self._inflight or not self._links):
                self._waiters.append(waiter)
                return
        waiter.wake()

    def _wake_reader(self) -> None:
        """Has the reader thread do what another has left, or end."""
        with suppress(OSError):  # it has ended; or is woken already
            self._wake.send(b"\0", NO_SIGNAL)

    @property
    def _inflight(self) -> int:
        """How many calls have no answer."""
        return len(self._homeless) + sum(len(link.sent) for link in self._links.values())

    def _check_open(self) -> None:
        if self._closed is not None:
            raise PoolClosedError(self._closed)
        if self._hopeless is not None:
            raise PoolError(self._hopeless)

    def _may_send(self, calls: int) -> bool:
        inflight = self._inflight
        return inflight == 0 or inflight + calls <= self._max_inflight

    # ---- streams: any thread ---------------------------------------------------------------

    def open_stream(self, name: Hashable) -> None:
        """Opens a stream, at the least busy worker.

        Raises:
            StreamNotOpenError: there is one of that name.
            PoolClosedError: the pool is closed.
        """
        with self._lock:
            self._check_open()
            if name in self._streams:
                raise StreamNotOpenError(f"the stream {name!r} is open already")
            stream = Stream(name)
            self._give_homes([stream])
            self._streams[name] = stream

    def feeds_of(self, names: Iterable[Hashable], given: Iterable[Any]) -> list[Feeds]:
        """Returns what streams are to be fed, in parts that fit into a message each.

        Args:
            names: those of the streams.
            given: an id or a sequence of ids for each.

        Raises:
            StreamNotOpenError: there is no open stream of a name.
            RequestTooLargeError: a stream gets more ids than fit into one message.
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: an id is no integer.
        """
        feeds = collect_feeds(self._streams_of(names), given)
        largest = self.largest // 4
        if feeds.counts is not None:
            for stream, count in zip(feeds.streams, feeds.counts):
                if count + 2 > largest:
                    raise RequestTooLargeError(
                        f"feed: {count} ids for the stream {stream.name!r}, "
                        f"at most {largest - 2} fit into the pool's ring"
                    )
        # Half of what fits, so that there is room for it while another message is in the ring.
        return in_sizes(feeds, max(largest // 2, max(feeds.counts or [0]) + 2))

    def closing(self, names: Iterable[Hashable]) -> list[Feeds]:
        """Takes streams off the list of open ones; returns what is to be sent to close them.

        Raises:
            StreamNotOpenError: there is no open stream of a name; then all stay open.
            PoolError: the pool is closed, or has no workers; then, too.
        """
        names = list(dict.fromkeys(names))
        with self._lock:
            self._check_open()
            streams = self._streams_of(names)
            for stream in streams:
                del self._streams[stream.name]
                stream.is_open = False
        feeds = Feeds(streams, [0] * len(streams), array("I"))
        return in_sizes(feeds, self.largest // 8)

    def _streams_of(self, names: Iterable[Hashable]) -> list[Stream]:
        try:
            return list(map(self._streams.__getitem__, names))
        except KeyError as error:
            self._check_open()
            raise _not_open(error.args[0]) from None

    def _give_homes(self, streams: Collection[Stream]) -> None:
        """Gives streams to workers, with the states that they had elsewhere; the lock is held.

        If there is no worker, they get one as soon as there is.
        """
        if not self._links:
            self._orphans.update(streams)
            return
        restored: dict[Link, list[Stream]] = {}
        for stream in streams:
            link = least_loaded(self._links.values())
            assert link is not None
            link.adopt(stream)
            if stream.tail:
                restored.setdefault(link, []).append(stream)
        for link, those in restored.items():
            ids = array("I", [token for stream in those for token in stream.tail])
            feeds = Feeds(those, [len(stream.tail) for stream in those], ids)
            for part in in_sizes(feeds, self.largest // 8):
                link.send(StreamCall(RESTORE, part.streams, part.counts, part.ids, None))

    # ---- reading: the reader thread --------------------------------------------------------

    def _read_on(self) -> None:
        try:
            while not self._stopped:
                self._turn(None)
        except Exception as error:  # memory may run out; nobody shall wait for ever
            self._end(f"the client cannot go on: {error!r}")
        self._opened.close()

    def _turn(self, timeout: float | None) -> None:
        """Waits until something happens, for so many seconds at most, and does what follows."""
        again = self._greetings.timeout
        if again is not None and (timeout is None or again < timeout):
            timeout = again
        for key, _ in self._selector.select(timeout):
            work: Callable[[], None] = key.data
            work()
        self._greetings.reach_again(bool(self._links))

    def _hear_wake(self) -> None:
        """Does what another thread has left to do."""
        self._woken.recv(4096)
        with self._lock:
            for link in self._links.values():
                link.send_backlog()
        self._use_room()
        self._tell_if_drained()

    def _hear(self) -> None:
        """Takes what the pool's process has to tell."""
        messages = self._control.receive()
        if messages is None:
            self._end("the pool's process has ended")
            self._stopped = True
        else:
            self._obey(messages)

    def _obey(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message["do"] == "connect":
                self._greetings.reach(message["index"], message["address"], bool(self._links))
            elif message["do"] == "despair":
                self._despair(f"no worker can be started: {message['why']}")
            elif message["do"] == "drain":
                with self._lock:
                    self._closed = "the pool is closed"
                    self._is_closing = True
                self._use_room()
                self._tell_if_drained()

    def _despair(self, why: str) -> None:
        """Has all that waits fail, and what comes, until there is a worker again."""
        with self._lock:
            if self._links:
                return
            self._hopeless = why
            calls = [*self._homeless, *chain.from_iterable(self._unsent)]
            for call in self._homeless:
                if isinstance(call, StreamCall) and call.kind == CLOSE:
                    self._orphans.difference_update(call.streams)
            self._homeless = []
            self._unsent.clear()
        for call in calls:
            call.fail(PoolError(why))
        self._use_room()

    def _tell_if_drained(self) -> None:
        if self._is_closing and self._inflight == 0 and not self._unsent:
            self._control.send(did="drained")

    def _read(self, link: Link) -> None:
        """Takes what a worker has answered."""
        lives = link.channel.clear()
        self._take_answers(link)
        if not lives:
            self._lose(link)
        self._use_room()
        self._tell_if_drained()

    def _take_answers(self, link: Link) -> None:
        reader = link.channel.reader
        while True:
            message = reader.read()
            if message is None:
                break
            kind, extra, number = ANSWER_HEADER.unpack_from(message)
            body = message[ANSWER_HEADER.size :]
            if kind == PART:
                link.parts.setdefault(number, []).append(bytes(body))
            else:
                if number in link.parts:
                    body = memoryview(b"".join([*link.parts.pop(number), body]))
                with self._lock:
                    call = link.sent.answered(number)
                if call is not None:
                    self._take(link, call, kind, body, extra)
            del message, body
            reader.release(reader.cursor)
        # Even without an answer: the worker may have made room since the last one was taken.
        with self._lock:
            link.send_backlog()

    def _take(self, link: Link, call: Call, kind: int, body: memoryview, extra: int) -> None:
        if isinstance(call, StreamCall) and call.kind == CLOSE:
            with self._lock:
                link.release(call.streams)
        if kind == ERROR:
            call.fail(rebuild_error(json.loads(bytes(body))))
            return
        try:
            call.take(body, extra)
        except Exception as error:  # memory may run out; the caller shall not wait for ever
            call.fail(error)

    def _use_room(self) -> None:
        """Wakes those who wait for room, and sends what has not been sent.

        Who waits has a stream to feed, and goes first: what is unsent waits for the next answer.
        """
        with self._lock:
            waiters = list(self._waiters)
            self._waiters.clear()
            if not waiters or self._inflight == 0:
                self._send_unsent()
        for waiter in waiters:
            waiter.wake()

    # ---- faults: the reader thread ---------------------------------------------------------

    def _lose(self, link: Link) -> None:
        """Gives what a dead worker had to the others."""
        self._selector.unregister(link.channel)
        hopeless = []
        with self._lock:
            if self._links.get(link.index) is link:
                del self._links[link.index]
            # What is being closed counts as open until the answer is there.
            for stream in link.streams:
                stream.link = None
            self._give_homes(link.streams)
            for call in link.unanswered():
                call.attempts += 1
                if call.attempts < ATTEMPTS:
                    self._dispatch(call)
                else:
                    hopeless.append(call)
        link.channel.close()
        for call in hopeless:
            name = KIND_NAMES[call.kind]
            call.fail(WorkerDiedError(f"{name}: {call.attempts} workers died with this request"))

    def _dispatch(self, call: Call) -> None:
        """Sends a call that was sent before; the lock is held."""
        if not self._links:
            self._homeless.append(call)
        elif isinstance(call, StreamCall):
            feeds = Feeds(call.streams, call.counts, call.ids)
            parts = by_link(feeds)
            if len(parts) > 1 and call.reply is not None:
                call.reply.expect(len(parts) - 1)
            for link, part in parts.items():
                assert link is not None
                again = StreamCall(call.kind, part.streams, part.counts, part.ids, call.reply)
                again.attempts = call.attempts
                link.send(again)
        else:
            link = least_loaded(self._links.values())
            assert link is not None
            link.send(call)

    # ---- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Ends all that is unanswered, and the thread; its streams and memory are freed.

        A second time, or in a child of a fork, it does nothing.
        """
        if os.getpid() != self.process or not self._thread.is_alive():
            return
        self._end("the client is disconnected")
        self._stopped = True
        self._wake_reader()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _end(self, why: str) -> None:
        """Has every call fail, those that come too."""
        with self._lock:
            self._closed = self._closed or why
            calls = [call for link in self._links.values() for call in link.unanswered()]
            calls += [*self._homeless, *chain.from_iterable(self._unsent)]
            self._homeless = []
            self._unsent.clear()
            self._streams.clear()
            for link in self._links.values():
                link.sent.clear()
        for call in calls:
            call.fail(PoolClosedError(why))
        self._use_room()

    def _close_links(self) -> None:
        with self._lock:
            links = list(self._links.values())
            self._links.clear()
        for link in links:
            link.channel.close()

    def forget(self) -> None:
        """In a child of a fork: closes the copies of descriptors, so that ends are seen."""
        self._selector.close()
        self._greetings.forget()
        for link in self._links.values():
            link.channel.forget()
        self._control.close()
        self._wake.close()
        self._woken.close()


def _not_open(name: Hashable) -> StreamNotOpenError:
    return StreamNotOpenError(f"there is no open stream {name!r}")


def _open_control(folder: str) -> Control:
    """Connects to the pool's process."""
    try:
        return Control.connect(f"{folder}/pool", ANSWER_SECONDS)
    except OSError as error:
        raise PoolClosedError(f"there is no pool any more: {error}") from None
