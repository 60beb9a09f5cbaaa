# Status codes, limits and small operations that all rooms share.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum Status:
    STATUS_OK = 0
    STATUS_NO_MEMORY = 1     # an allocation failed, or a size does not fit
    STATUS_SURROGATE = 2     # the text has a lone surrogate, so it has no UTF-8 form
    STATUS_INTERRUPTED = 3   # the call was interrupted
    STATUS_REFUSED = 4       # the text has a special token that is not allowed
    STATUS_INVALID_UTF8 = 5  # the text is not UTF-8
    STATUS_MISSING_BYTE = 256  # + b: byte b is needed, but is not a token of the vocabulary

cdef enum:
    SHORT_PIECE = 15     # bytes of the longest piece that fits a 16-byte key
    MEDIUM_PIECE = 31    # bytes of the longest piece that fits a 32-byte key
    WIDE_PIECE = 63      # bytes of the longest piece that fits a 64-byte key
    TOKEN_LIMIT = 0x1FFF00  # tokens of a vocabulary: with 256 stand-ins for missing bytes, an index
    #                         fits 21 bits and a pair of indices 42
    NO_TOKEN = 0x1FFFFF  # an index that no token has
    LOAD_SLACK = 64      # readable bytes after a text of ours, for reading whole keys

cdef struct Span:
    # Some bytes of a text, and how far it may be read
    const uint8_t *start          # borrowed
    size_t length                 # bytes
    const uint8_t *readable_end   # one past the last readable byte

cdef extern from "engine/base/platform.h" nogil:
    # An internal assertion, compiled in by BPECORE_DEBUG only.
    void check "bpecore_check" (bint condition) noexcept
    bint likely "bpecore_likely" (bint condition) noexcept
    # Hides a value from the optimiser, so that code depending on it stays branchless.
    uint32_t computed "bpecore_computed" (uint32_t value) noexcept
    void prefetch "bpecore_prefetch" (const void *address) noexcept
    uint64_t count_ones "bpecore_count_ones" (uint64_t word) noexcept
    # Return the place of the lowest and of the highest set bit. Precondition: some bit is set.
    uint64_t lowest_one "bpecore_lowest_one" (uint64_t word) noexcept
    uint64_t highest_one "bpecore_highest_one" (uint64_t word) noexcept
    int lowest_one_of_32 "bpecore_lowest_one_of_32" (uint32_t word) noexcept
    void copy_16 "bpecore_copy_16" (void *out, const void *source) noexcept
    # Returns the exclusive or of the two halves of a 128-bit product.
    uint64_t multiply_fold "bpecore_multiply_fold" (uint64_t a, uint64_t b) noexcept


cdef inline bint has_bit(const uint64_t *words, uint32_t place) noexcept nogil:
    return words[place >> 6] >> (place & 63) & 1


cdef inline void set_bit(uint64_t *words, uint32_t place) noexcept nogil:
    words[place >> 6] |= <uint64_t>1 << (place & 63)


cdef inline void clear_bit(uint64_t *words, uint32_t place) noexcept nogil:
    words[place >> 6] &= ~(<uint64_t>1 << (place & 63))
