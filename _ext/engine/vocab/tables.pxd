# A vocabulary: frozen tables that find tokens by their bytes, by the two parts that merge into
# them, and by id. They are built once (build/tables.pxd) or mapped from a file (vocab/file.pxd),
# then read by all threads without a lock.
#
# Inside the engine a token is known by its *index*, its place in rank order; ids are only written
# out. So comparing indices compares ranks, and 21 bits are enough whatever the ids. Ids may be
# *renumbered*: in another order than ranks, as in a tokenizer.json whose list of pairs says so.
#
# - Tokens of up to 15 bytes: a hash table of 64-byte buckets of three entries, one cache line per
#   look-up. The key is the token itself: 15 bytes and the length, 16 bytes in all. A look-up goes
#   on to the next bucket only if a bit of its own, set for such hashes, says so.
# - Longer tokens: open addressing over records, which hold the bytes to compare with. Records are
#   contiguous, so that encoding never touches the bytes of all tokens: only decoding needs these.
# - Pairs: for every token that merging can produce, the two tokens whose merge produces it. There
#   is only one such pair. Let a merge make token t from parts l and r in some text. No earlier
#   merge crossed the outer borders of t, so inside t the same merges were made, in the same order,
#   as if t stood alone: lowest rank first, leftmost first. Hence (l, r) is what BPE of t alone
#   leaves before its last merge, whatever surrounds it. So the table has at most one entry per
#   token instead of one for each way to cut it in two. Most look-ups find nothing, and whether they
#   do is unpredictable: so a bucket is eight pairs, one cache line, compared at once. A look-up
#   goes on to the next bucket only if a bit of its own, as for short tokens, says so.
#
# A table has as many places as it needs, not a power of two, and slack after the last one, so that
# a chain of probes never wraps around. Hashes are seeded when a table is built, and the table is
# rebuilt larger if a token would be PROBE_LIMIT places after its own: look-ups are short even for
# hostile text.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from engine.base.mappings cimport populate
from engine.base.types cimport (
    NO_TOKEN, SHORT_PIECE, check, computed, likely, lowest_one_of_32, multiply_fold, prefetch)
from engine.simd.vectors cimport equal_words

cdef enum:
    BUCKET_ENTRIES = 3       # of the table of short tokens
    PROBE_LIMIT = 32         # places that may hold an entry, its own being the first
    BUCKET_PAIRS = 8
    PAIR_PROBE_LIMIT = 16    # buckets that may hold a pair, its own being the first; plus 1
    TAG_LEFT_BITS = 11       # bits of the left index in a pair's tag
    INDEX_BITS = 21          # bits of a token index
    BYTE_PAIRS = 1 << 16     # pairs of two bytes
    FRAGMENT_FLAGS = 256     # bytes of a table of flags

cdef struct Key:
    uint64_t low           # bytes 0-7 of the piece, the first byte lowest
    uint64_t high          # bytes 8-14, and the length in the highest byte

cdef struct Bucket:
    Key keys[BUCKET_ENTRIES]            # a free entry has length 0
    uint32_t indices[BUCKET_ENTRIES]
    uint32_t overflowed                 # overflow_bit of the tokens placed in a later bucket

cdef struct PairBucket:                 # its free places are the last ones
    uint32_t tags[BUCKET_PAIRS]         # low bits of the left index << INDEX_BITS | right index
    uint32_t merged[BUCKET_PAIRS]       # its other bits << INDEX_BITS | merged index, and ALL_HERE
    #                                     unless a pair went on (`passes_on`); NO_PAIR: free

cdef struct Pair:
    uint32_t left, right, merged        # token indices

