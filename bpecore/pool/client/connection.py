"""A process's connection to a pool: how it opens, the reader thread, and how it ends.

The reader thread waits for answers (`receive_path`), room to send (`send_path`), messages of the
pool's process, new workers (`greetings`), and workers that have died.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Callable

from bpecore.pool.client.greetings import Greetings
from bpecore.pool.client.links import Link
from bpecore.pool.client.open_streams import OpenStreams
from bpecore.pool.client.receive_path import take_answers
from bpecore.pool.client.send_path import SendPath
from bpecore.pool.errors import PoolClosedError, WorkerDiedError
from bpecore.pool.wire.control import NO_SIGNAL, Control, Message
from bpecore.pool.wire.messages import KIND_NAMES, REQUEST
from bpecore.pool.wire.segments import ROOM_SECONDS, new_owner

ANSWER_SECONDS = 30.0
"""How long the pool's process may take to answer a new client: it may be starting a worker."""

GREET_SECONDS = (10.0, 1.0)
"""How long a new client waits for a first worker to answer, and then for others. Busy workers
answer later."""


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
        largest: bytes of the largest request.
        send_path: what is sent to the workers.
        streams: the open streams.
    """

    def __init__(self, folder: str, token: str, ring_bytes: int, max_inflight: int) -> None:
        self.largest = ring_bytes // 2 - 8 - REQUEST.size
        self.send_path = SendPath(self.largest, max_inflight, self._wake_reader)
        self.streams = OpenStreams(self.send_path, self.largest)
        self._process = os.getpid()
        self._is_closed = False
        self._is_draining = False
        self._end: str | None = None  # why the reader thread ends
        self._opened = ExitStack()
        try:
            self._open(folder, token, ring_bytes)
        except BaseException:
            self._opened.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Whether it belongs to this process and has not been closed here."""
        return self._process == os.getpid() and not self._is_closed

    # ---- the beginning ---------------------------------------------------------------------

    def _open(self, folder: str, token: str, ring_bytes: int) -> None:
        """Connects, and starts the reader thread, which closes everything at its end."""
        opened = self._opened
        self._control = _open_control(folder)
        opened.callback(self._control.close)
        self._selector = opened.enter_context(selectors.DefaultSelector())
        self._wake, self._woken = map(opened.enter_context, socket.socketpair())
        opened.callback(self._close_links)
        owner = new_owner()
        self._greetings = Greetings(self._selector, token, ring_bytes, owner, self._add_link)
        opened.callback(self._greetings.close)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._receive_wake)
        self._selector.register(self._control, selectors.EVENT_READ, self._receive_control)
        self._greet(token, owner)
        self._thread = threading.Thread(target=self._run, name="bpecore-pool-client", daemon=True)
        self._thread.start()

    def _greet(self, token: str, owner: str) -> None:
        """Introduces the client to the pool's process and to each worker."""
        self._control.send(token=token, role="client", owner=owner)
        messages: list[Message] | None = []
        while messages == []:
            messages = self._control.receive()
        if messages is None:
            raise PoolClosedError("the pool is closed")
        welcome, *others = messages
        for index, address in welcome["workers"]:
            self._greetings.greet(index, address, ROOM_SECONDS)
        self._apply(others)
        begun = time.monotonic()
        while len(self._greetings) and self._end is None:
            left = begun + GREET_SECONDS[self._has_workers] - time.monotonic()
            if left < 0:
                break
            self._turn(left)
        if not self._has_workers:
            self._greetings.check()

    @property
    def _has_workers(self) -> bool:
        return self.send_path.assignments.has_workers

    def _add_link(self, link: Link) -> None:
        """Takes a worker into use, new or late."""
        self.send_path.add_link(link)
        self._selector.register(link.channel, selectors.EVENT_READ, lambda: self._receive(link))
        self.send_path.use_room()

    # ---- the reader thread -----------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._end is None:
                self._turn(None)
        except Exception as error:  # memory may run out, but no caller may wait for ever
            self._end = f"the client cannot go on: {error!r}"
        self.streams.clear()
        self.send_path.end(self._end or "the client is disconnected")
        self._opened.close()

    def _turn(self, timeout: float | None) -> None:
        """Waits until something happens, for at most some seconds, and handles it."""
        again = self._greetings.timeout
        if again is not None and (timeout is None or again < timeout):
            timeout = again
        for key, _ in self._selector.select(timeout):
            work: Callable[[], None] = key.data
            work()
        if again is not None:
            self._greetings.reach_again(self._has_workers)

    def _wake_reader(self) -> None:
        """Makes the reader thread do what another has left, or end."""
        with suppress(OSError):  # it has ended, or has been woken already
            self._wake.send(b"\0", NO_SIGNAL)

    def _receive_wake(self) -> None:
        """Does what another thread has left to do."""
        self._woken.recv(4096)
        self.send_path.assignments.send_backlogs()
        self.send_path.use_room()
        self._notify_if_drained()

    def _receive_control(self) -> None:
        """Takes messages of the pool's process."""
        messages = self._control.receive()
        if messages is None:
            self._end = "the pool's process has ended"
        else:
            self._apply(messages)

    def _apply(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message["do"] == "connect":
                self._greetings.reach(message["index"], message["address"], self._has_workers)
            elif message["do"] == "give up":
                self.send_path.give_up(f"no worker can be started: {message['why']}")
            elif message["do"] == "drain":
                self._is_draining = True
                self.send_path.drain("the pool is closed")
                self.send_path.use_room()
                self._notify_if_drained()

    def _notify_if_drained(self) -> None:
        if self._is_draining and self.send_path.is_idle:
            self._control.send(did="drained")

    def _receive(self, link: Link) -> None:
        """Takes a worker's answers, and notices if the worker has died."""
        lives = link.channel.clear()
        take_answers(link, self.send_path.assignments)
        if not lives:
            self._lose(link)
        self.send_path.use_room()
        self._notify_if_drained()

    def _lose(self, link: Link) -> None:
        self._selector.unregister(link.channel)
        given_up = self.send_path.assignments.remove_link(link)
        link.channel.close()
        for call in given_up:
            name = KIND_NAMES[call.kind]
            call.fail(WorkerDiedError(f"{name}: {call.attempts} workers died with this request"))

    # ---- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Fails everything unanswered, and frees the streams and the memory.

        The reader thread does it, which no signal handler interrupts. A second time, or in a child
        of a fork, this does nothing.
        """
        if os.getpid() != self._process or not self._thread.is_alive():
            return
        self._is_closed = True
        self._end = self._end or "the client is disconnected"
        self._wake_reader()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _close_links(self) -> None:
        for link in self.send_path.assignments.take_links():
            link.channel.close()

    def forget(self) -> None:
        """In a child of a fork: closes the copies of descriptors, so that ends are noticed."""
        self._selector.close()
        self._greetings.forget()
        self.send_path.assignments.forget()
        self._control.close()
        self._wake.close()
        self._woken.close()


def _open_control(folder: str) -> Control:
    """Connects to the pool's process."""
    try:
        return Control.connect(f"{folder}/pool", ANSWER_SECONDS)
    except OSError as error:
        raise PoolClosedError(f"there is no pool any more: {error}") from None
