"""`Stream`: a growing text in a pool, as its client sees it."""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove


cdef class Stream:
    """One sequence of ids that becomes text.

    Its state changes under a lock of `bpecore/pool/`.

    Attributes:
        name: what its user calls it.
        link: the worker that holds its state; None: currently none.
        slot: its number there.
        tail: the last ids that were taken, at most three.
        is_open: whether it may be fed; False as soon as it is to be closed.
    """

    def __cinit__(self, name):
        self.name = name
        self.is_open = True

    @property
    def tail(self) -> tuple:
        return tuple([self.last[i] for i in range(self.count)])

    cdef int note(self, const uint32_t *ids, size_t count) except -1:
        """Notes ids that were taken."""
        cdef size_t new = min(count, <size_t>TAIL_IDS)
        cdef size_t kept = min(self.count, TAIL_IDS - new)
        memmove(self.last, self.last + self.count - kept, kept * sizeof(uint32_t))
        memcpy(self.last + kept, ids + count - new, new * sizeof(uint32_t))
        self.count = kept + new
        return 0
