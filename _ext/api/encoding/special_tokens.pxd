cimport cython
from libc.stdint cimport int32_t, uint8_t

from engine.decode.ids cimport SpecialBytes
from engine.simd.vectors cimport Vectors
from engine.text.special_tokens cimport SpecialTokens as SpecialTokenTrie
from engine.text.utf8 cimport TextView

cdef bytearray empty_mask    # allows no special token


@cython.final
cdef class SpecialTokens:
    cdef list names
    cdef dict positions           # a special token's place in names
    cdef frozenset usual_set
    cdef set known_set            # the last one found equal to usual_set, never None; one of
    cdef list known_sets          # these, which stay alive: threads read known_set without a lock;
    #                               None at first
    cdef dict ids                 # its bytes to its id
    cdef size_t longest_bytes     # of a special token
    cdef SpecialTokenTrie trie
    cdef SpecialBytes token_bytes
    cdef Vectors vectors

    cdef int _copy_trie(self, trie) except -1
    cdef int _copy_token_bytes(self) except -1
    cdef bytearray permit(self, text, const TextView *view, allowed_special, disallowed_special,
                          special_tokens_set)
    cdef bint _is_usual(self, special_tokens_set) except -1
    cdef tuple masks(self, allowed_special, disallowed_special, special_tokens_set)
    cdef int _learn(self, set found) except -1
    cdef int _refuse_others(self, const TextView *view, allowed_special) except -1
    cdef bytearray _mask_of_others(self, allowed_special)
    cdef int _refuse_strings(self, text, const TextView *view, frozenset names) except -1
    cdef int _refuse_special_tokens(self, const TextView *view, bytearray mask) except -1
    cdef bytearray _mask(self, names)
    cdef bytearray allowed_mask(self, text, allowed_special)
    cdef bytearray _mask_of_strings(self, allowed_special)
