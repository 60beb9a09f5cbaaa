cimport cython


@cython.final
cdef class PackedTexts:
    cdef list texts
    cdef readonly size_t characters
    cdef size_t size

    cdef size_t put(self, char *place, size_t room) except? 0
