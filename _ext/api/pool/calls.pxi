"""What a client has asked of one worker: each change is one step.

In the main thread a handler of signals may raise between any two lines of Python: Ctrl-C, or a
timeout. What must not come apart there is done here, where no handler runs: that a message stands
in the ring, that an answer to it is expected, and that it no longer waits.
"""

from collections import deque

cimport cython
from libc.stdint cimport uint64_t

from engine.base.shared_words cimport store_word


@cython.final
cdef class SentCalls:
    """The calls of one client at one worker, in order.

    Args:
        writer: the ring to the worker.
        words: the words of the segment.
        place: the place of the word for the tokens of all messages that were sent.

    Attributes:
        tokens: of the calls that have no answer.
    """

    cdef RingWriter writer
    cdef SharedWords words
    cdef size_t place
    cdef dict calls             # sent and not answered, by number
    cdef object backlog         # a deque: what waits for room
    cdef uint64_t number        # of the last that was sent
    cdef uint64_t sent_tokens
    cdef readonly uint64_t tokens

    def __cinit__(self, RingWriter writer not None, SharedWords words not None, size_t place):
        self.writer = writer
        self.words = words
        self.place = place
        self.calls = {}
        self.backlog = deque()

    def __len__(self) -> int:
        """Returns how many calls have no answer."""
        return len(self.calls) + len(self.backlog)

    def has_room(self, uint64_t length) -> bool:
        """Returns whether a message of so many bytes could be sent now."""
        return not self.backlog and self.writer._skip(length) >= 0

    def add(self, call) -> None:
        """Takes a call, to be sent behind the others."""
        cdef uint64_t tokens = call.tokens
        self.backlog.append(call)
        self.tokens += tokens

    def send_next(self):
        """Sends the next call that waits; returns it, or None if there is none or no room."""
        cdef uint64_t tokens
        if not self.backlog or self.writer._skip(self.backlog[0].length) < 0:
            return None
        call = self.backlog[0]
        tokens = call.tokens
        # Python may run in here, and raise; nothing has been changed.
        parts = call.parts(self.number + 1)
        store_word(self.words.word(self.place), self.sent_tokens + tokens)
        if not self.writer.write(parts, call.length):
            return None
        self.number += 1
        self.sent_tokens += tokens
        self.calls[self.number] = call
        self.backlog.popleft()
        return call

    def answered(self, number):
        """Takes a call off by its number, and returns it; None if it is not expected."""
        call = self.calls.pop(number, None)
        if call is not None:
            self.tokens -= <uint64_t>call.tokens
        return call

    def all(self) -> list:
        """Returns the calls that have no answer."""
        return [*self.calls.values(), *self.backlog]

    def clear(self) -> None:
        """Forgets all; answers to them are not expected any more."""
        self.calls.clear()
        self.backlog.clear()
        self.tokens = 0
