cdef int open_ids(memory, Py_buffer *buffer) except -1
