# The table of a piece cache for pieces that its other tables have no room for: phrases in scripts
# that do not separate words, rules drawn with one character.
#
# The piece and its ids share an entry of 512 bytes. A bucket is two entries; a new piece replaces
# the older one and nothing else. Memory pages are taken as entries are first used, because most
# texts have few such pieces.
#
# Time: O(n) for a piece of n bytes, found or not; merging it would take fifty times as long. Loses
# where no long piece comes twice.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from engine.base.types cimport multiply_fold
from engine.vocab.tables cimport load_word

cdef enum:
    LONG_WORDS = 63       # 8-byte words of an entry for the piece's bytes and its ids
    LONG_PIECE = 8 * LONG_WORDS - 8

cdef struct LongEntry:
    uint32_t length       # bytes of the piece; 0: free
    uint32_t count        # ids
    uint64_t words[LONG_WORDS]   # the piece, then its ids from the next whole word on


cdef inline uint32_t *long_ids(LongEntry *entry, size_t length) noexcept nogil:
    """Returns where an entry holds the ids of a piece of `length` bytes."""
    return <uint32_t *>(entry.words + ((length + 7) >> 3))


cdef inline bint fits_long(size_t length, size_t count) noexcept nogil:
    """Returns whether an entry has room for a piece of `length` bytes and `count` ids."""
    return length <= LONG_PIECE and ((length + 7) >> 3) + ((count + 1) >> 1) <= LONG_WORDS


cdef inline LongEntry *long_bucket(
    LongEntry *entries, uint64_t mask, const uint64_t *seeds, const uint8_t *piece, size_t length
) noexcept nogil:
    """Returns the two entries where a piece of more than SHORT_PIECE bytes may be.

    Args:
        mask: the number of buckets, less 1; below 2^32.
        seeds: two random words. Knowing them helps no attacker: a piece not found is merged.
    """
    cdef uint64_t state = length * seeds[0]
    cdef size_t i
    for i in range(0, length - 8, 8):
        state = multiply_fold(state ^ load_word(piece + i), seeds[1])
    state = multiply_fold(state ^ load_word(piece + length - 8), seeds[1])
    return entries + 2 * (state >> 32 & mask)


cdef inline bint copy_long_ids(
    LongEntry *bucket, const uint8_t *piece, size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Writes the ids a bucket has for a piece, and their count; returns whether it has any."""
    cdef int i
    for i in range(2):
        if bucket[i].length == length and memcmp(bucket[i].words, piece, length) == 0:
            count[0] = bucket[i].count
            memcpy(out, long_ids(bucket + i, length), count[0] * sizeof(uint32_t))
            return True
    return False


cdef inline void keep_long(
    LongEntry *bucket, const uint8_t *piece, size_t length, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece into its bucket. Precondition: `fits_long`."""
    cdef LongEntry *entry = bucket
    if bucket.length:
        entry = bucket + 1
        if entry.length:
            bucket[1] = bucket[0]
            entry = bucket
    entry.length = <uint32_t>length
    entry.count = <uint32_t>count
    memcpy(entry.words, piece, length)
    memcpy(long_ids(entry, length), ids, count * sizeof(uint32_t))
