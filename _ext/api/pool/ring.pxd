cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef class RingEnd:
    cdef SharedWords words
    cdef size_t head_place
    cdef size_t tail_place
    cdef object view         # a memoryview of the ring
    cdef Py_buffer buffer    # the same for C; open if `view` is there
    cdef uint64_t size       # bytes of it
    cdef uint64_t head       # of both words what this end knows
    cdef uint64_t tail

    cdef char *memory(self) except NULL


@cython.final
cdef class RingWriter(RingEnd):
    cdef readonly uint64_t largest
    cdef bint has_untold            # whether something was written since `told`
    cdef uint64_t first_untold      # where that begins

    cdef int64_t _skip(self, uint64_t length) except -2
