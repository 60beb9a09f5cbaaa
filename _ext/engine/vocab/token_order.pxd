# The tokens of a vocabulary in the order of their bytes.
#
# Time: O(n log n) comparisons of n tokens to sort, O(log n) to find a prefix.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcmp

from engine.base.heap cimport allocate, release
from engine.vocab.tables cimport Vocabulary as VocabularyTables, token_length

cdef struct SortedToken:
    uint64_t beginning       # its first 8 bytes, the first one highest; zeros after a shorter one
    const uint8_t *text
    uint32_t length
    uint32_t index


cdef inline int compare_tokens(const void *first, const void *second) noexcept nogil:
    cdef const SortedToken *left = <const SortedToken *>first
    cdef const SortedToken *right = <const SortedToken *>second
    cdef int difference
    if left.beginning != right.beginning:
        return -1 if left.beginning < right.beginning else 1
    difference = memcmp(left.text, right.text, min(left.length, right.length))
    if difference == 0:
        return -1 if left.length < right.length else 1
    return difference


cdef inline uint32_t *sort_tokens(const VocabularyTables *vocabulary) noexcept nogil:
    """Returns the indices of all tokens in the order of their bytes; NULL if memory is short."""
    cdef size_t count = vocabulary.token_count, i, byte
    cdef uint32_t *order = <uint32_t *>allocate(count, sizeof(uint32_t))
    cdef SortedToken *tokens = <SortedToken *>allocate(count, sizeof(SortedToken))
    cdef SortedToken *token
    if order == NULL or tokens == NULL:
        release(order)
        release(tokens)
        return NULL
    for i in range(count):
        token = tokens + i
        token.index = <uint32_t>i
        token.text = vocabulary.token_bytes + vocabulary.starts[i]
        token.length = token_length(vocabulary, token.index)
        token.beginning = 0
        for byte in range(min(<size_t>token.length, <size_t>8)):
            token.beginning |= <uint64_t>token.text[byte] << (56 - 8 * byte)
    qsort(tokens, count, sizeof(SortedToken), compare_tokens)
    for i in range(count):
        order[i] = tokens[i].index
    release(tokens)
    return order


cdef inline size_t first_token_from(
    const VocabularyTables *vocabulary, const uint32_t *order, const uint8_t *prefix, size_t length
) noexcept nogil:
    """Returns the place of the first token that is not less than the prefix."""
    cdef size_t place = 0, end = vocabulary.token_count, middle, size
    cdef int difference
    while place < end:
        middle = (place + end) // 2
        size = token_length(vocabulary, order[middle])
        difference = memcmp(vocabulary.token_bytes + vocabulary.starts[order[middle]], prefix,
                            min(size, length))
        if difference < 0 or (difference == 0 and size < length):
            place = middle + 1
        else:
            end = middle
    return place
