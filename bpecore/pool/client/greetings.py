"""How a client reaches its workers: it greets each one, and has a link once the worker answers.

A busy worker answers when it is done; nobody waits for it. If greeting fails because either end
lacks memory or descriptors, a client that has another worker tries again later.
"""

from __future__ import annotations

import errno
import selectors
import time
from typing import Callable, NamedTuple

from bpecore.pool.client.links import Link
from bpecore.pool.wire.channel import Channel, channel_bytes
from bpecore.pool.wire.control import Control, is_dead
from bpecore.pool.wire.segments import ROOM_SECONDS, Segment, create_segment

CONNECT_SECONDS = 10.0
"""How long to wait while a worker's socket has a full queue of other clients."""

AGAIN_SECONDS = 0.5
"""How often to try again."""


class Greeting(NamedTuple):
    """A worker that has been sent the name of the shared memory, and has not answered.

    Attributes:
        number: the worker's.
        address: the path of its socket.
        segment: the shared memory.
        control: the connection that the answer will come on.
    """

    number: int
    address: str
    segment: Segment
    control: Control

    def give_up(self) -> None:
        """Frees what it has."""
        self.segment.unlink()
        self.segment.close()
        self.control.close()


class Greetings:
    """The workers that one client has greeted. Used by the reader thread, or before it exists.

    Args:
        selector: what the reader thread waits with.
        token: the pool's secret.
        ring_bytes: the size of each ring.
        owner: the owner in the name of the shared memory.
        take: called with each link.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        token: str,
        ring_bytes: int,
        owner: str,
        take: Callable[[Link], None],
    ) -> None:
        self._selector = selector
        self._token = token
        self._ring_bytes = ring_bytes
        self._owner = owner
        self._take = take
        self._greeted: dict[int, Greeting] = {}
        self._failed: dict[int, str] = {}
        self._again_at = 0.0

    def __len__(self) -> int:
        return len(self._greeted)

    @property
    def timeout(self) -> float | None:
        """Seconds until the next attempt; None: none is due."""
        return max(self._again_at - time.monotonic(), 0.0) if self._failed else None

    def check(self) -> None:
        """Raises an `OSError` if no worker will answer."""
        if self._failed and not self._greeted:
            raise OSError(
                errno.ECONNABORTED,
                "no worker of the pool could open this client's shared memory: it may have too "
                "many clients for the descriptors that a process may have",
            )

    def greet(self, index: int, address: str, patience: float = 0.0) -> None:
        """Connects to a worker, and sends it the name of the shared memory.

        Args:
            index: the worker's number.
            address: the path of its socket. If nobody listens there, the worker has ended; the
                pool's process will announce the next one.
            patience: seconds to wait for memory at most.

        Raises:
            OSError: there is no memory for it, or no descriptor.
        """
        segment = create_segment(channel_bytes(self._ring_bytes), self._owner, patience)
        try:
            control = Control.connect(address, CONNECT_SECONDS)
        except BaseException as error:
            segment.unlink()
            segment.close()
            if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
                return
            raise
        control.send(token=self._token, segment=segment.name, ring_bytes=self._ring_bytes)
        greeting = Greeting(index, address, segment, control)
        self._greeted[control.fileno()] = greeting
        self._selector.register(control, selectors.EVENT_READ, lambda: self._receive(greeting))

    def reach(self, index: int, address: str, has_links: bool) -> None:
        """Greets a worker; if that fails, tries again later.

        Raises:
            OSError: as for `greet`, and there is no other worker to go on with.
        """
        self._failed.pop(index, None)
        has_others = has_links or bool(self._greeted)
        try:
            self.greet(index, address, 0.0 if has_others else ROOM_SECONDS)
        except OSError:
            if not has_others:
                raise
            self._fail(index, address)

    def reach_again(self, has_links: bool) -> None:
        """Greets the workers that could not be greeted before, when it is time."""
        if self._failed and time.monotonic() >= self._again_at:
            for index, address in list(self._failed.items()):
                self.reach(index, address, has_links)

    def _fail(self, index: int, address: str) -> None:
        self._failed[index] = address
        self._again_at = time.monotonic() + AGAIN_SECONDS

    def _receive(self, greeting: Greeting) -> None:
        """Takes the answer; an empty one means that the worker has ended or lacks memory."""
        self._selector.unregister(greeting.control)
        del self._greeted[greeting.control.fileno()]
        if not greeting.control.receive():
            greeting.give_up()
            if not is_dead(greeting.address) and greeting.number not in self._failed:
                self._fail(greeting.number, greeting.address)
            return
        greeting.segment.unlink()
        channel = Channel(
            greeting.segment, greeting.control.detach(), self._ring_bytes, is_worker=False
        )
        self._take(Link(greeting.number, channel))

    def forget(self) -> None:
        """In a child of a fork: closes the copies of descriptors."""
        for greeting in self._greeted.values():
            greeting.control.close()

    def close(self) -> None:
        """Frees the greetings that were not answered."""
        for greeting in self._greeted.values():
            greeting.give_up()
        self._greeted.clear()
