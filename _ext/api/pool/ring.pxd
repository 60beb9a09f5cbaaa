cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef class RingEnd:
    cdef SharedWords words
    cdef size_t head_place
    cdef size_t tail_place
    cdef object view         # a memoryview of the ring; None once the ring is closed
    cdef Py_buffer buffer    # the same for C; open while `view` is there
    cdef uint64_t size       # of the ring in bytes
    cdef uint64_t head       # the two words as this end knows them
    cdef uint64_t tail

    cdef char *memory(self) except NULL


@cython.final
cdef class RingWriter(RingEnd):
    cdef readonly uint64_t largest
    cdef bint has_unnotified            # whether something was written since `notified`
    cdef uint64_t first_unnotified      # where that begins

    cdef int64_t _skip(self, uint64_t length) except -2
