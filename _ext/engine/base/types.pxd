# Names, limits and status codes that every engine file shares.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum Status:
    STATUS_OK = 0
    STATUS_NO_MEMORY = 1     # an allocation failed, or a size does not fit
    STATUS_SURROGATE = 2     # the text holds a lone surrogate: it has no UTF-8 form
    STATUS_INTERRUPTED = 3   # the call was told to end
    STATUS_REFUSED = 4       # the text holds a special token that is not allowed
    STATUS_MISSING_BYTE = 256  # + b: byte b must be emitted, and is no token of the vocabulary

cdef enum:
    SHORT_PIECE = 15     # bytes of the longest piece that one 16-byte key holds
    MEDIUM_PIECE = 31    # bytes of the longest piece that one 32-byte key holds
    WIDE_PIECE = 63      # bytes of the longest piece that one 64-byte key holds
    TOKEN_LIMIT = 0x1FFF00  # tokens of a vocabulary: an index, and 256 stand-ins for missing
    #                         bytes, fit 21 bits, so that a pair of indices fits 42
    NO_TOKEN = 0x1FFFFF  # an index that no token has
    LOAD_SLACK = 64      # bytes that are readable behind a text of ours, for reading whole keys

cdef struct Span:
    # Some bytes of a text, and how far it may be read
    const uint8_t *start          # borrowed
    size_t length                 # bytes
    const uint8_t *readable_end   # one past the last readable byte

cdef extern from *:
    """
    #include <assert.h>
    #define bpecore_check(condition) assert(condition)
    #define bpecore_likely(condition) __builtin_expect(!!(condition), 1)
    #define bpecore_computed(value) \
        ({ __typeof__(value) bpecore_value = (value); \
           __asm__("" : "+r"(bpecore_value)); bpecore_value; })
    #define bpecore_prefetch(address) __builtin_prefetch(address)
    #define bpecore_count_ones(word) __builtin_popcountll(word)
    #define bpecore_lowest_one(word) __builtin_ctzll(word)
    #define bpecore_highest_one(word) (63 - __builtin_clzll(word))
    static inline uint64_t bpecore_multiply_fold(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    # An internal assertion: compiled in by BPECORE_DEBUG only.
    void check "bpecore_check" (bint condition) noexcept nogil
    bint likely "bpecore_likely" (bint condition) noexcept nogil
    # The value itself, of which the compiler cannot tell how it came about: what depends on it is
    # computed, instead of being decided by a branch that nobody can foretell.
    uint32_t computed "bpecore_computed" (uint32_t value) noexcept nogil
    void prefetch "bpecore_prefetch" (const void *address) noexcept nogil
    uint64_t count_ones "bpecore_count_ones" (uint64_t word) noexcept nogil
    # The place of the lowest bit that is set; some bit must be.
    uint64_t lowest_one "bpecore_lowest_one" (uint64_t word) noexcept nogil
    # The place of the highest one; some bit must be set.
    uint64_t highest_one "bpecore_highest_one" (uint64_t word) noexcept nogil
    # The 128-bit product of two words, its halves folded by exclusive or.
    uint64_t multiply_fold "bpecore_multiply_fold" (uint64_t a, uint64_t b) noexcept nogil


cdef inline bint has_bit(const uint64_t *words, uint32_t place) noexcept nogil:
    return words[place >> 6] >> (place & 63) & 1


cdef inline void set_bit(uint64_t *words, uint32_t place) noexcept nogil:
    words[place >> 6] |= <uint64_t>1 << (place & 63)


cdef inline void clear_bit(uint64_t *words, uint32_t place) noexcept nogil:
    words[place >> 6] &= ~(<uint64_t>1 << (place & 63))
