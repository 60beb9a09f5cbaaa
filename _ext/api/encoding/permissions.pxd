from engine.text.utf8 cimport TextView

cdef bytearray empty_mask    # allows no special token

cdef bytearray permit(SpecialTokens tokens, text, const TextView *view, allowed_special,
                      disallowed_special, special_tokens_set)
cdef bytearray allowed_mask(SpecialTokens tokens, text, allowed_special)
cpdef others_of(special_tokens_set, allowed_special)
cpdef frozenset disallowed_strings(disallowed_special)
cdef tuple masks_of(SpecialTokens tokens, allowed_special, disallowed_special, special_tokens_set)
cdef bytearray mask_of_strings(SpecialTokens tokens, allowed_special)
cdef bytearray mask_of_names(SpecialTokens tokens, names)
cdef int refuse_tokens(SpecialTokens tokens, const TextView *view, bytearray mask) except -1
