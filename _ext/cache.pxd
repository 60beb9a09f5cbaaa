# A bounded cache of pieces and their ids, used by one call at a time (see workspace.pxd): no lock,
# no atomic, no shared line in the loop.
#
# Two tables. The narrow one has 32-byte entries: pieces of up to 15 bytes with up to three ids
# (nearly all pieces). The wide one has 64-byte entries: pieces of up to 31 bytes with up to six
# ids. A place is one cache line: two narrow entries or one wide one, so a look-up reads one line
# whatever the text does. A new piece replaces the older one of its line, nothing else: no wipe.
# Hashes are keyed with random words a process, so nobody can choose text that keeps colliding.
#
# A cache begins small and is replaced by a large one once it has seen some text, so that a process
# that counts a sentence now and then does not pay for megabytes. The large one lies in huge pages
# where the system gives them: fewer page faults when it is new, fewer misses of the TLB later.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from memory cimport map_zeroed, unmap
from types cimport STATUS_NO_MEMORY, STATUS_OK, WIDE_PIECE, check, multiply_fold
from vocab cimport Key, load_word

cdef enum:
    NARROW_IDS = 3
    WIDE_IDS = 6
    SMALL_NARROW_BITS = 10     # 2^10 lines of two entries: 64 KB
    SMALL_WIDE_BITS = 8        # 2^8 entries of 64 bytes: 16 KB
    LARGE_NARROW_BITS = 16     # 4 MB
    LARGE_WIDE_BITS = 15       # 2 MB
    LARGE_FROM = 1 << 16       # bytes of text after which a cache is made large

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
    NarrowEntry *narrow      # two entries a line of 64 bytes
    WideEntry *wide
    uint32_t narrow_shift    # 64 less the binary logarithm of the number of lines
    uint64_t wide_mask       # the number of wide entries, less 1
    void *memory             # owned: what both lie in
    size_t size              # bytes of it
    uint64_t seeds[2]
    size_t seen              # bytes of text looked up so far, while the cache is small


cdef inline int set_size(PieceCache *cache, uint32_t narrow_bits, uint32_t wide_bits) \
        noexcept nogil:
    """Gives a cache empty tables of these sizes; on failure it keeps those it has."""
    cdef size_t narrow_size = <size_t>64 << narrow_bits
    cdef size_t size = narrow_size + (<size_t>64 << wide_bits)
    cdef void *memory = map_zeroed(size)
    if memory == NULL:
        return STATUS_NO_MEMORY
    close_cache(cache)
    cache.memory = memory
    cache.size = size
    cache.narrow = <NarrowEntry *>memory
    cache.wide = <WideEntry *>(<uint8_t *>memory + narrow_size)
    cache.narrow_shift = 64 - narrow_bits
    cache.wide_mask = (<uint64_t>1 << wide_bits) - 1
    return STATUS_OK


cdef inline int open_cache(PieceCache *cache, const uint64_t *seeds) noexcept nogil:
    """Opens a small cache. Precondition: all of `cache` is zero."""
    cache.seeds[0] = seeds[0] | 1
    cache.seeds[1] = seeds[1] | 1
    return set_size(cache, SMALL_NARROW_BITS, SMALL_WIDE_BITS)


cdef inline void expect_text(PieceCache *cache, size_t size) noexcept nogil:
    """Tells a cache that so many bytes of text will be looked up; it may grow, and is then empty.

    Without memory to grow it stays as it is.
    """
    if cache.seen < LARGE_FROM:
        cache.seen += size
        if cache.seen >= LARGE_FROM:
            set_size(cache, LARGE_NARROW_BITS, LARGE_WIDE_BITS)


cdef inline void close_cache(PieceCache *cache) noexcept nogil:
    if cache.memory != NULL:
        unmap(cache.memory, cache.size)
    cache.memory = NULL


cdef inline NarrowEntry *narrow_line(const PieceCache *cache, Key key) noexcept nogil:
    """Returns the two entries where the piece with this key may be.

    Multiply-shift hashing: with random odd factors, any two keys share a line with a probability
    of at most 2 / the number of lines (Dietzfelbinger et al. 1997).
    """
    return cache.narrow + 2 * (
        (key.low * cache.seeds[0] + key.high * cache.seeds[1]) >> cache.narrow_shift)


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
        key.words[2] ^ cache.seeds[1] ^ state, key.words[3] ^ cache.seeds[0]) & cache.wide_mask]


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
