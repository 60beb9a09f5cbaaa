# A bounded cache of pieces and their ids, used by one call at a time (see encode/workspace.pxd): no lock,
# no atomic, no shared line in the loop.
#
# Four tables: narrow, medium and wide entries (cache/entries.pxd), and long ones (cache/long_entries.pxd).
# A piece goes to the first that has room for its bytes. If a narrow or medium entry has none for
# its ids, it has their count, and they are in the next table that has room. What is not in the wide
# table may be in the long one.
# Hashes are keyed with random words a process, so nobody can choose text that keeps colliding.
#
# A cache begins small and is replaced by a larger one, three times, as it sees more text, so that a
# process that counts a sentence now and then does not pay for megabytes, and a first call on a
# megabyte does not clear seven. What it knew goes with it, but for long pieces. The two largest lie
# in huge pages where the system gives them, of which the smaller one fills one: fewer page faults
# when new, fewer misses of the TLB later.
#
# Tried (benchmarks/NOTES.md): half as many narrow lines, which fit the second-level cache better: a
# fifth slower. The wide table in small pages, of which most texts touch few: a first call on a
# megabyte 6 % slower. No medium table, but twice as many wide entries.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.cache.entries cimport (
    MEDIUM_IDS, MEDIUM_WORDS, NARROW_IDS, WIDE_IDS, WIDE_WORDS, WITHOUT_IDS, LargeEntry,
    MediumEntry, NarrowEntry, WideEntry, copy_large_ids, is_free, make_key, marked, place_for,
    widen_key)
from engine.cache.long_entries cimport (
    LONG_PIECE, LongEntry, copy_long_ids, fits_long, keep_long, long_line)
from engine.base.mappings cimport map_zeroed, populate, unmap
from engine.base.types cimport SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, WIDE_PIECE, check, prefetch
from engine.vocab.tables cimport Key, length_of

cdef enum:
    CACHE_SEEDS = 8
    CACHE_SIZES = 4
    POPULATE_FROM = 1 << 17    # bytes of a cache whose pages are made ready at once

cdef extern from *:
    """
    /* A line where no piece is: its keys belong to none. */
    static const uint64_t bpecore_no_line[8] = {~0ull, ~0ull, 0, 0, ~0ull, ~0ull, 0, 0};
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
        size_t since             # characters of text after which a cache is made so large
        uint32_t narrow_bits     # binary logarithms of the numbers of lines
        uint32_t medium_bits
        uint32_t wide_bits
        uint32_t long_bits
    const CacheSize[CACHE_SIZES] SIZES "bpecore_cache_sizes"
    const uint64_t[8] NO_LINE "bpecore_no_line"

cdef struct PieceCache:
    NarrowEntry *narrow      # two entries a line of 64 bytes
    MediumEntry *medium      # two entries a line of 128 bytes
    WideEntry *wide          # two entries a line of 256 bytes
    LongEntry *longs         # two entries a line of 1024 bytes
    uint64_t narrow_mask     # the number of lines, less 1, times the bytes of a line
    uint64_t medium_mask     # the number of medium lines, less 1
    uint64_t wide_mask       # the number of wide lines, less 1
    uint64_t long_mask       # the number of long lines, less 1
    void *memory             # owned: what all lie in
    size_t size              # bytes of it
    uint64_t seeds[CACHE_SEEDS]   # random and odd
    size_t given_up          # entries that made room for others
    size_t seen              # characters of text looked up so far, while the cache may grow; 0: it
    #                          knows nothing

cdef struct LargeProbe:
    uint64_t key[WIDE_WORDS]   # of a piece of up to WIDE_PIECE bytes, for the table of medium
    #                            entries (MEDIUM_WORDS of it) or of wide ones
    void *line                 # where it may be: a MediumEntry or a WideEntry


cdef inline int set_size(PieceCache *cache, const CacheSize *wanted) noexcept nogil:
    """Gives a cache tables of some size, into which goes what it knew; on failure it keeps those it
    has."""
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
        take_over(cache, &before)
    close_cache(&before)
    return STATUS_OK


cdef inline int open_cache(PieceCache *cache, const uint64_t *seeds) noexcept nogil:
    """Opens a small cache. Precondition: all of `cache` is zero."""
    cdef int i
    for i in range(CACHE_SEEDS):
        cache.seeds[i] = seeds[i] | 1
    return set_size(cache, SIZES)


cdef inline bint expect_text(PieceCache *cache, size_t size) noexcept nogil:
    """Tells a cache that so many characters will be looked up; it may grow.

    Without memory to grow it stays as it is, and tries again with the next text.

    Returns:
        Whether it has just grown.
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
        cache.seen = max(before, 1)    # it will know something
        return False
    cache.seen += size
    return grows