cdef struct Vocabulary:
    uint32_t token_count
    uint32_t merging_count      # tokens from this index on are never made by a merge
    uint32_t identity_count     # the id of an index below this is the index
    uint32_t longest_token      # bytes
    uint32_t unreachable_count  # tokens of two bytes or more that no merge produces
    bint misses_bytes           # whether some single byte is not a token
    bint ordered                # whether every token is later than its two parts, bytes aside, and
    #                             `byte_pairs` is complete
    bint renumbered             # whether ids are not in the order of ranks
    uint32_t *ids               # owned: [token_count]; ascending unless they are renumbered
    uint32_t *by_id             # owned: [token_count], the indices in the order of ids; NULL unless
    #                             they are renumbered
    uint32_t *starts            # owned: [token_count + 1], offsets into token_bytes
    uint8_t *token_bytes        # owned; LOAD_SLACK readable bytes follow
    uint32_t byte_indices[256]  # a byte's index; token_count + byte if it is not a token
    Bucket *buckets             # owned: [bucket_count + PROBE_LIMIT], tokens of 1 to 15 bytes
    uint64_t bucket_count       # below 2^32
    uint32_t *long_slots        # owned: [long_mask + 1], for longer tokens 1 + the place of the
    #                             record in long_records, or 0
    uint64_t long_mask
    uint32_t *long_records      # owned: [long_words], for each longer token its index, its length
    #                             and its bytes, padded to a whole word
    uint64_t long_words
    PairBucket *pair_buckets    # owned: [pair_bucket_count + PAIR_PROBE_LIMIT]; the last is empty
    uint64_t pair_bucket_count  # below 2^32
    uint64_t *byte_pairs        # owned: [BYTE_PAIRS], by first byte << 8 | second byte: what they
    #                             merge into, and what can prevent it (merge/certain.pxd)
    # Borders that tokens bridge (vocab/borders.pxd):
    uint64_t *borders           # owned: filter of borders between two whole characters
    uint32_t border_shift       # 32 minus the binary logarithm of the filter's bits
    uint8_t before_fragments[FRAGMENT_FLAGS]  # flags of characters before a fragment in a token
    uint8_t after_fragments[FRAGMENT_FLAGS]   # flags of characters after a fragment in a token
    uint8_t fragment_left[64]   # by the low 6 bits of a last byte: whether a token begins with such
    #                             a fragment and a fragment follows
    uint8_t fragment_right[64]  # by bits 1-6 of a first byte: whether a token ends in such a
    #                             fragment, preceded by one
    uint64_t seeds[2]
    size_t table_bytes          # total size of the tables

cdef extern from *:
    """
    /* By length: a mask of the piece's bytes among 16, and the length in the highest byte. */
    typedef struct { uint64_t low, high, length, unused; } bpecore_key_mask;
    #define BPECORE_LOW_MASK(n) {~0ull >> (64 - 8 * (n)), 0, (n##ull) << 56, 0}
    #define BPECORE_HIGH_MASK(n) {~0ull, ~0ull >> (128 - 8 * (n)), (n##ull) << 56, 0}
    static const bpecore_key_mask bpecore_key_masks[16] = {
        {0, 0, 0, 0}, BPECORE_LOW_MASK(1), BPECORE_LOW_MASK(2), BPECORE_LOW_MASK(3),
        BPECORE_LOW_MASK(4), BPECORE_LOW_MASK(5), BPECORE_LOW_MASK(6), BPECORE_LOW_MASK(7),
        BPECORE_LOW_MASK(8), BPECORE_HIGH_MASK(9), BPECORE_HIGH_MASK(10), BPECORE_HIGH_MASK(11),
        BPECORE_HIGH_MASK(12), BPECORE_HIGH_MASK(13), BPECORE_HIGH_MASK(14),
        BPECORE_HIGH_MASK(15)};
    #define BPECORE_NO_PAIR UINT32_MAX
    #define BPECORE_ALL_HERE (1u << 31)
    #define bpecore_read_bucket(bucket) ((void)*(const volatile uint64_t *)(bucket))
    """
    ctypedef struct KeyMask "bpecore_key_mask":
        uint64_t low, high, length
    const KeyMask[16] KEY_MASKS "bpecore_key_masks"
    const uint32_t NO_PAIR "BPECORE_NO_PAIR"
    const uint32_t ALL_HERE "BPECORE_ALL_HERE"
    void read_bucket "bpecore_read_bucket" (const PairBucket *bucket) noexcept nogil


