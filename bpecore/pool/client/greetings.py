"""How a client gets to its workers: it greets each, and has a link when that has answered.

A worker that is busy answers when it is done, which nobody waits for. Where it does not work, for
want of memory or descriptors at either end, a client that has another worker tries again.
"""

from __future__ import annotations

import errno
import selectors
import time
from multiprocessing.shared_memory import SharedMemory
from typing import Callable

from bpecore.pool.client.links import Link
from bpecore.pool.wire.channel import Channel, channel_bytes
from bpecore.pool.wire.control import Control, is_dead
from bpecore.pool.wire.segments import ROOM_SECONDS, create_segment, unlink_segment

CONNECT_SECONDS = 10.0
"""How long so many clients may wait before this one that a worker's socket takes no more."""

AGAIN_SECONDS = 0.5
"""How often to try again."""


class Greeting:
    """A worker that was told where shared memory is, and has not answered.

    Args:
        index: the worker's number.
        address: the path of its socket.
        segment: the shared memory.
        control: the connection on which the answer will come.
    """

    def __init__(self, index: int, address: str, segment: SharedMemory, control: Control) -> None:
        self.index = index
        self.address = address
        self.segment = segment
        self.control = control

    def give_up(self) -> None:
        """Frees what it has."""
        unlink_segment(self.segment)
        self.segment.close()
        self.control.close()


class Greetings:
    """The workers that one client has greeted; all in the thread that reads, or before it is there.

    Args:
        selector: what that thread waits with.
        token: the pool's secret.
        ring_bytes: the size of each ring.
        owner: whose the shared memory is.
        take: is given each link.
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
        """Seconds until there is something to do again; None: never."""
        return max(self._again_at - time.monotonic(), 0.0) if self._failed else None

    def check(self) -> None:
        """Raises an `OSError` if no worker can be expected to answer."""
        if self._failed and not self._greeted:
            raise OSError(
                errno.ECONNABORTED,
                "no worker of the pool could open this client's shared memory: it may have too "
                "many clients for the descriptors that a process may have",
            )

    def greet(self, index: int, address: str, patience: float = 0.0) -> None:
        """Connects to a worker, and tells it where the shared memory is.

        Args:
            index: the worker's number.
            address: the path of its socket. Where nobody listens, the worker has ended; of the next
                one the pool's process will tell.
            patience: seconds to wait for memory at most.

        Raises:
            OSError: there is no memory for it, or no descriptor.
        """
        segment = create_segment(channel_bytes(self._ring_bytes), self._owner, patience)
        try:
            control = Control.connect(address, CONNECT_SECONDS)
        except BaseException as error:
            unlink_segment(segment)
            segment.close()
            if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
                return
            raise
        control.send(token=self._token, segment=segment.name, ring_bytes=self._ring_bytes)
        greeting = Greeting(index, address, segment, control)
        self._greeted[control.fileno()] = greeting
        self._selector.register(control, selectors.EVENT_READ, lambda: self._hear(greeting))

    def reach(self, index: int, address: str, has_links: bool) -> None:
        """Greets a worker, later again if that does not work.

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
        """Greets those with which it did not work, when it is time."""
        if self._failed and time.monotonic() >= self._again_at:
            for index, address in list(self._failed.items()):
                self.reach(index, address, has_links)

    def _fail(self, index: int, address: str) -> None:
        self._failed[index] = address
        self._again_at = time.monotonic() + AGAIN_SECONDS

    def _hear(self, greeting: Greeting) -> None:
        """Takes the answer; if it is none, the worker has ended, or could not open the memory."""
        self._selector.unregister(greeting.control)
        del self._greeted[greeting.control.fileno()]
        if not greeting.control.receive():
            greeting.give_up()
            if not is_dead(greeting.address) and greeting.index not in self._failed:
                self._fail(greeting.index, greeting.address)
            return
        unlink_segment(greeting.segment)
        channel = Channel(
            greeting.segment, greeting.control.detach(), self._ring_bytes, is_worker=False
        )
        self._take(Link(greeting.index, channel))

    def forget(self) -> None:
        """In a child of a fork: closes the copies of descriptors."""
        for greeting in self._greeted.values():
            greeting.control.close()

    def close(self) -> None:
        """Frees what has not become a link."""
        for greeting in self._greeted.values():
            greeting.give_up()
        self._greeted.clear()
