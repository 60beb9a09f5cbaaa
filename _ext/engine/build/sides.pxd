# Looks up the two sides of a token that is cut in two, a group of look-ups at a time.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport NO_TOKEN, SHORT_PIECE, likely, prefetch
from engine.simd.vectors cimport equal_key
from engine.vocab.tables cimport (
    BUCKET_ENTRIES, Bucket, Key, Vocabulary, find_in_bucket, find_long, hash_bytes, hash_key,
    load_key, overflow_bit, short_bucket)

cdef struct Side:             # set for short tokens only
    Key key
    const Bucket *bucket      # where it is, unless the bucket overflowed and has
    uint32_t overflow         # this bit


cdef inline void prefetch_side(
    const Vocabulary *vocabulary, const uint8_t *part, uint32_t length, Side *side
) noexcept nogil:
    """Begins the look-up of a part: prefetches where it is."""
    cdef uint64_t hashed
    side.bucket = NULL
    if length > SHORT_PIECE:
        prefetch(vocabulary.long_slots + (
            hash_bytes(part, length, vocabulary.seeds) & vocabulary.long_mask))
        return
    side.key = load_key(part, length)
    hashed = hash_key(side.key, vocabulary.seeds)
    side.bucket = short_bucket(vocabulary, hashed)
    side.overflow = overflow_bit(hashed)
    prefetch(side.bucket)


cdef inline uint32_t find_side(
    const Vocabulary *vocabulary, const Side *side, const uint8_t *part, uint32_t length
) noexcept nogil:
    """Returns the index of the token that equals a part, or NO_TOKEN."""
    cdef uint32_t entry
    if length > SHORT_PIECE:
        return find_long(vocabulary, part, length)
    # Branchless, because which entry it is is unpredictable.
    entry = equal_key(side.bucket.keys, &side.key)
    if likely(entry < BUCKET_ENTRIES):
        return side.bucket.indices[entry]
    if side.bucket.overflowed & side.overflow:
        return find_in_bucket(side.bucket + 1, side.key, hash_key(side.key, vocabulary.seeds))
    return NO_TOKEN
