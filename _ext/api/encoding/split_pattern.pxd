from engine.split.automaton cimport Automaton


cdef class SplitPattern:
    cdef Automaton tables
    cdef bint covers_all     # every character of every text is in some piece

    cdef int _set_family(self, int family, bytes block_classes, bytes class_kinds) except -1
