# A piece cache's memory: four tables, which start small and grow with the text seen.
#
# The tables hold narrow, medium and wide entries (cache/entries.pxd) and long ones
# (cache/long_entries.pxd). One call uses a cache at a time (encode/workspace.pxd), so the loop has
# no locks, no atomics and no shared cache lines. Keys are hashed with words that are random per
# process, so nobody can choose text that keeps colliding.
#
# A cache is replaced by a larger one as it sees more text, and again in a call that has much to do
# (cache/growth.pxd). Everything but the long pieces moves along. From 2 MB on it lies in huge pages
# where the system provides them, which saves page faults at first and TLB misses later.
#
# Sizes that were tried: docs/decisions/piece-cache.md and docs/decisions/cache-memory.md.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.mappings cimport map_zeroed, populate, unmap
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.cache.entries cimport (
    MEDIUM_WORDS, WIDE_WORDS, WITHOUT_IDS, Entry, MediumEntry, NarrowEntry, WideEntry, is_free,
    place_for)
from engine.cache.long_entries cimport LongEntry
from engine.vocab.tables cimport Key

cdef enum:
    CACHE_SEEDS = 8
    CACHE_SIZES = 7
    USUAL_SIZE = 3             # the largest that text seen is enough for
    POPULATE_FROM = 1 << 17    # bytes from which a cache's pages are made ready at once

cdef extern from *:
    """
    typedef struct {
        size_t since;
        uint32_t narrow_bits, medium_bits, wide_bits, long_bits;
    } bpecore_cache_size;
    static const bpecore_cache_size bpecore_cache_sizes[7] = {
        {0, 10, 6, 5, 3},             /* 64 + 8 + 8 + 8 KB */
        {1 << 16, 13, 10, 9, 7},      /* 512 + 128 + 128 + 128 KB */
        {15 << 16, 14, 12, 11, 8},    /* 1024 + 512 + 512 + 256 KB */
        {15 << 17, 16, 14, 12, 9},    /* 4 + 2 + 1 + 0.5 MB */
        {SIZE_MAX, 17, 15, 13, 10},   /* 8 + 4 + 2 + 1 MB */
        {SIZE_MAX, 18, 16, 14, 11},   /* 16 + 8 + 4 + 2 MB */
        {SIZE_MAX, 19, 17, 15, 12},   /* 32 + 16 + 8 + 4 MB */
    };
    """
    ctypedef struct CacheSize "bpecore_cache_size":
        size_t since             # characters of text after which a cache gets this size; SIZE_MAX:
        #                          text alone is no reason
        uint32_t narrow_bits     # binary logarithms of the numbers of buckets
        uint32_t medium_bits
        uint32_t wide_bits
        uint32_t long_bits
    const CacheSize[CACHE_SIZES] SIZES "bpecore_cache_sizes"

cdef struct CacheTotals:
    # What all caches of a vocabulary have; atomic
    size_t count
    size_t bytes

cdef struct PieceCache:
    NarrowEntry *narrow      # two entries per bucket of 64 bytes
    MediumEntry *medium      # two entries per bucket of 128 bytes
    WideEntry *wide          # two entries per bucket of 256 bytes
    LongEntry *longs         # two entries per bucket of 1024 bytes
    uint64_t narrow_mask     # the number of buckets, less 1, times the bytes of a bucket
    uint64_t medium_mask     # the number of medium buckets, less 1
    uint64_t wide_mask       # the number of wide buckets, less 1
    uint64_t long_mask       # the number of long buckets, less 1
    void *memory             # owned: holds all four tables
    int size                 # which of SIZES it has
    uint64_t seeds[CACHE_SEEDS]   # random and odd
    size_t replaced          # entries replaced by others so far
    size_t seen              # characters of text looked up so far, while the cache may grow; 0: it
    #                          is empty
    int usual                # the size that it gets when it has seen enough text
    int kept                 # the largest that it may have between calls
    int most                 # the largest that it may have in this call
    size_t full              # `replaced` from which it gets the size `most`; SIZE_MAX: never
    void *before             # owned: its memory from before that, for the next call, or NULL
    int size_before          # which of SIZES that has
    CacheTotals *totals      # borrowed
    size_t looked_up         # pieces since it was last decided whether the cache is new
    size_t unknown           # those of up to SHORT_PIECE bytes that it did not have
    bint is_new              # whether there were so many that the next ones are put off


cdef extern from "engine/base/platform.h" nogil:
    size_t add_to_total "bpecore_add_relaxed" (size_t *place, size_t amount) noexcept


cdef inline NarrowEntry *narrow_bucket(const PieceCache *cache, Key key) noexcept nogil:
    """Returns the two entries where the piece with this key may be.

    Multiply-shift hashing with random odd factors (Dietzfelbinger et al. 1997). Of its highest 20
    bits the lower ones are used, here as a multiple of a bucket's 64 bytes.
    """
    return <NarrowEntry *>(<uint8_t *>cache.narrow + (
        (key.low * cache.seeds[0] + key.high * cache.seeds[1]) >> 38 & cache.narrow_mask))


cdef inline uint64_t hash_words(
    const PieceCache *cache, const uint64_t *key, size_t words
) noexcept nogil:
    """Returns the 20 bits that choose the bucket of a medium or wide key, as for a narrow one.

    Args:
        words: of the key, known at compile time.
    """
    cdef uint64_t state = 0
    cdef size_t i
    for i in range(words):
        state += key[i] * cache.seeds[i]
    return state >> 44


cdef inline MediumEntry *medium_bucket(const PieceCache *cache, const uint64_t *key) noexcept nogil:
    """Returns the two entries where the piece with this key may be."""
    return cache.medium + 2 * (hash_words(cache, key, MEDIUM_WORDS) & cache.medium_mask)