cdef inline void close_cache(PieceCache *cache) noexcept nogil:
    if cache.memory != NULL:
        unmap(cache.memory, cache.size)
    cache.memory = NULL


cdef inline NarrowEntry *narrow_line(const PieceCache *cache, Key key) noexcept nogil:
    """Returns the two entries where the piece with this key may be.

    Multiply-shift hashing with random odd factors (Dietzfelbinger et al. 1997), of which the
    highest 16 bits are used, here as a multiple of the 64 bytes of a line.
    """
    return <NarrowEntry *>(<uint8_t *>cache.narrow + (
        (key.low * cache.seeds[0] + key.high * cache.seeds[1]) >> 42 & cache.narrow_mask))


cdef inline uint64_t hash_words(
    const PieceCache *cache, const uint64_t *key, size_t words
) noexcept nogil:
    """Returns the 16 bits that choose the line of a medium or wide key, as for a narrow one.

    Args:
        words: of the key, known when this is compiled.
    """
    cdef uint64_t state = 0
    cdef size_t i
    for i in range(words):
        state += key[i] * cache.seeds[i]
    return state >> 48


cdef inline MediumEntry *medium_line(const PieceCache *cache, const uint64_t *key) noexcept nogil:
    """Returns the two entries where the piece with this key may be."""
    return cache.medium + 2 * (hash_words(cache, key, MEDIUM_WORDS) & cache.medium_mask)


cdef inline WideEntry *wide_line(const PieceCache *cache, const uint64_t *key) noexcept nogil:
    """Returns the two entries where the piece with this key may be."""
    return cache.wide + 2 * (hash_words(cache, key, WIDE_WORDS) & cache.wide_mask)


cdef inline void take_over(PieceCache *cache, const PieceCache *before) noexcept nogil:
    """Puts what a smaller cache knows into a cache that knows nothing, but for long pieces."""
    cdef const NarrowEntry *narrow = before.narrow
    cdef const MediumEntry *medium = before.medium
    cdef const WideEntry *wide = before.wide
    cdef Key key
    while narrow < <const NarrowEntry *>before.medium:
        if not is_free(narrow):
            key = narrow.key
            key.high &= ~WITHOUT_IDS
            place_for(narrow_line(cache, key), &cache.given_up)[0] = narrow[0]
        narrow += 1
    while medium < <const MediumEntry *>before.wide:
        if not is_free(medium):
            place_for(medium_line(cache, medium.key), &cache.given_up)[0] = medium[0]
        medium += 1
    while wide < <const WideEntry *>before.longs:
        if not is_free(wide):
            place_for(wide_line(cache, wide.key), &cache.given_up)[0] = wide[0]
        wide += 1


cdef inline void ask_medium(const PieceCache *cache, LargeProbe *probe) noexcept nogil:
    """Asks for the line of the medium key that a probe has."""
    cdef MediumEntry *line = medium_line(cache, probe.key)
    prefetch(line)
    prefetch(line + 1)
    probe.line = line


cdef inline void ask_wide(const PieceCache *cache, LargeProbe *probe) noexcept nogil:
    """Asks for the line of the wide key that a probe has."""
    cdef WideEntry *line = wide_line(cache, probe.key)
    prefetch(&line.key)
    prefetch(&line.ids)
    probe.line = line


cdef inline void probe_medium(
    const PieceCache *cache, const uint8_t *piece, size_t length, const uint8_t *readable_end,
    LargeProbe *probe
) noexcept nogil:
    """Makes the key of a piece of up to MEDIUM_PIECE bytes and asks for its line."""
    make_key(probe.key, MEDIUM_WORDS, piece, length, readable_end)
    ask_medium(cache, probe)


