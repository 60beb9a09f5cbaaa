# The two parts that merge into each token, and how long a text's last token may be, given the
# text's last two bytes.
#
# Space: 8 bytes per token and half a megabyte. Built for the first TokenCounter of a vocabulary;
# all threads read it afterwards.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK
from engine.vocab.tables cimport (
    NO_PAIR, BUCKET_PAIRS, PAIR_PROBE_LIMIT, Pair, PairBucket, Vocabulary, pair_at, token_length)

cdef enum:
    MASKED_LENGTH = 62     # bytes of the longest token that has a bit of its own
    LONGER = 63            # the bit shared by all longer tokens

cdef struct TokenParts:
    uint32_t *left          # owned: [token_count]; NO_TOKEN: no merge makes the token
    uint32_t *right         # owned: [token_count]
    uint64_t *lengths       # owned: [first | second << 8], one bit per length, from two bytes on,
    #                         of the tokens that end in these two bytes
    uint32_t *long_lengths  # owned: lengths above MASKED_LENGTH, descending
    uint32_t long_count


cdef inline void free_token_parts(TokenParts *parts) noexcept nogil:
    release(parts.left)
    release(parts.right)
    release(parts.lengths)
    release(parts.long_lengths)
    memset(parts, 0, sizeof(TokenParts))


cdef inline bint has_parts(
    const Vocabulary *vocabulary, const TokenParts *parts, uint32_t index
) noexcept nogil:
    """Returns whether a merge makes the token; none makes a byte, or the stand-in for one."""
    return index < vocabulary.token_count and parts.left[index] != NO_TOKEN


cdef inline void fill_parts(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    cdef const PairBucket *buckets = vocabulary.pair_buckets
    cdef uint64_t i
    cdef uint32_t index
    cdef int place
    cdef Pair pair
    for index in range(vocabulary.token_count):
        parts.left[index] = NO_TOKEN
        parts.right[index] = NO_TOKEN
    for i in range(vocabulary.pair_bucket_count + PAIR_PROBE_LIMIT):
        for place in range(BUCKET_PAIRS):
            if buckets[i].merged[place] == NO_PAIR:
                break
            pair = pair_at(buckets + i, place)
            parts.left[pair.merged] = pair.left
            parts.right[pair.merged] = pair.right


cdef inline int fill_lengths(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    cdef uint8_t *seen = <uint8_t *>allocate_zeroed(<size_t>vocabulary.longest_token + 1, 1)
    cdef const uint8_t *end      # the token's last two bytes
    cdef uint32_t index, length
    cdef uint32_t count = 0
    if seen == NULL:
        return STATUS_NO_MEMORY
    for index in range(vocabulary.token_count):
        if parts.left[index] == NO_TOKEN:
            continue
        length = token_length(vocabulary, index)
        end = vocabulary.token_bytes + vocabulary.starts[index + 1] - 2
        if length > MASKED_LENGTH:
            count += not seen[length]
            seen[length] = 1
        parts.lengths[end[0] | <uint32_t>end[1] << 8] |= (
            <uint64_t>1 << (LONGER if length > MASKED_LENGTH else length))
    parts.long_lengths = <uint32_t *>allocate(count, sizeof(uint32_t))
    if parts.long_lengths != NULL:
        for length in range(vocabulary.longest_token, MASKED_LENGTH, -1):
            if seen[length]:
                parts.long_lengths[parts.long_count] = length
                parts.long_count += 1
    release(seen)
    return STATUS_OK if parts.long_lengths != NULL else STATUS_NO_MEMORY


cdef inline int build_token_parts(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    """Fills the struct for a finished vocabulary. After a failure it is fit to be freed."""
    memset(parts, 0, sizeof(TokenParts))
    parts.left = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    parts.right = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    parts.lengths = <uint64_t *>allocate_zeroed(0x10000, sizeof(uint64_t))
    if parts.left == NULL or parts.right == NULL or parts.lengths == NULL:
        return STATUS_NO_MEMORY
    fill_parts(vocabulary, parts)
    return fill_lengths(vocabulary, parts)
