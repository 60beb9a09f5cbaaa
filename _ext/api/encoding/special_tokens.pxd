cimport cython

from engine.decode.ids cimport SpecialBytes
from engine.simd.vectors cimport Vectors
from engine.text.special_tokens cimport SpecialTokens as SpecialTokenTrie


@cython.final
cdef class SpecialTokens:
    cdef list names               # the special tokens, then the added ones
    cdef dict positions           # the place of each in `names`
    cdef frozenset usual_set      # the special tokens
    cdef Py_ssize_t usual_count
    cdef bytearray always         # the mask of the added tokens; `empty_mask` if there are none
    cdef bytearray refusable      # the mask of the special tokens; None if there are no others
    cdef readonly dict added      # the id of each added token
    cdef dict kept                # ids that are decoded although special tokens are left out
    cdef dict ids                 # the id of each special token's bytes
    cdef size_t longest_bytes     # of a special token
    cdef SpecialTokenTrie trie
    cdef SpecialBytes token_bytes
    cdef Vectors vectors
    # Sets that were found equal to `usual_set`. `known_set` is the last of them, and never None.
    # All stay alive in `known_sets`, because threads read `known_set` without a lock.
    cdef set known_set
    cdef list known_sets

    cdef int _copy_trie(self, tuple tables) except -1
    cdef int _copy_beginnings(self) except -1
    cdef int _copy_token_bytes(self) except -1
    cdef int learn(self, set found) except -1


cdef void *copy_bytes(bytes source) except NULL
