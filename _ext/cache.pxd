# A bounded cache of pieces and their ids, used by one call at a time (see workspace.pxd): no lock,
# no atomic, no shared line in the loop.
#
# Three tables. The narrow one has 32-byte entries: pieces of up to 15 bytes with up to three ids
# (nearly all pieces). The wide one has 128-byte entries: pieces of up to 63 bytes with up to 15
# ids. A line is two entries of either. A piece that finds its line full goes to the line's
# neighbour if there is room, where it is looked for when it is not in its own. When it is found
# there it changes places with the second entry of its line: what a text repeats most comes to lie
# where it is found at once. Without room a new piece replaces one of these four entries, nothing
# else: no wipe. So a look-up reads at most two lines, whatever the text does.
# The third is for what is longer than that (long_cache.pxd).
# A narrow entry for a piece that is no token and has more than three ids holds none: the piece is
# in the wide table, or must be merged again. Its key is marked, so that the hot loop, which
# compares keys, need not ask whether an entry has ids.
# Hashes are keyed with random words a process, so nobody can choose text that keeps colliding.
#
# A cache begins small and is replaced by a larger one, three times, as it sees more text, so that a
# process that counts a sentence now and then does not pay for megabytes, and a first call on a
# megabyte does not clear six. The two largest lie in huge pages where the system gives them, of
# which the smaller one fills one: fewer page faults when new, fewer misses of the TLB later.
#
# Tried (benchmarks/NOTES.md): half as many narrow lines, which fit the second-level cache better: a
# fifth slower. Four or eight lines for a piece instead of two: no gain. The wide table in small
# pages, of which most texts touch few: a first call on a megabyte 6 % slower.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from long_cache cimport LongEntry
from memory cimport map_zeroed, populate, unmap
from types cimport STATUS_NO_MEMORY, STATUS_OK, WIDE_PIECE, check, likely
from vocab cimport Key, load_word

cdef enum:
    NARROW_IDS = 3
    WIDE_IDS = 15
    WIDE_WORDS = 8             # 8-byte words of a wide key
    CACHE_SEEDS = 8
    CACHE_SIZES = 4
    POPULATE_FROM = 1 << 17    # bytes of a cache whose pages are made ready at once

cdef extern from *:
    """
    /* The highest bit of a key: no length has it. */
    #define BPECORE_WITHOUT_IDS (1ull << 63)
    /* A line where no piece is: its keys belong to none. */
    static const uint64_t bpecore_no_line[8] = {~0ull, ~0ull, 0, 0, ~0ull, ~0ull, 0, 0};
    typedef struct { size_t since; uint32_t narrow_bits, wide_bits, long_bits; } bpecore_cache_size;
    static const bpecore_cache_size bpecore_cache_sizes[4] = {
        {0, 10, 6, 3},            /* 64 + 16 + 8 KB */
        {1 << 16, 13, 10, 7},     /* 512 + 256 + 128 KB */
        {15 << 16, 14, 12, 8},    /* 1 MB + 1 MB + 256 KB */
        {15 << 17, 16, 13, 9},    /* 4 MB + 2 MB + 512 KB */
    };
    """
    ctypedef struct CacheSize "bpecore_cache_size":
        size_t since             # characters of text after which a cache is made so large
        uint32_t narrow_bits     # binary logarithms of the numbers of lines
        uint32_t wide_bits
        uint32_t long_bits
    const CacheSize[CACHE_SIZES] SIZES "bpecore_cache_sizes"
    const uint64_t WITHOUT_IDS "BPECORE_WITHOUT_IDS"
    const uint64_t[8] NO_LINE "bpecore_no_line"

cdef struct NarrowEntry:
    Key key                     # length 0: free; marked by WITHOUT_IDS: see above
    uint32_t ids[NARROW_IDS]
    uint32_t count              # ids in use, 1 to NARROW_IDS; 0 if the key is marked

cdef struct WideKey:
    uint64_t words[WIDE_WORDS]  # bytes of the piece, and its length in the highest byte

cdef struct WideEntry:
    WideKey key                 # length 0: free
    uint32_t count              # ids in use, 1 to WIDE_IDS
    uint32_t ids[WIDE_IDS]

ctypedef fused Entry:
    NarrowEntry
    WideEntry

cdef struct PieceCache:
    NarrowEntry *narrow      # two entries a line of 64 bytes
    WideEntry *wide          # two entries a line of 256 bytes
    LongEntry *longs         # two entries a line of 1024 bytes
    uint64_t narrow_mask     # the number of lines, less 1, times the bytes of a line
    uint64_t wide_mask       # the number of wide lines, less 1
    uint64_t long_mask       # the number of long lines, less 1
    void *memory             # owned: what all lie in
    size_t size              # bytes of it
    uint64_t seeds[CACHE_SEEDS]   # random and odd
    size_t given_up          # entries that made room for others
    size_t seen              # characters of text looked up so far, while the cache may grow


