cdef object copied(growing)
cdef frozenset names_in(SpecialTokens tokens, bytearray mask)


cdef class Signature:
    cdef object function
