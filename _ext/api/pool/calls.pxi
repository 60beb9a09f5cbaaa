"""The calls that a client has sent to one worker; each change is one step.

A signal handler may raise between any two lines of Python in the main thread: Ctrl-C, or a timeout.
What must stay together is done here, where no handler runs: a message is in the ring, an answer to
it is expected, and it no longer waits.
"""

from collections import deque

cimport cython
from libc.stdint cimport uint64_t

from engine.base.shared_words cimport publish_word


@cython.final
cdef class SentCalls:
    """The calls of one client at one worker, in order.

    Args:
        writer: the ring to the worker.
        words: the words of the segment.
        place: the number of the word that counts the tokens of all messages sent.

    Attributes:
        tokens: of the calls without an answer.
    """

    cdef RingWriter writer
    cdef SharedWords words
    cdef size_t place
    cdef dict calls             # sent and not answered, by number
    cdef object backlog         # a deque of calls that wait for room
    cdef uint64_t number        # of the last call that was sent
    cdef uint64_t sent_tokens
    cdef readonly uint64_t tokens

    def __cinit__(self, RingWriter writer not None, SharedWords words not None, size_t place):
        self.writer = writer
        self.words = words
        self.place = place
        self.calls = {}
        self.backlog = deque()

    def __len__(self) -> int:
        """Returns how many calls are without an answer."""
        return len(self.calls) + len(self.backlog)

    def has_room(self, uint64_t length) -> bool:
        """Returns whether a message of `length` bytes could be sent now."""
        return not self.backlog and self.writer._skip(length) >= 0

    def add(self, call) -> None:
        """Queues a call, to be sent after the others."""
        cdef uint64_t tokens = call.tokens
        self.backlog.append(call)
        self.tokens += tokens

    def send_next(self):
        """Sends the next waiting call; returns it, or None if none waits or there is no room."""
        cdef uint64_t tokens
        if not self.backlog or self.writer._skip(self.backlog[0].length) < 0:
            return None
        call = self.backlog[0]
        tokens = call.tokens
        # This may run Python code, which may raise; nothing has been changed yet.
        fragments = call.fragments(self.number + 1)
        publish_word(self.words.word(self.place), self.sent_tokens + tokens)
        if not self.writer.write(fragments, call.length):
            return None
        self.number += 1
        self.sent_tokens += tokens
        self.calls[self.number] = call
        self.backlog.popleft()
        return call

    def answered(self, number):
        """Removes a call by its number and returns it; None if no answer to it is expected."""
        call = self.calls.pop(number, None)
        if call is not None:
            self.tokens -= <uint64_t>call.tokens
        return call

    def all(self) -> list:
        """Returns the calls without an answer."""
        return [*self.calls.values(), *self.backlog]

    def clear(self) -> None:
        """Forgets all calls; their answers are no longer expected."""
        self.calls.clear()
        self.backlog.clear()
        self.tokens = 0
