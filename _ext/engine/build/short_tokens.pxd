# Builds the hash table of tokens of 1 to 15 bytes.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.mappings cimport allocate_table, release_table
from engine.base.types cimport SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, likely, prefetch
from engine.vocab.tables cimport (
    BUCKET_ENTRIES, Bucket, Key, PROBE_LIMIT, Vocabulary, hash_key, load_key, overflow_bit,
    short_bucket)

cdef enum:
    TOGETHER = 64      # tokens whose buckets are prefetched before they are written to
    NOT_PLACED = -1    # a chain of probes would get too long: the table must grow


cdef inline void release_buckets(Vocabulary *vocabulary) noexcept nogil:
    release_table(vocabulary.buckets, vocabulary.bucket_count + PROBE_LIMIT, sizeof(Bucket))


cdef inline int place_short(
    Vocabulary *vocabulary, Key key, uint64_t hashed, uint32_t index
) noexcept nogil:
    """Enters a token.

    Args:
        hashed: the hash of its key.
    """
    cdef Bucket *bucket = <Bucket *>short_bucket(vocabulary, hashed)
    cdef int _probe, used
    for _probe in range(PROBE_LIMIT):
        # Used entries are the first ones. Branchless, because their number is unpredictable.
        used = (bucket.keys[0].high != 0) + (bucket.keys[1].high != 0) + (bucket.keys[2].high != 0)
        if likely(used < BUCKET_ENTRIES):
            bucket.keys[used] = key
            bucket.indices[used] = index
            return STATUS_OK
        bucket.overflowed |= overflow_bit(hashed)
        bucket += 1
    return NOT_PLACED


cdef inline int fill_buckets(Vocabulary *vocabulary) noexcept nogil:
    """Enters all short tokens into the buckets, which are empty."""
    cdef Key keys[TOGETHER]          # of tokens whose buckets are being prefetched
    cdef uint64_t hashes[TOGETHER]
    cdef uint32_t indices[TOGETHER]
    cdef const uint32_t *starts = vocabulary.starts
    cdef const uint8_t *token_bytes = vocabulary.token_bytes
    cdef uint32_t i, count, length, index = 0, token_count = vocabulary.token_count
    while index < token_count:
        count = 0
        while count < TOGETHER and index < token_count:
            length = starts[index + 1] - starts[index]
            if 0 < length <= SHORT_PIECE:
                keys[count] = load_key(token_bytes + starts[index], length)
                hashes[count] = hash_key(keys[count], vocabulary.seeds)
                indices[count] = index
                prefetch(short_bucket(vocabulary, hashes[count]))
                count += 1
            index += 1
        for i in range(count):
            if place_short(vocabulary, keys[i], hashes[i], indices[i]) != STATUS_OK:
                return NOT_PLACED
    return STATUS_OK


cdef inline int build_short_tokens(Vocabulary *vocabulary) noexcept nogil:
    """Builds the table, about four fifths full."""
    vocabulary.bucket_count = <uint64_t>vocabulary.token_count * 5 // 12 + 1
    while True:
        vocabulary.buckets = <Bucket *>allocate_table(
            vocabulary.bucket_count + PROBE_LIMIT, sizeof(Bucket))
        if vocabulary.buckets == NULL:
            return STATUS_NO_MEMORY
        if fill_buckets(vocabulary) == STATUS_OK:
            vocabulary.table_bytes += (vocabulary.bucket_count + PROBE_LIMIT) * sizeof(Bucket)
            return STATUS_OK
        release_buckets(vocabulary)
        vocabulary.bucket_count += vocabulary.bucket_count // 8 + 1
