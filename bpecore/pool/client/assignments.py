"""Which worker has which stream and call of a client, and what happens as workers come and go.

A stream stays with its worker, and a call with the worker it was sent to, until that worker dies;
then the others take over. What no worker can take, because there is none, is kept unassigned.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Collection, Iterable
from itertools import chain

from bpecore._core import Stream, locked
from bpecore.pool.client.calls import ATTEMPTS, Call, StatelessCall, StreamCall
from bpecore.pool.client.links import Link, by_link, least_loaded
from bpecore.pool.client.streams import Feeds, in_sizes
from bpecore.pool.wire.messages import CLOSE, RESTORE


class Assignments:
    """The workers of one client, and what they have to do.

    The methods of the reader thread take the client's lock. The others need it held.

    Args:
        largest: bytes of the largest request.
        lock: the client's.
    """

    def __init__(self, largest: int, lock: threading.Lock) -> None:
        self._largest = largest
        self._lock = lock
        self._links: dict[int, Link] = {}
        self._unassigned_calls: list[Call] = []
        self._unassigned_streams: set[Stream] = set()

    @property
    def has_workers(self) -> bool:
        """Whether there is a worker."""
        return bool(self._links)

    @property
    def inflight(self) -> int:
        """How many calls have no answer."""
        return len(self._unassigned_calls) + sum(len(link.sent) for link in self._links.values())

    def least_loaded(self) -> Link:
        """Returns the worker that gets new work. Precondition: there is one."""
        return least_loaded(self._links.values())

    def add_link(self, link: Link) -> None:
        """Adds a worker, which gets what is unassigned."""
        self._links[link.index] = link
        streams, self._unassigned_streams = self._unassigned_streams, set()
        self.assign(streams)
        calls, self._unassigned_calls = self._unassigned_calls, []
        for call in calls:
            self.dispatch(call)

    def assign(self, streams: Collection[Stream]) -> None:
        """Assigns streams to workers, and sends the states that they had elsewhere."""
        if not self._links:
            self._unassigned_streams.update(streams)
            return
        restored: dict[Link, list[Stream]] = {}
        for stream in streams:
            link = self.least_loaded()
            link.adopt(stream)
            if stream.tail:
                restored.setdefault(link, []).append(stream)
        for link, those in restored.items():
            ids = array("I", chain.from_iterable(stream.tail for stream in those))
            feeds = Feeds(those, [len(stream.tail) for stream in those], ids)
            for part in in_sizes(feeds, self._largest // 8):
                link.send(StreamCall(RESTORE, part, None))

    def dispatch(self, call: Call) -> None:
        """Sends a call again, to the workers that have its streams now, or to any."""
        if not self._links:
            self._unassigned_calls.append(call)
        elif isinstance(call, StreamCall):
            parts = by_link(call.feeds)
            if len(parts) > 1 and call.reply is not None:
                call.reply.expect(len(parts) - 1)
            for link, feeds in parts.items():
                again = StreamCall(call.kind, feeds, call.reply)
                again.attempts = call.attempts
                link.send(again)
        else:
            assert isinstance(call, StatelessCall)
            self.least_loaded().send(call)

    def take_unassigned(self) -> list[Call]:
        """Returns the calls that no worker has, and forgets them."""
        calls, self._unassigned_calls = self._unassigned_calls, []
        for call in calls:
            if isinstance(call, StreamCall) and call.kind == CLOSE:
                self._unassigned_streams.difference_update(call.feeds.streams)
        return calls

    def take_all(self) -> list[Call]:
        """Returns all calls that have no answer, and forgets them."""
        calls = [call for link in self._links.values() for call in link.unanswered()]
        for link in self._links.values():
            link.sent.clear()
        return calls + self.take_unassigned()

    # ---- the reader thread -----------------------------------------------------------------

    @locked
    def remove_link(self, link: Link) -> list[Call]:
        """Gives a dead worker's streams and calls to the others.

        Returns:
            The calls that are given up, because too many workers died with them.
        """
        if self._links.get(link.index) is link:
            del self._links[link.index]
        # A stream that is being closed counts as open until its answer has come.
        for stream in link.streams:
            stream.link = None
        self.assign(link.streams)
        given_up = []
        for call in link.unanswered():
            call.attempts += 1
            if call.attempts < ATTEMPTS:
                self.dispatch(call)
            else:
                given_up.append(call)
        return given_up

    @locked
    def answered(self, link: Link, number: int) -> Call | None:
        """Returns the call that a worker has answered; None if no such answer is expected."""
        return link.sent.answered(number)

    @locked
    def release(self, link: Link, streams: Iterable[Stream]) -> None:
        """Frees the slots of closed streams."""
        link.release(streams)

    @locked
    def send_backlogs(self, link: Link | None = None) -> None:
        """Sends what waits for room in the ring of one worker, or of all."""
        for each in self._links.values() if link is None else [link]:
            each.send_backlog()

    @locked
    def take_links(self) -> list[Link]:
        """Returns the connections to all workers, and forgets them."""
        links = list(self._links.values())
        self._links.clear()
        return links

    def forget(self) -> None:
        """In a child of a fork: closes the copies of descriptors."""
        for link in self._links.values():
            link.channel.forget()
