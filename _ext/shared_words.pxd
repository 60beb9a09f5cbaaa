# Words of 64 bits that two processes share, one of which writes each.
#
# A store releases and a load acquires: whoever reads a value also sees everything that its writer
# wrote before it, the bytes of a ring's message for one. Python alone cannot say this: the
# interpreter's stores are plain ones, which a weakly ordered processor may show in another order.

from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #define bpecore_load_word(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
    #define bpecore_store_word(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)
    """
    uint64_t load_word "bpecore_load_word" (const uint64_t *place) noexcept nogil
    void store_word "bpecore_store_word" (uint64_t *place, uint64_t value) noexcept nogil
