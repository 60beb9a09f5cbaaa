from engine.decode.known_ids cimport IdRules


cdef IdRules rules_of(CoreBPE core, bint skip_special, unknown) except *
cdef str name_of_unknown(const IdRules *rules)
cdef int raise_unknown(tokens, size_t place) except -1
cpdef bytes decode_known(CoreBPE core, tokens, bint skip_special, unknown)
