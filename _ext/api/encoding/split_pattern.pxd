from libc.stdint cimport uint32_t

from engine.split.automaton cimport Automaton


cdef class SplitPattern:
    cdef Automaton tables
    cdef uint32_t state_count
    cdef bint covers_all     # every character of every text is in some piece

    cdef int _set_family(self, int family, bytes block_classes, bytes class_kinds) except -1