cdef inline int set_size(PieceCache *cache, const CacheSize *wanted) noexcept nogil:
    """Gives a cache empty tables of some size; on failure it keeps those it has."""
    cdef size_t narrow_size = <size_t>64 << wanted.narrow_bits
    cdef size_t usual_size = narrow_size + (2 * sizeof(WideEntry) << wanted.wide_bits)
    cdef size_t size = usual_size + (2 * sizeof(LongEntry) << wanted.long_bits)
    cdef void *memory = map_zeroed(size)
    if memory == NULL:
        return STATUS_NO_MEMORY
    if usual_size >= POPULATE_FROM:
        populate(memory, usual_size, True)
    close_cache(cache)
    cache.memory = memory
    cache.size = size
    cache.narrow = <NarrowEntry *>memory
    cache.wide = <WideEntry *>(<uint8_t *>memory + narrow_size)
    cache.longs = <LongEntry *>(<uint8_t *>memory + usual_size)
    cache.narrow_mask = narrow_size - 64
    cache.wide_mask = (<uint64_t>1 << wanted.wide_bits) - 1
    cache.long_mask = (<uint64_t>1 << wanted.long_bits) - 1
    return STATUS_OK


cdef inline int open_cache(PieceCache *cache, const uint64_t *seeds) noexcept nogil:
    """Opens a small cache. Precondition: all of `cache` is zero."""
    cdef int i
    for i in range(CACHE_SEEDS):
        cache.seeds[i] = seeds[i] | 1
    return set_size(cache, SIZES)


cdef inline bint expect_text(PieceCache *cache, size_t size) noexcept nogil:
    """Tells a cache that so many characters will be looked up; it may grow, and is then empty.

    Without memory to grow it stays as it is, and tries again after as much text.

    Returns:
        Whether it has just grown.
    """
    cdef int wanted = CACHE_SIZES - 1
    cdef size_t before = cache.seen
    if before >= SIZES[wanted].since:
        return False
    cache.seen += size
    while cache.seen < SIZES[wanted].since:
        wanted -= 1
    if before >= SIZES[wanted].since:
        return False
    if set_size(cache, SIZES + wanted) == STATUS_OK:
        return True
    cache.seen = 0
    return False


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


cdef inline bint same_key(Key a, Key b) noexcept nogil:
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0


cdef inline Key marked(Key key) noexcept nogil:
    """Returns the key under which a piece is kept that has no ids in the narrow cache."""
    key.high |= WITHOUT_IDS
    return key


cdef inline void copy_ids(uint32_t *out, const NarrowEntry *entry) noexcept nogil:
    """Writes the entry's ids, and behind them its count, at once: whatever is too much will be
    written over. `out` has room for four."""
    memcpy(out, entry.ids, 4 * sizeof(uint32_t))


cdef inline bint is_free(const Entry *entry) noexcept nogil:
    if Entry is NarrowEntry:
        return entry.key.high >> 56 == 0    # a marked one has no ids either
    else:
        return entry.count == 0


cdef inline Entry *neighbour(Entry *line) noexcept nogil:
    """Returns the line that shares twice its own size, aligned, with a line: of two narrow ones
    processors fetch both."""
    return <Entry *>(<size_t>line ^ (2 * sizeof(Entry)))


cdef inline bint same_piece(Key kept, Key key) noexcept nogil:
    """Whether an entry's key, marked or not, is that of a piece."""
    return ((kept.low ^ key.low) | (kept.high ^ key.high) << 1) == 0


cdef inline NarrowEntry *find_narrow(NarrowEntry *line, Key key) noexcept nogil:
    """Returns the entry of a line, or behind it of its neighbour, for a piece, or NULL."""
    cdef NarrowEntry *other = neighbour(line)
    if same_piece(line.key, key):
        return line
    if same_piece(line[1].key, key):
        return line + 1
    if is_free(line + 1):
        return NULL    # nothing had to go next door
    if same_piece(other.key, key):
        return other
    return other + 1 if same_piece(other[1].key, key) else NULL


cdef inline Entry *brought_home(Entry *line, Entry *entry) noexcept nogil:
    """Moves an entry that was found next door into its own line; returns where it is then.

    It changes places with the line's second entry. So what a text repeats most comes to lie where
    the hot loop finds it.
    """
    cdef Entry second
    if entry == line or entry == line + 1:
        return entry
    second = line[1]
    line[1] = entry[0]
    entry[0] = second
    return line + 1


