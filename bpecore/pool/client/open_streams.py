"""The open streams of a client, by name."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from typing import Any

from bpecore._core import Stream, locked
from bpecore.pool.client.send_path import SendPath
from bpecore.pool.client.streams import Feeds, collect_feeds, in_sizes, not_open
from bpecore.pool.errors import RequestTooLargeError, StreamAlreadyOpenError


class OpenStreams:
    """The open streams of one client. Safe from any number of threads.

    Args:
        send_path: where the streams' ids go.
        largest: bytes of the largest request.
    """

    def __init__(self, send_path: SendPath, largest: int) -> None:
        self._send_path = send_path
        self._lock = send_path.lock
        self._largest = largest
        self._streams: dict[Hashable, Stream] = {}

    @locked
    def open(self, name: Hashable) -> None:
        """Opens a stream, at the least busy worker.

        Raises:
            StreamAlreadyOpenError: a stream of that name is open already.
            PoolClosedError: the pool is closed.
        """
        self._send_path.check_open()
        if name in self._streams:
            raise StreamAlreadyOpenError(f"the stream {name!r} is open already")
        stream = Stream(name)
        self._send_path.assignments.assign([stream])
        self._streams[name] = stream

    def feeds_of(self, names: Iterable[Hashable], given: Iterable[Any]) -> list[Feeds]:
        """Returns what streams are to be fed, in parts that fit into one message each.

        Args:
            names: those of the streams.
            given: an id or a sequence of ids for each stream.

        Raises:
            StreamNotOpenError: no stream of a name is open.
            RequestTooLargeError: a stream gets more ids than fit into one message.
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: an id is not an integer.
        """
        feeds = collect_feeds(self._named(names), given)
        largest = self._largest // 4
        if feeds.counts is not None:
            for stream, count in zip(feeds.streams, feeds.counts):
                if count + 2 > largest:
                    raise RequestTooLargeError(
                        f"feed: {count} ids for the stream {stream.name!r}, "
                        f"at most {largest - 2} fit into the pool's ring"
                    )
        # Half of what fits, so that there is room for it while another message is in the ring.
        return in_sizes(feeds, max(largest // 2, max(feeds.counts or [0]) + 2))

    @locked
    def closing(self, names: Iterable[Hashable]) -> list[Feeds]:
        """Takes streams off the list of open ones; returns the messages that close them.

        Raises:
            StreamNotOpenError: no stream of a name is open; then all stay open.
            PoolError: the pool is closed, or has no workers; then all stay open, too.
        """
        self._send_path.check_open()
        streams = self._named(dict.fromkeys(names))
        for stream in streams:
            del self._streams[stream.name]
            stream.is_open = False
        feeds = Feeds(streams, [0] * len(streams), array("I"))
        return in_sizes(feeds, self._largest // 8)

    @locked
    def clear(self) -> None:
        """Forgets all streams, because the client is closed."""
        self._streams.clear()

    def _named(self, names: Iterable[Hashable]) -> list[Stream]:
        try:
            return list(map(self._streams.__getitem__, names))
        except KeyError as error:
            self._send_path.check_open()
            raise not_open(error.args[0]) from None
