# A piece cache's memory: four tables, which start small and grow with the text seen.
#
# The tables hold narrow, medium and wide entries (cache/entries.pxd) and long ones
# (cache/long_entries.pxd). One call uses a cache at a time (encode/workspace.pxd), so the loop has
# no locks, no atomics and no shared cache lines. Keys are hashed with words that are random per
# process, so nobody can choose text that keeps colliding.
#
# A cache is replaced by a larger one, three times, as it sees more text: a process that counts a
# sentence now and then does not pay for megabytes, and a first call on a megabyte does not clear
# seven. Everything but the long pieces moves along. The two largest lie in huge pages where the
# system provides them, which saves page faults at first and TLB misses later.
#
# Sizes that were tried: docs/decisions/piece-cache.md.

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
    CACHE_SIZES = 4
    POPULATE_FROM = 1 << 17    # bytes from which a cache's pages are made ready at once

cdef extern from *:
    """
    typedef struct {
        size_t since;
        uint32_t narrow_bits, medium_bits, wide_bits, long_bits;
    } bpecore_cache_size;
    static const bpecore_cache_size bpecore_cache_sizes[4] = {
        {0, 10, 6, 5, 3},             /* 64 + 8 + 8 + 8 KB */
        {1 << 16, 13, 10, 9, 7},      /* 512 + 128 + 128 + 128 KB */
        {15 << 16, 14, 12, 11, 8},    /* 1024 + 512 + 512 + 256 KB */
        {15 << 17, 16, 14, 12, 9},    /* 4096 + 2048 + 1024 + 512 KB */
    };
    """
    ctypedef struct CacheSize "bpecore_cache_size":
        size_t since             # characters of text after which a cache gets this size
        uint32_t narrow_bits     # binary logarithms of the numbers of buckets
        uint32_t medium_bits
        uint32_t wide_bits
        uint32_t long_bits
    const CacheSize[CACHE_SIZES] SIZES "bpecore_cache_sizes"

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
    size_t size              # bytes of `memory`
    uint64_t seeds[CACHE_SEEDS]   # random and odd
    size_t replaced          # entries replaced by others so far
    size_t seen              # characters of text looked up so far, while the cache may grow; 0: it
    #                          is empty
    size_t unknown           # short pieces of the last group that the cache did not have
    bint is_new              # whether there were enough of these to learn the next group at once


cdef inline NarrowEntry *narrow_bucket(const PieceCache *cache, Key key) noexcept nogil:
    """Returns the two entries where the piece with this key may be.

    Multiply-shift hashing with random odd factors (Dietzfelbinger et al. 1997). Its highest 16
    bits are used, here as a multiple of a bucket's 64 bytes.
    """
    return <NarrowEntry *>(<uint8_t *>cache.narrow + (
        (key.low * cache.seeds[0] + key.high * cache.seeds[1]) >> 42 & cache.narrow_mask))


cdef inline uint64_t hash_words(
    const PieceCache *cache, const uint64_t *key, size_t words
) noexcept nogil:
    """Returns the 16 bits that choose the bucket of a medium or wide key, as for a narrow one.

    Args:
        words: of the key, known at compile time.
    """
    cdef uint64_t state = 0
    cdef size_t i
    for i in range(words):
        state += key[i] * cache.seeds[i]
    return state >> 48


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


cdef inline void close_cache(PieceCache *cache) noexcept nogil:
    if cache.memory != NULL:
        unmap(cache.memory, cache.size)
    cache.memory = NULL


cdef inline int set_size(PieceCache *cache, const CacheSize *wanted) noexcept nogil:
    """Gives a cache tables of another size with what it holds; on failure it keeps its own."""
    cdef PieceCache before = cache[0]
    cdef size_t narrow_size = 2 * sizeof(NarrowEntry) << wanted.narrow_bits
    cdef size_t medium_size = 2 * sizeof(MediumEntry) << wanted.medium_bits
    cdef size_t usual_size = (narrow_size + medium_size
                              + (2 * sizeof(WideEntry) << wanted.wide_bits))
    cdef size_t size = usual_size + (2 * sizeof(LongEntry) << wanted.long_bits)
    cdef void *memory = map_zeroed(size)
    if memory == NULL:
        return STATUS_NO_MEMORY
    if usual_size >= POPULATE_FROM:
        populate(memory, usual_size, True)
    cache.memory = memory
    cache.size = size
    cache.narrow = <NarrowEntry *>memory
    cache.medium = <MediumEntry *>(<uint8_t *>memory + narrow_size)
    cache.wide = <WideEntry *>(<uint8_t *>memory + narrow_size + medium_size)
    cache.longs = <LongEntry *>(<uint8_t *>memory + usual_size)
    cache.narrow_mask = narrow_size - 2 * sizeof(NarrowEntry)
    cache.medium_mask = (<uint64_t>1 << wanted.medium_bits) - 1
    cache.wide_mask = (<uint64_t>1 << wanted.wide_bits) - 1
    cache.long_mask = (<uint64_t>1 << wanted.long_bits) - 1
    if before.seen:
        take_over(cache, <const NarrowEntry *>before.narrow, <const NarrowEntry *>before.medium)
        take_over(cache, <const MediumEntry *>before.medium, <const MediumEntry *>before.wide)
        take_over(cache, <const WideEntry *>before.wide, <const WideEntry *>before.longs)
    close_cache(&before)
    return STATUS_OK


cdef inline int open_cache(PieceCache *cache, const uint64_t *seeds) noexcept nogil:
    """Opens a small cache. Precondition: `cache` is all zero."""
    cdef int i
    for i in range(CACHE_SEEDS):
        cache.seeds[i] = seeds[i] | 1
    return set_size(cache, SIZES)


cdef inline bint expect_text(PieceCache *cache, size_t size) noexcept nogil:
    """Announces text of `size` characters, for which the cache may grow; returns whether it did.

    If there is no memory to grow, the cache stays as it is and tries again with the next text.
    """
    cdef int wanted = CACHE_SIZES - 1
    cdef size_t before = cache.seen
    cdef bint grows
    if before >= SIZES[wanted].since:
        return False
    while before + size < SIZES[wanted].since:
        wanted -= 1
    grows = before < SIZES[wanted].since
    if grows and set_size(cache, SIZES + wanted) != STATUS_OK:
        cache.seen = max(before, 1)    # it will no longer be empty
        return False
    cache.seen += size
    return grows