cdef inline uint32_t token_length(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    """Returns the length of a token in bytes."""
    return vocabulary.starts[index + 1] - vocabulary.starts[index]


cdef inline uint32_t length_of_part(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    """Returns the length in bytes of a token, or of a stand-in for a byte that is not a token."""
    return 1 if index >= vocabulary.token_count else token_length(vocabulary, index)


cdef inline uint64_t load_word(const uint8_t *text) noexcept nogil:
    """Returns the 8 bytes at `text`, the first byte lowest."""
    cdef uint64_t word
    memcpy(&word, text, sizeof(word))
    return word


cdef inline uint64_t load_half_word(const uint8_t *text) noexcept nogil:
    """Returns the 4 bytes at `text`, the first byte lowest."""
    cdef uint32_t word
    memcpy(&word, text, sizeof(word))
    return word


cdef inline Key load_key(const uint8_t *piece, size_t length) noexcept nogil:
    """Returns the key of a piece of 1 to 15 bytes; reads 16 bytes."""
    cdef const KeyMask *mask = KEY_MASKS + length
    cdef Key key
    check(0 < length <= SHORT_PIECE)
    key.low = load_word(piece) & mask.low
    key.high = (load_word(piece + 8) & mask.high) | mask.length
    return key


cdef inline Key load_exact_key(const uint8_t *piece, size_t length) noexcept nogil:
    """Returns the key of a piece of 1 to 15 bytes; reads only these.

    It joins words that overlap. Bytes copied one by one could not be read back as a word at once.
    """
    cdef Key key
    check(0 < length <= SHORT_PIECE)
    key.high = <uint64_t>length << 56
    if length >= 8:
        key.low = load_word(piece)
        # In two shifts, because there may be no byte after the word.
        key.high |= load_word(piece + length - 8) >> 8 * (SHORT_PIECE - length) >> 8
    elif length >= 4:
        key.low = load_half_word(piece) | load_half_word(piece + length - 4) << 8 * (length - 4)
    else:
        key.low = (piece[0] | <uint64_t>piece[length >> 1] << 8 * (length >> 1)
                   | <uint64_t>piece[length - 1] << 8 * (length - 1))
    return key


cdef inline size_t length_of(const Key *key) noexcept nogil:
    """Returns the length of the piece in bytes; the key begins with them."""
    return key.high >> 56


cdef inline Key short_key(const uint8_t *piece, size_t length, const uint8_t *readable_end) \
        noexcept nogil:
    """Returns the key of a piece of 1 to 15 bytes; reads only before `readable_end`."""
    if readable_end - piece >= <ptrdiff_t>sizeof(Key):
        return load_key(piece, length)
    return load_exact_key(piece, length)


cdef inline uint64_t place_of(uint64_t hashed, uint64_t count) noexcept nogil:
    """Returns the place of a hash in a table of `count` places, by its lower half.

    The lower half depends on all bits of both factors of the folded product. The higher half does
    not: with it tokens of one length would crowd together.
    """
    return <uint64_t><uint32_t>hashed * count >> 32


cdef inline uint64_t hash_key(Key key, const uint64_t *seeds) noexcept nogil:
    return multiply_fold(key.low ^ seeds[0], key.high ^ seeds[1])


cdef inline uint64_t hash_bytes(const uint8_t *text, size_t length, const uint64_t *seeds) \
        noexcept nogil:
    """Hashes any bytes. Precondition: `length` > 15."""
    cdef uint64_t state = seeds[0] ^ length
    cdef size_t i = 0
    while i + 16 < length:
        state = multiply_fold(load_word(text + i) ^ state, load_word(text + i + 8) ^ seeds[1])
        i += 16
    return multiply_fold(
        load_word(text + length - 16) ^ state, load_word(text + length - 8) ^ seeds[1])


cdef inline uint32_t overflow_bit(uint64_t hashed) noexcept nogil:
    """Returns the bit of a full bucket that says that a token with this hash may be in the next.

    Thanks to it, a look-up of a piece that is not a token nearly always ends in its own bucket.
    """
    return <uint32_t>1 << (hashed >> 59)


cdef inline const Bucket *short_bucket(
    const Vocabulary *vocabulary, uint64_t hashed
) noexcept nogil:
    """Returns the bucket where the look-up of a token with this hash begins."""
    return vocabulary.buckets + place_of(hashed, vocabulary.bucket_count)


cdef inline uint32_t find_in_bucket(
    const Bucket *bucket, Key key, uint64_t hashed
) noexcept nogil:
    """Returns the index of the token with this key, or NO_TOKEN.

    Args:
        bucket: where the look-up begins.
        hashed: the hash of the key.
    """
    cdef int entry
    while True:
        for entry in range(BUCKET_ENTRIES):
            if bucket.keys[entry].low == key.low and bucket.keys[entry].high == key.high:
                return bucket.indices[entry]
        if likely(not bucket.overflowed & overflow_bit(hashed)):
            return NO_TOKEN
        bucket += 1


cdef inline uint32_t find_short(const Vocabulary *vocabulary, Key key) noexcept nogil:
    """Returns the index of the token of 1 to 15 bytes with this key, or NO_TOKEN."""
    cdef uint64_t hashed = hash_key(key, vocabulary.seeds)
    return find_in_bucket(short_bucket(vocabulary, hashed), key, hashed)


cdef inline uint32_t find_long(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t length
) noexcept nogil:
    """Returns the index of the token of 16 bytes or more that equals the piece, or NO_TOKEN."""
    cdef uint64_t place
    cdef const uint32_t *record
    if length > vocabulary.longest_token:
        return NO_TOKEN
    place = hash_bytes(piece, length, vocabulary.seeds) & vocabulary.long_mask
    while vocabulary.long_slots[place]:
        record = vocabulary.long_records + (vocabulary.long_slots[place] - 1)
        if record[1] == length and memcmp(record + 2, piece, length) == 0:
            return record[0]
        place = (place + 1) & vocabulary.long_mask
    return NO_TOKEN


cdef inline uint32_t find_token(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t length
) noexcept nogil:
    """Returns the index of the token that equals the piece, or NO_TOKEN; any length."""
    if length == 0:
        # The empty token may be anywhere; only callers that name it look for it.
        return find_empty(vocabulary)
    if length <= SHORT_PIECE:
        return find_short(vocabulary, short_key(piece, length, piece + length))
    return find_long(vocabulary, piece, length)


cdef inline uint32_t find_empty(const Vocabulary *vocabulary) noexcept nogil:
    cdef uint32_t index
    for index in range(vocabulary.token_count):
        if token_length(vocabulary, index) == 0:
            return index
    return NO_TOKEN


cdef inline uint64_t pair_bucket(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns the number of the bucket where a pair's look-up begins."""
    cdef uint64_t pair = (<uint64_t>left << INDEX_BITS) | right
    return place_of(pair * (vocabulary.seeds[1] | 1) >> 32, vocabulary.pair_bucket_count)


cdef inline void prefetch_pair(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    """Prefetches the bucket where two parts would be looked up."""
    prefetch(vocabulary.pair_buckets + pair_bucket(vocabulary, left, right))


cdef inline bint passes_on(const PairBucket *bucket, uint32_t right) noexcept nogil:
    """Returns whether a full bucket's pair with this right part may be in the next one.

    Thanks to a bit for each of eight sorts of right parts, a look-up that finds nothing nearly
    always ends in its own bucket.
    """
    return not bucket.merged[right % BUCKET_PAIRS] & ALL_HERE


cdef inline bint has_left(uint32_t merged, uint32_t left) noexcept nogil:
    """Returns whether a word of `merged` has the other bits of a left part."""
    return (merged & ~ALL_HERE) >> INDEX_BITS == left >> TAG_LEFT_BITS


cdef inline Pair pair_at(const PairBucket *bucket, int place) noexcept nogil:
    """Returns a pair of a bucket. Precondition: the place is not free."""
    cdef Pair pair
    cdef uint32_t mask = (1 << INDEX_BITS) - 1
    pair.left = ((bucket.merged[place] & ~ALL_HERE) >> INDEX_BITS << TAG_LEFT_BITS
                 | bucket.tags[place] >> INDEX_BITS)
    pair.right = bucket.tags[place] & mask
    pair.merged = bucket.merged[place] & mask
    return pair


cdef inline uint32_t find_merge_slowly(
    const PairBucket *bucket, uint32_t left, uint32_t right
) noexcept nogil:
    """As `find_merge_in`, for any number of buckets and of equal tags."""
    cdef uint32_t equal, merged
    while True:
        equal = equal_words(bucket.tags, left << INDEX_BITS | right)
        while equal:
            merged = bucket.merged[lowest_one_of_32(equal)]
            if likely(has_left(merged, left)):
                return merged & ((1 << INDEX_BITS) - 1)
            equal &= equal - 1
        if likely(not passes_on(bucket, right)):
            return NO_TOKEN
        bucket += 1


cdef inline uint32_t find_merge_in(
    const PairBucket *bucket, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns the index of the token that the two parts merge into, or NO_TOKEN.

    Nearly branchless, because whether there is one is unpredictable.

    Args:
        bucket: where the look-up begins.
    """
    cdef uint32_t equal = equal_words(bucket.tags, left << INDEX_BITS | right)
    cdef uint32_t merged = bucket.merged[lowest_one_of_32(equal | 1 << (BUCKET_PAIRS - 1))]
    cdef uint32_t found = computed((equal != 0) & has_left(merged, left))
    cdef uint32_t absent = computed((equal == 0) & (not passes_on(bucket, right)))
    if likely(found | absent):
        return (merged | (found - 1)) & NO_TOKEN
    return find_merge_slowly(bucket, left, right)


cdef inline uint32_t find_merge(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns the index of the token that the two parts merge into, or NO_TOKEN."""
    return find_merge_in(
        vocabulary.pair_buckets + pair_bucket(vocabulary, left, right), left, right)


cdef inline void read_all_pairs(const Vocabulary *vocabulary) noexcept nogil:
    """Brings the table of pairs into the processor's caches.

    A long text needs nearly all of it. Read in order it arrives at the memory's bandwidth; one by
    one, as merges need them, each bucket would cost the memory's latency. Short tokens have more
    buckets, and a text needs fewer of them: cache/learn.pxd prefetches those.
    """
    cdef const PairBucket *bucket = vocabulary.pair_buckets
    cdef const PairBucket *end = bucket + vocabulary.pair_bucket_count
    populate(bucket, vocabulary.pair_bucket_count * sizeof(PairBucket), False)
    while bucket < end:
        read_bucket(bucket)
        bucket += 1


cdef inline uint32_t id_of(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    check(index < vocabulary.token_count)
    return index if index < vocabulary.identity_count else vocabulary.ids[index]


cdef inline uint32_t index_by_id(const Vocabulary *vocabulary, uint32_t place) noexcept nogil:
    """Returns the index of the token whose id has a place among all ids, lowest first."""
    return vocabulary.by_id[place] if vocabulary.renumbered else place


cdef inline uint32_t index_of(const Vocabulary *vocabulary, uint32_t token_id) noexcept nogil:
    """Returns the index of the token with this id, or NO_TOKEN."""
    cdef uint32_t low = vocabulary.identity_count
    cdef uint32_t high = vocabulary.token_count
    cdef uint32_t middle
    if token_id < low:
        return token_id
    while low < high:
        middle = low + (high - low) // 2
        if vocabulary.ids[index_by_id(vocabulary, middle)] < token_id:
            low = middle + 1
        else:
            high = middle
    if low == vocabulary.token_count:
        return NO_TOKEN
    low = index_by_id(vocabulary, low)
    return low if vocabulary.ids[low] == token_id else NO_TOKEN
