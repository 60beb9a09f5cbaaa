"""What streams are fed, and what rebuilds a stream at another worker.

The state of a stream is the beginning of a character whose last bytes have not arrived: at most
three bytes. Its first byte never continues a character, so any decoder that meets it begins a
character there. No token is empty, so three bytes lie in the last three tokens at most. So a new
decoder that is fed the last three ids, and whose text for them is dropped, is in the same state.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Hashable, Iterable, Mapping
from itertools import accumulate
from typing import Any

from bpecore._core import Stream
from bpecore.pool.errors import StreamNotOpenError


class Feeds:
    """What several streams are fed together.

    Attributes:
        streams: the streams, each once.
        counts: how many ids each gets; None: one.
        ids: the ids of all streams, one stream after the other, `uint32`.
    """

    def __init__(self, streams: list[Stream], counts: list[int] | None, ids: array[int]) -> None:
        self.streams = streams
        self.counts = counts
        self.ids = ids

    def __len__(self) -> int:
        return len(self.streams)

    def without(self, streams: Collection[Stream]) -> Feeds:
        """Returns the same without some streams."""
        left = Feeds([], [], array("I"))
        counts = self.counts if self.counts is not None else [1] * len(self)
        for stream, count, end in zip(self.streams, counts, accumulate(counts)):
            if stream not in streams:
                left.add(stream, self.ids[end - count : end])
        return left

    def add(self, stream: Stream, ids: array[int]) -> None:
        """Adds a stream. Precondition: `counts` is a list."""
        assert self.counts is not None
        self.streams.append(stream)
        self.counts.append(len(ids))
        self.ids.extend(ids)


def collect_feeds(streams: list[Stream], given: Iterable[Any]) -> Feeds:
    """Returns what streams are to be fed, given an id or a sequence of ids for each.

    Raises:
        OverflowError: an id is negative or above 2**32 - 1.
        TypeError: an id is not an integer.
    """
    given = list(given)
    try:
        return Feeds(streams, None, array("I", given))
    except TypeError:  # not one id each
        pass
    ids = array("I")
    counts = []
    for entry in given:
        before = len(ids)
        if hasattr(entry, "__index__") and not hasattr(entry, "__len__"):
            ids.append(entry)
        elif isinstance(entry, str):
            raise TypeError("expected an id or a sequence of ids, got str")
        else:
            ids.extend(iter(entry))  # an array of another kind, too
        counts.append(len(ids) - before)
    return Feeds(streams, counts, ids)


def in_sizes(feeds: Feeds, largest: int) -> list[Feeds]:
    """Splits feeds into parts that each fit into a message.

    Args:
        feeds: what to split; no single stream has more than fits.
        largest: numbers per part: the ids, and two per stream.
    """
    if len(feeds.ids) + 2 * len(feeds) <= largest:
        return [feeds]
    counts = feeds.counts if feeds.counts is not None else [1] * len(feeds)
    parts: list[Feeds] = []
    first = start = end = 0
    size = 0
    for place, count in enumerate(counts):
        if size + count + 2 > largest:
            parts.append(
                Feeds(feeds.streams[first:place], counts[first:place], feeds.ids[start:end])
            )
            first, start, size = place, end, 0
        size += count + 2
        end += count
    parts.append(Feeds(feeds.streams[first:], counts[first:], feeds.ids[start:end]))
    return parts


def names_and_ids(ids: Mapping[Any, Any]) -> tuple[Iterable[Hashable], Iterable[Any]]:
    """Returns the streams of a `feed_many`, and what each is fed."""
    try:
        return ids.keys(), ids.values()
    except AttributeError:
        kind = type(ids).__name__
        raise TypeError(f"ids must be a mapping of streams to their ids, not {kind}") from None


def not_open(name: Hashable) -> StreamNotOpenError:
    """Returns the error for a stream that is not open."""
    return StreamNotOpenError(f"there is no open stream {name!r}")
