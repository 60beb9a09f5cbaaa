# Entries of the piece cache, and the buckets of two entries in which a piece is looked up.
#
# Narrow entries have 32 bytes, for pieces of up to SHORT_PIECE bytes with up to NARROW_IDS ids:
# nearly all pieces. Medium entries have 64 bytes, for up to MEDIUM_PIECE bytes and MEDIUM_IDS ids:
# words of scripts that need two or three bytes per character. Wide entries have 128 bytes, for up
# to WIDE_PIECE bytes and WIDE_IDS ids.
#
# A piece whose bucket is full goes to the neighbouring bucket if that has room, and is looked up
# there after its own bucket. A piece found there changes places with the second entry of its own
# bucket, so that what a text repeats most is found at once. If neither bucket has room, the new
# piece replaces one of their four entries and nothing else. So a look-up reads at most two buckets,
# for any text.
#
# If a piece has too many ids for an entry, the entry holds only their count: the ids are in another
# table, or the piece has to be merged again. A narrow key is then marked with WITHOUT_IDS, so that
# the hot loop, which compares keys, need not check whether the entry has the ids.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcpy

from engine.base.types cimport Span, check, likely
from engine.vocab.tables cimport Key, load_word

cdef enum:
    NARROW_IDS = 3
    MEDIUM_IDS = 7
    WIDE_IDS = 15
    MEDIUM_WORDS = 4           # 8-byte words of a medium key
    WIDE_WORDS = 8             # and of a wide key

cdef extern from *:
    """
    /* The highest bit of a key, which no length sets. */
    #define BPECORE_WITHOUT_IDS (1ull << 63)
    static const uint8_t bpecore_large_key_masks[128] = {[0 ... 63] = 255};
    """
    const uint64_t WITHOUT_IDS "BPECORE_WITHOUT_IDS"
    const uint8_t[128] LARGE_KEY_MASKS "bpecore_large_key_masks"

cdef struct NarrowEntry:
    Key key                     # length 0: free; may be marked with WITHOUT_IDS
    uint32_t ids[NARROW_IDS]
    uint32_t count              # ids of the piece; more than NARROW_IDS if the key is marked

cdef struct MediumEntry:
    uint64_t key[MEDIUM_WORDS]  # the piece's bytes, and its length in the highest byte; 0: free
    uint32_t ids[MEDIUM_IDS]
    uint32_t count              # ids of the piece; if more than MEDIUM_IDS, they are elsewhere

cdef struct WideEntry:
    uint64_t key[WIDE_WORDS]    # likewise
    uint32_t ids[WIDE_IDS]
    uint32_t count              # ids of the piece, 1 to WIDE_IDS

ctypedef fused Entry:
    NarrowEntry
    MediumEntry
    WideEntry

ctypedef fused LargeEntry:
    MediumEntry
    WideEntry


cdef inline bint same_key(Key a, Key b) noexcept nogil:
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0


cdef inline bint same_piece(Key kept, Key key) noexcept nogil:
    """Returns whether an entry's key, with or without the mark, belongs to a piece."""
    return ((kept.low ^ key.low) | (kept.high ^ key.high) << 1) == 0