cdef inline void probe_wide(
    const PieceCache *cache, const uint8_t *piece, size_t length, const uint8_t *readable_end,
    LargeProbe *probe
) noexcept nogil:
    """Makes the key of a piece of up to WIDE_PIECE bytes and asks for its line."""
    make_key(probe.key, WIDE_WORDS, piece, length, readable_end)
    ask_wide(cache, probe)


cdef inline void probe_medium_again(
    const PieceCache *cache, const Key *key, LargeProbe *probe
) noexcept nogil:
    """Does it for a short piece, which the narrow table says to have too many ids."""
    widen_key(<const uint64_t *>key, sizeof(Key) // sizeof(uint64_t), probe.key, MEDIUM_WORDS)
    ask_medium(cache, probe)


cdef inline void probe_wide_again(
    const PieceCache *cache, const LargeProbe *medium, LargeProbe *probe
) noexcept nogil:
    """Does it for a piece which the medium table says to have too many ids."""
    widen_key(medium.key, MEDIUM_WORDS, probe.key, WIDE_WORDS)
    ask_wide(cache, probe)


cdef inline void keep_narrow(
    PieceCache *cache, NarrowEntry *line, Key key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece into its line or its neighbour.

    Args:
        key: marked if the piece has more ids than an entry has room for.
    """
    cdef NarrowEntry *entry = place_for(line, &cache.given_up)
    cdef size_t i
    check((count > NARROW_IDS) == (key.high & WITHOUT_IDS != 0))
    entry.key = key
    for i in range(NARROW_IDS):
        entry.ids[i] = ids[i] if i < count else 0
    entry.count = <uint32_t>count


cdef inline void keep_large(
    PieceCache *cache, LargeEntry *line, const uint64_t *key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece into its line or its neighbour."""
    cdef LargeEntry *entry = place_for(line, &cache.given_up)
    if LargeEntry is WideEntry:
        check(count <= WIDE_IDS)
    memcpy(entry.key, key, sizeof(entry.key))
    memcpy(entry.ids, ids, min(count * sizeof(uint32_t), sizeof(entry.ids)))
    entry.count = <uint32_t>count


cdef inline bint copy_wider_ids(
    const PieceCache *cache, const uint8_t *piece, size_t length, const LargeProbe *wide,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Writes the ids that the wide or the long table has for a piece; returns whether one has.

    Args:
        wide: the piece's probe in the wide table, if it has WIDE_PIECE bytes or less.
        out: room for as many ids as the piece has, and WIDE_IDS more.
        count: receives how many there are.
    """
    if length <= WIDE_PIECE and copy_large_ids(<WideEntry *>wide.line, wide.key, out, count):
        return True
    if not SHORT_PIECE < length <= LONG_PIECE:
        return False
    return copy_long_ids(long_line(cache.longs, cache.long_mask, cache.seeds, piece, length),
                         piece, length, out, count)


cdef inline void keep_wider(
    PieceCache *cache, const uint8_t *piece, size_t length, const LargeProbe *wide,
    const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece in the wide or the long table, if one has room; arguments as above."""
    if length <= WIDE_PIECE and count <= WIDE_IDS:
        keep_large(cache, <WideEntry *>wide.line, wide.key, ids, count)
    elif fits_long(length, count):
        keep_long(long_line(cache.longs, cache.long_mask, cache.seeds, piece, length), piece,
                  length, ids, count)


cdef inline void keep_medium(
    PieceCache *cache, const uint8_t *piece, size_t length, const LargeProbe *medium,
    const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece of up to MEDIUM_PIECE bytes that the medium table does not know.

    Args:
        medium: its probe there.
    """
    cdef LargeProbe wide
    keep_large(cache, <MediumEntry *>medium.line, medium.key, ids, count)
    if count > MEDIUM_IDS:
        probe_wide_again(cache, medium, &wide)
        keep_wider(cache, piece, length, &wide, ids, count)


cdef inline void keep_short(
    PieceCache *cache, NarrowEntry *line, const Key *key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece of up to 15 bytes that the cache does not know.

    Args:
        line: its place in the narrow table.
    """
    cdef LargeProbe medium
    if count <= NARROW_IDS:
        keep_narrow(cache, line, key[0], ids, count)
        return
    keep_narrow(cache, line, marked(key[0]), ids, count)
    probe_medium_again(cache, key, &medium)
    keep_medium(cache, <const uint8_t *>key, length_of(key), &medium, ids, count)