cdef inline Entry *place_for(PieceCache *cache, Entry *line) noexcept nogil:
    """Returns where a new piece of a line goes: a free entry there or next door, or one that is
    given up.

    Which of the four goes round, with each that is given up anywhere. So it soon is one that nobody
    asks for; of three pieces that a text repeats in one line, the oldest would always be wrong.
    """
    cdef Entry *other = neighbour(line)
    if is_free(line):
        return line
    if is_free(line + 1):
        return line + 1
    if is_free(other + 1):
        return other + 1
    if is_free(other):
        return other
    cache.given_up += 1
    return (other if cache.given_up & 2 else line) + (cache.given_up & 1)


cdef inline void keep_narrow(
    PieceCache *cache, NarrowEntry *line, Key key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece with up to 3 ids, or a marked key, into its line or its neighbour."""
    cdef NarrowEntry *entry = place_for(cache, line)
    cdef size_t i
    check(count <= NARROW_IDS)
    entry.key = key
    for i in range(NARROW_IDS):
        entry.ids[i] = ids[i] if i < count else 0
    entry.count = <uint32_t>count


cdef extern from *:
    """
    static const uint8_t bpecore_wide_masks[128] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    """
    const uint8_t[128] WIDE_MASKS "bpecore_wide_masks"


cdef inline void make_wide_key(
    WideKey *key, const uint8_t *piece, size_t length, const uint8_t *readable_end
) noexcept nogil:
    """Makes the key of a piece of 1 to 63 bytes; reads nothing at or behind `readable_end`."""
    cdef uint8_t copy[8 * WIDE_WORDS]
    cdef int i
    check(0 < length <= WIDE_PIECE)
    if readable_end - piece < 8 * WIDE_WORDS:
        memcpy(copy, piece, length)
        piece = copy
    for i in range(WIDE_WORDS):
        key.words[i] = load_word(piece + 8 * i) & load_word(
            WIDE_MASKS + 8 * WIDE_WORDS - length + 8 * i)
    key.words[WIDE_WORDS - 1] |= <uint64_t>length << 56


cdef inline WideEntry *wide_line(const PieceCache *cache, const WideKey *key) noexcept nogil:
    """Returns the two entries where the piece with this key may be."""
    cdef uint64_t state = 0
    cdef int i
    for i in range(WIDE_WORDS):
        state += key.words[i] * cache.seeds[i]
    return cache.wide + 2 * (state >> 48 & cache.wide_mask)


cdef inline bint same_wide_key(const WideKey *a, const WideKey *b) noexcept nogil:
    cdef uint64_t different = 0
    cdef int i
    for i in range(WIDE_WORDS):
        different |= a.words[i] ^ b.words[i]
    return different == 0


cdef inline WideEntry *find_wide(WideEntry *line, const WideKey *key) noexcept nogil:
    """Returns the entry of a line, or behind it of its neighbour, that has this key, or NULL."""
    cdef WideEntry *other = neighbour(line)
    if same_wide_key(&line.key, key):
        return line
    if same_wide_key(&line[1].key, key):
        return line + 1
    if is_free(line + 1):
        return NULL    # nothing had to go next door
    if same_wide_key(&other.key, key):
        return other
    return other + 1 if same_wide_key(&other[1].key, key) else NULL


cdef inline bint copy_wide_ids(
    WideEntry *line, const WideKey *key, uint32_t *out, size_t *count
) noexcept nogil:
    """Writes the ids that a line, or its neighbour, has for a piece; returns whether there are any.

    Args:
        out: room for WIDE_IDS, all of which are written.
        count: receives how many mean something.
    """
    # Nobody can foretell which entry it is: a wrong guess would wait for the line first.
    cdef WideEntry *entry = line + (line.key.words[0] != key.words[0])
    if not likely(same_wide_key(&entry.key, key)):
        entry = find_wide(line, key)
        if entry == NULL:
            return False
        entry = brought_home(line, entry)
    memcpy(out, entry.ids, WIDE_IDS * sizeof(uint32_t))
    count[0] = entry.count
    return True


cdef inline void keep_wide(
    PieceCache *cache, WideEntry *line, const WideKey *key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece with 1 to WIDE_IDS ids into its line or its neighbour."""
    cdef WideEntry *entry = place_for(cache, line)
    check(0 < count <= WIDE_IDS)
    entry.key = key[0]
    memcpy(entry.ids, ids, count * sizeof(uint32_t))
    entry.count = <uint32_t>count


cdef inline void keep_short(
    PieceCache *cache, NarrowEntry *line, Key key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece of up to 15 bytes that the cache does not know.

    Args:
        line: its place in the narrow table.
    """
    cdef const uint8_t *piece = <const uint8_t *>&key
    cdef size_t length = key.high >> 56
    cdef WideKey wide
    if count <= NARROW_IDS:
        keep_narrow(cache, line, key, ids, count)
        return
    make_wide_key(&wide, piece, length, piece + length)
    keep_narrow(cache, line, marked(key), ids, 0)
    keep_wide(cache, wide_line(cache, &wide), &wide, ids, count)
