# Builds the hash table of pairs, which grows while pairs are entered.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from engine.base.mappings cimport allocate_table, release_table
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, likely, lowest_one_of_32
from engine.build.short_tokens cimport NOT_PLACED
from engine.simd.vectors cimport equal_words
from engine.vocab.tables cimport (
    ALL_HERE, BUCKET_PAIRS, INDEX_BITS, NO_PAIR, PAIR_PROBE_LIMIT, TAG_LEFT_BITS, Pair, PairBucket,
    Vocabulary, pair_at, pair_bucket)


cdef inline void release_pair_buckets(PairBucket *buckets, uint64_t count) noexcept nogil:
    release_table(buckets, count + PAIR_PROBE_LIMIT, sizeof(PairBucket))


cdef inline int place_pair(
    PairBucket *buckets, const Vocabulary *vocabulary, Pair pair
) noexcept nogil:
    cdef PairBucket *bucket = buckets + pair_bucket(vocabulary, pair.left, pair.right)
    cdef uint32_t free_places
    cdef int _probe, place
    for _probe in range(PAIR_PROBE_LIMIT - 1):
        free_places = equal_words(bucket.merged, NO_PAIR)
        if likely(free_places):
            place = lowest_one_of_32(free_places)
            bucket.tags[place] = pair.left << INDEX_BITS | pair.right
            bucket.merged[place] = (
                ALL_HERE | (pair.left >> TAG_LEFT_BITS) << INDEX_BITS | pair.merged)
            return STATUS_OK
        bucket.merged[pair.right % BUCKET_PAIRS] &= ~ALL_HERE
        bucket += 1
    return NOT_PLACED


cdef inline int place_all(
    PairBucket *buckets, const Vocabulary *vocabulary, const PairBucket *old, uint64_t old_count
) noexcept nogil:
    """Copies all pairs of the old buckets into the new ones."""
    cdef uint64_t i
    cdef int place
    for i in range(old_count):
        for place in range(BUCKET_PAIRS):
            if old[i].merged[place] == NO_PAIR:
                break
            if place_pair(buckets, vocabulary, pair_at(old + i, place)) != STATUS_OK:
                return NOT_PLACED
    return STATUS_OK


cdef inline int resize_pairs(Vocabulary *vocabulary, uint64_t count) noexcept nogil:
    """Gives the table `count` buckets, or more if chains of probes would get too long."""
    cdef PairBucket *old = vocabulary.pair_buckets
    cdef uint64_t old_count = vocabulary.pair_bucket_count
    cdef PairBucket *grown
    cdef uint64_t buckets
    while True:
        buckets = count + PAIR_PROBE_LIMIT
        grown = <PairBucket *>allocate_table(buckets, sizeof(PairBucket))
        if grown == NULL:
            vocabulary.pair_bucket_count = old_count
            return STATUS_NO_MEMORY
        vocabulary.pair_bucket_count = count
        memset(grown, 0xFF, buckets * sizeof(PairBucket))
        if place_all(grown, vocabulary, old,
                     old_count + PAIR_PROBE_LIMIT if old != NULL else 0) == STATUS_OK:
            release_pair_buckets(old, old_count)
            vocabulary.pair_buckets = grown
            return STATUS_OK
        release_pair_buckets(grown, count)
        count += count // 4 + 1


cdef inline int add_pair(Vocabulary *vocabulary, Pair pair) noexcept nogil:
    """Enters a pair, into a larger table if need be."""
    cdef uint64_t count
    while place_pair(vocabulary.pair_buckets, vocabulary, pair) != STATUS_OK:
        count = vocabulary.pair_bucket_count
        if resize_pairs(vocabulary, count + count // 4 + 1) != STATUS_OK:
            return STATUS_NO_MEMORY
    return STATUS_OK
