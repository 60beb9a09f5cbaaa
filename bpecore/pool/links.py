"""A client's connection to one worker, and which worker gets new work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from bpecore._core import SharedWords, Stream
from bpecore.pool.calls import Call
from bpecore.pool.channel import OTHERS_STREAMS, OTHERS_TOKENS, SENT_TOKENS, Channel
from bpecore.pool.messages import RESTORE, STATELESS


class Link:
    """One worker as a client sees it. All of it happens under the client's lock.

    Args:
        index: the worker's number.
        channel: the shared memory.

    Attributes:
        calls: what was sent and not answered, by number, in order.
        streams: those whose state the worker holds.
        parts: the beginnings of long answers, by number.
    """

    def __init__(self, index: int, channel: Channel) -> None:
        self.index = index
        self.channel = channel
        self.calls: dict[int, Call] = {}
        self.streams: set[Stream] = set()
        self.parts: dict[int, list[bytes]] = {}
        self._backlog: deque[Call] = deque()
        self._numbers = 0
        self._sent_tokens = 0
        self._own_tokens = 0
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
        """Returns whether a message of so many bytes could be sent now."""
        return not self._backlog and self.channel.writer.has_room(length)

    def send(self, call: Call) -> None:
        """Sends a call, as soon as there is room for it."""
        self._own_tokens += call.tokens
        self._backlog.append(call)
        self.send_backlog()

    def send_backlog(self) -> None:
        """Sends what has waited for room."""
        words: SharedWords = self.channel.words
        for_streams = False
        while self._backlog and self.channel.writer.has_room(self._backlog[0].length):
            call = self._backlog.popleft()
            self._numbers += 1
            self._sent_tokens += call.tokens
            words.store(SENT_TOKENS, self._sent_tokens)
            self.calls[self._numbers] = call
            self.channel.writer.write(call.parts(self._numbers), call.length)
            for_streams = for_streams or call.kind not in STATELESS
        # A worker looks again after each of this client's texts, and works on others' in between.
        self.channel.tell(now=for_streams)

    def answered(self, number: int) -> Call | None:
        """Takes a call off the list of those that wait; None: it was given up."""
        call = self.calls.pop(number, None)
        if call is not None:
            self._own_tokens -= call.tokens
        return call

    def unanswered(self) -> list[Call]:
        """Returns the calls that have no answer, in order; not those that restore streams."""
        calls = [*self.calls.values(), *self._backlog]
        return [call for call in calls if call.kind != RESTORE]

    def load(self) -> tuple[int, int, int]:
        """Returns how busy the worker is: tokens outstanding, open streams, lately chosen."""
        words = self.channel.words
        return (
            self._own_tokens + words.load(OTHERS_TOKENS),
            len(self.streams) + words.load(OTHERS_STREAMS),
            self._turn,
        )

    def choose(self) -> None:
        """Notes that the worker was chosen, so that equally idle ones take turns."""
        self._turn += 1


def least_loaded(links: Iterable[Link]) -> Link | None:
    """Returns the worker with the fewest tokens outstanding; of equal ones that with the fewest
    streams, and of those that which was chosen least often; None if there is no worker."""
    link = min(links, key=Link.load, default=None)
    if link is not None:
        link.choose()
    return link
