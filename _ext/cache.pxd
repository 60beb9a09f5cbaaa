# A bounded cache of pieces and their ids, used by one call at a time (see workspace.pxd): no lock,
# no atomic, no shared line in the loop.
#
# Two tables. The narrow one has 32-byte entries: pieces of up to 15 bytes with up to three ids
# (nearly all pieces). The wide one has 64-byte entries: pieces of up to 31 bytes with up to six
# ids. A place is one cache line: two narrow entries or one wide one, so a look-up reads one line
# whatever the text does. A new piece replaces the older one of its line, nothing else: no wipe.
# Hashes are keyed with random words a process, so nobody can choose text that keeps colliding.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from memory cimport allocate_zeroed, release
from types cimport STATUS_NO_MEMORY, STATUS_OK, WIDE_PIECE, check, multiply_fold
from vocab cimport Key, load_word

cdef enum:
    NARROW_IDS = 3
    WIDE_IDS = 6
    NARROW_BITS = 15
    NARROW_LINES = 1 << NARROW_BITS   # 64 bytes each, of two entries: 2 MB
    WIDE_ENTRIES = 1 << 13     # 64 bytes each: 0.5 MB

cdef struct NarrowEntry:
    Key key                     # length 0: free
    uint32_t ids[NARROW_IDS]
    uint32_t count              # ids in use, 1 to 3

cdef struct WideKey:
    uint64_t words[4]           # bytes of the piece, and its length in the highest byte

cdef struct WideEntry:
    WideKey key                 # length 0: free
    uint32_t ids[WIDE_IDS]
    uint32_t count              # ids in use, 1 to 6
    uint32_t unused

cdef struct PieceCache:
    NarrowEntry *narrow    # [2 * NARROW_LINES], aligned to cache lines
    WideEntry *wide        # [WIDE_ENTRIES], aligned to cache lines
    void *memory           # owned: what both lie in
    uint64_t seeds[2]


cdef inline int open_cache(PieceCache *cache, const uint64_t *seeds) noexcept nogil:
    cdef size_t narrow_size = NARROW_LINES * 2 * sizeof(NarrowEntry)
    cdef size_t address
    cache.memory = allocate_zeroed(
        narrow_size + WIDE_ENTRIES * sizeof(WideEntry) + 64, 1)
    if cache.memory == NULL:
        return STATUS_NO_MEMORY
    address = (<size_t>cache.memory + 63) & ~<size_t>63
    cache.narrow = <NarrowEntry *>address
    cache.wide = <WideEntry *>(address + narrow_size)
    cache.seeds[0] = seeds[0] | 1
    cache.seeds[1] = seeds[1] | 1
    return STATUS_OK


cdef inline void close_cache(PieceCache *cache) noexcept nogil:
    release(cache.memory)
    cache.memory = NULL


cdef inline NarrowEntry *narrow_line(const PieceCache *cache, Key key) noexcept nogil:
    """Returns the two entries where the piece with this key may be.

    Multiply-shift hashing: with random odd factors, any two keys share a line with a probability
    of at most 2 / NARROW_LINES (Dietzfelbinger et al. 1997).
    """
    return cache.narrow + 2 * (
        (key.low * cache.seeds[0] + key.high * cache.seeds[1]) >> (64 - NARROW_BITS))


cdef inline bint same_key(Key a, Key b) noexcept nogil:
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0


cdef inline void copy_ids(uint32_t *out, const NarrowEntry *entry) noexcept nogil:
    """Writes the entry's ids, and behind them its count, at once: whatever is too much will be
    written over. `out` has room for four."""
    memcpy(out, entry.ids, 4 * sizeof(uint32_t))


cdef inline void keep_narrow(
    NarrowEntry *line, Key key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece with 1 to 3 ids first into its line; what was first becomes second."""
    cdef size_t i
    check(0 < count <= NARROW_IDS)
    line[1] = line[0]
    line.key = key
    for i in range(NARROW_IDS):
        line.ids[i] = ids[i] if i < count else 0
    line.count = <uint32_t>count


cdef inline WideKey wide_key(const uint8_t *piece, size_t length) noexcept nogil:
    """Returns the key of a piece of 1 to 31 bytes."""
    cdef uint8_t copy[32]
    cdef WideKey key
    cdef size_t i
    check(0 < length <= WIDE_PIECE)
    for i in range(4):
        (<uint64_t *>copy)[i] = 0
    memcpy(copy, piece, length)
    copy[31] = <uint8_t>length
    for i in range(4):
        key.words[i] = load_word(copy + 8 * i)
    return key


cdef inline WideEntry *wide_line(const PieceCache *cache, const WideKey *key) noexcept nogil:
    cdef uint64_t state = multiply_fold(
        key.words[0] ^ cache.seeds[0], key.words[1] ^ cache.seeds[1])
    return &cache.wide[multiply_fold(
        key.words[2] ^ cache.seeds[1] ^ state, key.words[3] ^ cache.seeds[0]) & (WIDE_ENTRIES - 1)]


cdef inline bint same_wide_key(const WideKey *a, const WideKey *b) noexcept nogil:
    return ((a.words[0] ^ b.words[0]) | (a.words[1] ^ b.words[1])
            | (a.words[2] ^ b.words[2]) | (a.words[3] ^ b.words[3])) == 0


cdef inline void keep_wide(
    WideEntry *entry, const WideKey *key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece with 1 to 6 ids into its entry."""
    cdef size_t i
    check(0 < count <= WIDE_IDS)
    entry.key = key[0]
    for i in range(WIDE_IDS):
        entry.ids[i] = ids[i] if i < count else 0
    entry.count = <uint32_t>count
