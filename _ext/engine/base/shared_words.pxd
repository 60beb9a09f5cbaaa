# Words of 64 bits that two processes share, one of which writes each.
#
# Whoever reads a value also sees everything that its writer wrote before it, the bytes of a ring's
# message for one; and all stores and loads happen in one order, so of two processes that each store
# a word and then load the other's, one sees what the other has stored. Python alone cannot say
# this: the interpreter's stores are plain ones, which a processor may show later, or in another
# order.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #define bpecore_load_word(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
    #define bpecore_store_word(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
    """
    uint64_t load_word "bpecore_load_word" (const uint64_t *place) noexcept nogil
    void store_word "bpecore_store_word" (uint64_t *place, uint64_t value) noexcept nogil
