"""A client's link to one worker, and which worker gets new work."""

from __future__ import annotations

from collections.abc import Iterable

from bpecore._core import SentCalls, Stream, feeds_by_link
from bpecore.pool.client.calls import Call
from bpecore.pool.client.streams import Feeds
from bpecore.pool.wire.channel import OTHERS_STREAMS, OTHERS_TOKENS, SENT_TOKENS, Channel
from bpecore.pool.wire.messages import RESTORE, STATELESS


class Link:
    """One worker as a client sees it. All under the client's lock.

    Args:
        index: the worker's number.
        channel: the shared memory.

    Attributes:
        sent: the calls that were sent and not answered, and those that wait for room.
        streams: the streams whose state the worker has.
        partial: the beginnings of long answers, by the call's number.
    """

    def __init__(self, index: int, channel: Channel) -> None:
        self.index = index
        self.channel = channel
        self.sent = SentCalls(channel.writer, channel.words, SENT_TOKENS)
        self.streams: set[Stream] = set()
        self.partial: dict[int, list[bytes]] = {}
        self._free_slots: list[int] = []
        self._slots = 0
        self._turn = 0

    # ---- streams ----------------------------------------------------------------------------

    def adopt(self, stream: Stream) -> None:
        """Gives a stream a slot here."""
        stream.link = self
        if self._free_slots:
            stream.slot = self._free_slots.pop()
        else:
            stream.slot = self._slots
            self._slots += 1
        self.streams.add(stream)

    def release(self, streams: Iterable[Stream]) -> None:
        """Frees the slots of closed streams."""
        for stream in streams:
            self.streams.discard(stream)
            self._free_slots.append(stream.slot)

    # ---- sending ----------------------------------------------------------------------------

    def has_room(self, length: int) -> bool:
        """Returns whether a message of `length` bytes could be sent now."""
        return self.sent.has_room(length)

    def send(self, call: Call) -> None:
        """Sends a call as soon as there is room for it."""
        self.sent.add(call)
        self.send_backlog()

    def send_backlog(self) -> None:
        """Sends what has waited for room."""
        for_streams = False
        while (call := self.sent.send_next()) is not None:
            for_streams = for_streams or call.kind not in STATELESS
        # A worker looks again after each of this client's texts, and works on others' in between.
        self.channel.notify(now=for_streams)

    def unanswered(self) -> list[Call]:
        """Returns the calls that have no answer, in order; not those that restore streams."""
        return [call for call in self.sent.all() if call.kind != RESTORE]

    def load(self) -> tuple[int, int, int]:
        """Returns how busy the worker is: tokens outstanding, open streams, lately chosen."""
        words = self.channel.words
        return (
            self.sent.tokens + words.load(OTHERS_TOKENS),
            len(self.streams) + words.load(OTHERS_STREAMS),
            self._turn,
        )

    def choose(self) -> None:
        """Notes that the worker was chosen, so that equally idle ones take turns."""
        self._turn += 1


def least_loaded(links: Iterable[Link]) -> Link:
    """Returns the worker with the fewest tokens outstanding; of equal ones the one with the fewest
    streams, and of those the one chosen least often. Precondition: there is a worker."""
    link = min(links, key=Link.load)
    link.choose()
    return link


def by_link(feeds: Feeds) -> dict[Link, Feeds]:
    """Splits feeds by the workers that have the streams. Precondition: each stream has one."""
    found = feeds_by_link(feeds.streams, feeds.counts, feeds.ids)
    return {link: Feeds(*feed) for link, feed in found.items()}
