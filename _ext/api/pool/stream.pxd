cimport cython
from libc.stdint cimport uint32_t

cdef enum:
    TAIL_IDS = 3             # `bpecore/pool/client/streams.py` says why three


@cython.final
cdef class Stream:
    cdef readonly object name
    cdef public object link
    cdef public uint32_t slot
    cdef public bint is_open
    cdef uint32_t[TAIL_IDS] last   # the tail: [count]
    cdef size_t count

    cdef int note(self, const uint32_t *ids, size_t count) except -1