cdef inline WideEntry *wide_bucket(const PieceCache *cache, const uint64_t *key) noexcept nogil:
    """Returns the two entries where the piece with this key may be."""
    return cache.wide + 2 * (hash_words(cache, key, WIDE_WORDS) & cache.wide_mask)


cdef inline void take_over(PieceCache *cache, const Entry *entry, const Entry *end) noexcept nogil:
    """Copies the entries of a smaller cache's table into an empty, larger cache."""
    cdef Entry *bucket
    cdef Key key
    while entry < end:
        if not is_free(entry):
            if Entry is NarrowEntry:
                key = entry.key
                key.high &= ~WITHOUT_IDS
                bucket = narrow_bucket(cache, key)
            elif Entry is MediumEntry:
                bucket = medium_bucket(cache, entry.key)
            else:
                bucket = wide_bucket(cache, entry.key)
            place_for(bucket, &cache.replaced)[0] = entry[0]
        entry += 1


cdef inline size_t narrow_bytes(int size) noexcept nogil:
    return 2 * sizeof(NarrowEntry) << SIZES[size].narrow_bits


cdef inline size_t medium_bytes(int size) noexcept nogil:
    return 2 * sizeof(MediumEntry) << SIZES[size].medium_bits


cdef inline size_t usual_bytes(int size) noexcept nogil:
    """Returns the bytes of all tables but that of long pieces."""
    return (narrow_bytes(size) + medium_bytes(size)
            + (2 * sizeof(WideEntry) << SIZES[size].wide_bits))


cdef inline size_t bytes_of_size(int size) noexcept nogil:
    """Returns the bytes of a cache of this size."""
    return usual_bytes(size) + (2 * sizeof(LongEntry) << SIZES[size].long_bits)


cdef inline void *map_tables(PieceCache *cache, int size) noexcept nogil:
    """Returns zeroed memory for tables of this size, or NULL."""
    cdef void *memory = map_zeroed(bytes_of_size(size))
    if memory != NULL:
        add_to_total(&cache.totals.bytes, bytes_of_size(size))
        if size >= USUAL_SIZE:
            populate(memory, bytes_of_size(size), True)
        elif usual_bytes(size) >= POPULATE_FROM:
            populate(memory, usual_bytes(size), True)
    return memory


cdef inline void unmap_tables(PieceCache *cache, void *memory, int size) noexcept nogil:
    """Frees memory of `map_tables`, or NULL."""
    if memory != NULL:
        unmap(memory, bytes_of_size(size))
        add_to_total(&cache.totals.bytes, <size_t>0 - bytes_of_size(size))


cdef inline void lay_out(PieceCache *cache, void *memory, int size) noexcept nogil:
    """Makes the tables in some memory those of a cache."""
    cdef const CacheSize *bits = SIZES + size
    cache.memory = memory
    cache.size = size
    cache.narrow = <NarrowEntry *>memory
    cache.medium = <MediumEntry *>(<uint8_t *>memory + narrow_bytes(size))
    cache.wide = <WideEntry *>(<uint8_t *>cache.medium + medium_bytes(size))
    cache.longs = <LongEntry *>(<uint8_t *>memory + usual_bytes(size))
    cache.narrow_mask = narrow_bytes(size) - 2 * sizeof(NarrowEntry)
    cache.medium_mask = (<uint64_t>1 << bits.medium_bits) - 1
    cache.wide_mask = (<uint64_t>1 << bits.wide_bits) - 1
    cache.long_mask = (<uint64_t>1 << bits.long_bits) - 1


cdef inline int enlarge(PieceCache *cache, int size, bint keeping) noexcept nogil:
    """Gives a cache larger tables with what it holds; on failure it keeps its own.

    Args:
        size: which of SIZES.
        keeping: whether its smaller tables stay in memory, as `before`.
    """
    cdef PieceCache smaller = cache[0]
    cdef void *memory = map_tables(cache, size)
    if memory == NULL:
        return STATUS_NO_MEMORY
    lay_out(cache, memory, size)
    if smaller.seen or smaller.replaced:
        take_over(cache, <const NarrowEntry *>smaller.narrow, <const NarrowEntry *>smaller.medium)
        take_over(cache, <const MediumEntry *>smaller.medium, <const MediumEntry *>smaller.wide)
        take_over(cache, <const WideEntry *>smaller.wide, <const WideEntry *>smaller.longs)
    if keeping:
        cache.before = smaller.memory
        cache.size_before = smaller.size
    else:
        unmap_tables(cache, smaller.memory, smaller.size)
    return STATUS_OK


cdef inline int open_cache(
    PieceCache *cache, const uint64_t *seeds, CacheTotals *totals
) noexcept nogil:
    """Opens a small cache. Precondition: `cache` is all zero."""
    cdef void *memory
    cdef int i
    for i in range(CACHE_SEEDS):
        cache.seeds[i] = seeds[i] | 1
    cache.totals = totals
    memory = map_tables(cache, 0)
    if memory == NULL:
        return STATUS_NO_MEMORY
    lay_out(cache, memory, 0)
    add_to_total(&totals.count, 1)
    return STATUS_OK


cdef inline void close_cache(PieceCache *cache) noexcept nogil:
    """Frees a cache's memory; one that could not be opened has none."""
    if cache.memory == NULL:
        return
    unmap_tables(cache, cache.memory, cache.size)
    unmap_tables(cache, cache.before, cache.size_before)
    cache.memory = NULL
    add_to_total(&cache.totals.count, <size_t>0 - 1)
