cdef class BatchItem:
    cdef public object _batch
    cdef public Py_ssize_t _index
    cdef TokenBuffer buffer
    cdef Py_ssize_t start
    cdef Py_ssize_t stop
    cdef list before
    cdef list after
