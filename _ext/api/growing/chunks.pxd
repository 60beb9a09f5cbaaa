cdef CoreBPE core_of(encoding)


cdef class StreamText:
    cdef SpecialTokens special_tokens
    cdef bytearray allowed         # a mask; None: all
    cdef bint any_allowed
    cdef bytearray refused         # a mask; None: all
    cdef bint any_refused
    cdef frozenset refused_strings  # if some are not special tokens; otherwise None
    cdef Py_ssize_t overlap        # characters of a refused string that may end the last chunk
    cdef str tail                  # the last `overlap` characters
    cdef str half                  # a high surrogate that waits for its other half, or ""

    cdef tuple permissions(self)
    cdef str refuse(self, str chunk)
    cdef tuple whole_characters(self, str chunk)

cdef object changed_text(encoding, bint counts, StreamText special)
