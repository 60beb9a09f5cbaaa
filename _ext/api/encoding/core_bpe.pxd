cimport cython

from engine.encode.call cimport Engine
from engine.encode.workspace cimport Workspace


cdef class CoreBPE:
    cdef readonly Vocabulary vocabulary
    cdef SplitPattern split_pattern    # None: `regex_pattern` splits
    cdef object regex_pattern
    cdef readonly str pattern          # as the user wrote it
    cdef readonly SpecialTokens special_tokens
    cdef Engine engine
    # Bytes of the longest token, special or not, so that n bytes of text are at least
    # n / longest_token tokens. 0: the split pattern may leave characters out, or has no automaton.
    cdef readonly size_t longest_token

    @cython.final
    cdef Workspace *take(self, size_t characters=*) except NULL
