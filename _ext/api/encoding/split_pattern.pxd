from libc.stdint cimport uint32_t

from engine.split.automaton cimport Automaton
from engine.split.guided cimport Guide


cdef class SplitPattern:
    cdef Automaton tables
    cdef uint32_t state_count
    cdef bint covers_all     # every character of every text is in some piece
    cdef bint reads_chunks   # the automaton splits by itself, which texts in chunks need
    cdef Guide guide         # without tables if the automaton splits

    cdef int _set_guide(self, guided) except -1
    cdef int _set_rules(self, int rules, bytes block_classes, bytes class_kinds) except -1