cdef inline bint same_large(const LargeEntry *entry, const uint64_t *key) noexcept nogil:
    cdef uint64_t different = 0
    cdef size_t i
    for i in range(sizeof(entry.key) // sizeof(uint64_t)):
        different |= entry.key[i] ^ key[i]
    return different == 0


cdef inline void make_key(uint64_t *key, size_t words, const Span *piece) noexcept nogil:
    """Makes the key of a medium or wide entry.

    Args:
        words: MEDIUM_WORDS or WIDE_WORDS, known at compile time.
        piece: fewer than 8 bytes per word.
    """
    cdef uint8_t copy[8 * WIDE_WORDS]
    cdef const uint8_t *start = piece.start
    cdef size_t i
    check(0 < piece.length < 8 * words)
    if piece.readable_end - start < <Py_ssize_t>(8 * words):
        memcpy(copy, start, piece.length)
        start = copy
    for i in range(words):
        key[i] = load_word(start + 8 * i) & load_word(
            LARGE_KEY_MASKS + 8 * WIDE_WORDS - piece.length + 8 * i)
    key[words - 1] |= <uint64_t>piece.length << 56


cdef inline void widen_key(
    const uint64_t *key, size_t words, uint64_t *wider, size_t wider_words
) noexcept nogil:
    """Makes the key of a larger entry from that of a smaller one; a narrow key has 2 words."""
    cdef size_t i
    for i in range(wider_words):
        wider[i] = key[i] if i < words else 0
    wider[words - 1] &= UINT64_MAX >> 8
    wider[wider_words - 1] |= key[words - 1] >> 56 << 56


cdef inline bint is_free(const Entry *entry) noexcept nogil:
    if Entry is NarrowEntry:
        return entry.key.high >> 56 == 0
    elif Entry is MediumEntry:
        return entry.key[MEDIUM_WORDS - 1] >> 56 == 0
    else:
        return entry.key[WIDE_WORDS - 1] >> 56 == 0


cdef inline Entry *neighbour(Entry *bucket) noexcept nogil:
    """Returns the other bucket of an aligned pair. Processors fetch both of two narrow ones."""
    return <Entry *>(<size_t>bucket ^ (2 * sizeof(Entry)))


cdef inline bint in_own_bucket(const NarrowEntry *bucket, Key key) noexcept nogil:
    """Returns whether a piece has an entry in its own bucket."""
    return same_piece(bucket.key, key) or same_piece(bucket[1].key, key)


cdef inline NarrowEntry *find_narrow(NarrowEntry *bucket, Key key) noexcept nogil:
    """Returns a piece's entry in its bucket, or else in the neighbour; NULL if there is none."""
    cdef NarrowEntry *other = neighbour(bucket)
    if same_piece(bucket.key, key):
        return bucket
    if same_piece(bucket[1].key, key):
        return bucket + 1
    if is_free(bucket + 1):
        return NULL    # nothing has had to go to the neighbour
    if same_piece(other.key, key):
        return other
    return other + 1 if same_piece(other[1].key, key) else NULL


cdef inline LargeEntry *likely_large(LargeEntry *bucket, const uint64_t *key) noexcept nogil:
    """Returns the one entry of its own bucket that may hold a piece.

    It is chosen without a branch, because a wrong guess would have to wait for memory.
    """
    return bucket + (bucket.key[0] != key[0])


cdef inline LargeEntry *find_large(LargeEntry *bucket, const uint64_t *key) noexcept nogil:
    """Returns a piece's entry in its bucket, or else in the neighbour; NULL if there is none."""
    cdef LargeEntry *other = neighbour(bucket)
    if same_large(bucket, key):
        return bucket
    if same_large(bucket + 1, key):
        return bucket + 1
    if is_free(bucket + 1):
        return NULL    # nothing has had to go to the neighbour
    if same_large(other, key):
        return other
    return other + 1 if same_large(other + 1, key) else NULL


cdef inline Entry *bring_home(Entry *bucket, Entry *entry) noexcept nogil:
    """Moves an entry found in the neighbour into its own bucket, where the hot loop finds it.

    It changes places with the bucket's second entry.

    Returns:
        Where the entry is now.
    """
    cdef Entry second
    if entry == bucket or entry == bucket + 1:
        return entry
    second = bucket[1]
    bucket[1] = entry[0]
    entry[0] = second
    return bucket + 1


cdef inline Entry *place_for(Entry *bucket, size_t *replaced) noexcept nogil:
    """Returns the entry for a new piece: a free one in its bucket or the neighbour, or a used one.

    The four used ones take turns, counted over the whole table, so that a piece that is no longer
    looked up is soon replaced. Always replacing the oldest would be wrong each time for a text that
    repeats three pieces of one bucket.

    Args:
        replaced: counts the entries that were replaced.
    """
    cdef Entry *other = neighbour(bucket)
    if is_free(bucket):
        return bucket
    if is_free(bucket + 1):
        return bucket + 1
    if is_free(other + 1):
        return other + 1
    if is_free(other):
        return other
    replaced[0] += 1
    return (other if replaced[0] & 2 else bucket) + (replaced[0] & 1)


cdef inline void copy_ids(uint32_t *out, const NarrowEntry *entry) noexcept nogil:
    """Writes an entry's ids and its count in one go; what is too much will be overwritten.

    Args:
        out: room for four.
    """
    memcpy(out, entry.ids, 4 * sizeof(uint32_t))


cdef inline bint copy_large_ids(
    LargeEntry *bucket, const uint64_t *key, uint32_t *out, size_t *count
) noexcept nogil:
    """Writes a piece's ids from its bucket or the neighbour; returns whether it was there.

    Args:
        out: room for as many ids as an entry holds; all of them are written.
        count: receives the piece's ids; if more than an entry holds, what was written means
            nothing.
    """
    cdef LargeEntry *entry = likely_large(bucket, key)
    if not likely(same_large(entry, key)):
        entry = find_large(bucket, key)
        if entry == NULL:
            return False
        entry = bring_home(bucket, entry)
    memcpy(out, entry.ids, sizeof(entry.ids))
    count[0] = entry.count
    return True
