"""What one client and one worker share: two rings, a few words, and a socket to wake each other.

The socket carries no data. A byte on it means "look into your ring", and its end means that the
other process is gone, however it ended. A byte is sent after the ring's store and received before
its load, so no message is overlooked. No byte is sent to a process that looks
anyway (`api/pool/ring.pxi`). If the socket is full, a byte is already waiting there.
"""

from __future__ import annotations

import socket

from bpecore._core import RingReader, RingWriter, SharedWords
from bpecore.pool.wire.control import NO_SIGNAL
from bpecore.pool.wire.segments import Segment

LINE = 8
"""Words in a cache line of 64 bytes: different processes write to different lines."""

REQUEST_HEAD, REQUEST_TAIL, ANSWER_HEAD, ANSWER_TAIL = 0, LINE, 2 * LINE, 3 * LINE

SENT_TOKENS = 4 * LINE
"""The client's word: the tokens of all requests that it has ever written to the channel."""

OTHERS_TOKENS = 5 * LINE
"""The worker's word: the unanswered tokens of its other clients."""

OTHERS_STREAMS = 5 * LINE + 1
"""The worker's word: the open streams of its other clients."""

HEADER_BYTES = 6 * LINE * 8


def channel_bytes(ring_bytes: int) -> int:
    """Returns the size of a segment with two rings of `ring_bytes` bytes."""
    return HEADER_BYTES + 2 * ring_bytes


class Channel:
    """One end of a channel.

    Args:
        segment: the shared memory; closed with the channel.
        wake: a connected socket; closed with the channel.
        ring_bytes: the size of each ring.
        is_worker: whether this is the worker's end.

    Attributes:
        words: the words of the segment.
        writer: the ring to the other end.
        reader: the ring from there.
    """

    def __init__(
        self, segment: Segment, wake: socket.socket, ring_bytes: int, is_worker: bool
    ) -> None:
        self._segment = segment
        self._wake = wake
        wake.setblocking(False)
        memory = segment.buf
        requests, answers = (
            memory[start : start + ring_bytes]
            for start in (HEADER_BYTES, HEADER_BYTES + ring_bytes)
        )
        self.words = SharedWords(memory[:HEADER_BYTES])
        request_words, answer_words = (REQUEST_HEAD, REQUEST_TAIL), (ANSWER_HEAD, ANSWER_TAIL)
        if is_worker:
            self.writer = RingWriter(self.words, *answer_words, answers)
            self.reader = RingReader(self.words, *request_words, requests)
        else:
            self.writer = RingWriter(self.words, *request_words, requests)
            self.reader = RingReader(self.words, *answer_words, answers)

    def fileno(self) -> int:
        """Returns the socket's descriptor, for a selector."""
        return self._wake.fileno()

    def notify(self, now: bool = False) -> None:
        """Wakes the other end for what was written, unless it will look into its ring anyway.

        If the other end is gone, `clear` will say so.

        Args:
            now: wake it even if it will look there, but only after other work.
        """
        if self.writer.must_wake() or now:
            try:
                self._wake.send(b"\0", NO_SIGNAL)
            except BlockingIOError:  # a byte is already waiting there
                pass
            except OSError:  # the other end is gone, or there is no memory
                return
        self.writer.notified()

    def clear(self) -> bool:
        """Takes the bytes that woke this end; returns whether the other end is alive."""
        try:
            return bool(self._wake.recv(4096))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def forget(self) -> None:
        """In a child of a fork: closes its copy of the socket."""
        self._wake.close()

    def close(self) -> None:
        """Releases the memory and the socket; no view of a message may remain."""
        self._wake.close()
        self.writer.close()
        self.reader.close()
        self.words.release()
        self._segment.close()
