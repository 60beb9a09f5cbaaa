cdef int put(list texts, size_t place, str text) except -1
