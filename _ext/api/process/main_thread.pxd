cdef bint handles_signals()
