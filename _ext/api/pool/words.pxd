cimport cython
from libc.stdint cimport uint64_t


@cython.final
cdef class SharedWords:
    cdef Py_buffer buffer
    cdef bint is_open
    cdef size_t count

    cpdef release(self)
    cdef uint64_t *word(self, size_t place) except NULL
