from engine.sink.id_buffer cimport IdBuffer
from engine.sink.int_lists cimport IntObjects

cdef IntObjects int_objects    # of the lists of ids that this process makes


cdef class TokenBuffer:
    cdef IdBuffer ids
    cdef Py_ssize_t shape[1]
    cdef Py_ssize_t strides[1]

    cdef void finish(self) noexcept
