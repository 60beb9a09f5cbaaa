# A bounded cache of long pieces and their ids; the part of a piece cache (cache/cache.pxd) for those that
# its other tables have no room for: phrases of scripts that part no words, lines drawn with one
# character.
#
# An entry has 512 bytes, which the piece and its ids share. A line is two entries; a new piece
# replaces the older one of its line, nothing else. The pages become memory as entries are first
# used: most texts have few such pieces.
#
# Time: O(n) for a piece of n bytes, whether it is found or not; merging it would take fifty times
# as long. Loses where no long piece comes twice.

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
    uint64_t words[LONG_WORDS]   # the piece, then in the next whole word its ids


cdef inline uint32_t *long_ids(LongEntry *entry, size_t length) noexcept nogil:
    """Returns where an entry holds the ids of a piece of so many bytes."""
    return <uint32_t *>(entry.words + ((length + 7) >> 3))


cdef inline bint fits_long(size_t length, size_t count) noexcept nogil:
    """Whether an entry has room for a piece of so many bytes and ids."""
    return length <= LONG_PIECE and ((length + 7) >> 3) + ((count + 1) >> 1) <= LONG_WORDS


cdef inline LongEntry *long_line(
    LongEntry *entries, uint64_t mask, const uint64_t *seeds, const uint8_t *piece, size_t length
) noexcept nogil:
    """Returns the two entries where a piece of 16 bytes or more may be.

    Args:
        mask: the number of lines, less 1; below 2^32.
        seeds: two random ones. Who knows them gains nothing: a piece that is not found is merged.
    """
    cdef uint64_t state = length * seeds[0]
    cdef size_t i
    for i in range(0, length - 8, 8):
        state = multiply_fold(state ^ load_word(piece + i), seeds[1])
    state = multiply_fold(state ^ load_word(piece + length - 8), seeds[1])
    return entries + 2 * (state >> 32 & mask)


cdef inline bint copy_long_ids(
    LongEntry *line, const uint8_t *piece, size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Writes the ids that a line has for a piece; returns whether there are any.

    Args:
        out: room for them.
        count: receives how many there are.
    """
    cdef int i
    for i in range(2):
        if line[i].length == length and memcmp(line[i].words, piece, length) == 0:
            count[0] = line[i].count
            memcpy(out, long_ids(line + i, length), count[0] * sizeof(uint32_t))
            return True
    return False


cdef inline void keep_long(
    LongEntry *line, const uint8_t *piece, size_t length, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece into its line. Precondition: it fits."""
    cdef LongEntry *entry = line
    if line.length:
        entry = line + 1
        if entry.length:
            line[1] = line[0]
            entry = line
    entry.length = <uint32_t>length
    entry.count = <uint32_t>count
    memcpy(entry.words, piece, length)
    memcpy(long_ids(entry, length), ids, count * sizeof(uint32_t))
