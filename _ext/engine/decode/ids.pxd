# Turns ids into bytes.
#
# An id shared by a token and a special token decodes to the token. Two passes: one adds up the
# lengths, the other copies the bytes into memory of that size. O(ids).

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from engine.base.types cimport NO_TOKEN, copy_16
from engine.vocab.tables cimport Vocabulary, index_of, token_length

cdef struct SpecialBytes:
    uint32_t count
    uint32_t *ids         # owned: [count], ascending, no id twice
    size_t *starts        # owned: [count + 1], offsets into bytes
    uint8_t *bytes        # owned: the special tokens' UTF-8, then LOAD_SLACK bytes
    uint8_t *ordinary     # owned: [count], whether a token is not special; NULL: all are special

cdef struct TokenBytes:
    const uint8_t *data   # borrowed; NULL: the id is unknown
    size_t length


cdef inline TokenBytes bytes_of(
    const Vocabulary *vocabulary, const SpecialBytes *special, uint32_t token_id
) noexcept nogil:
    """Returns the bytes of a token or special token."""
    cdef TokenBytes found
    cdef uint32_t index = index_of(vocabulary, token_id)
    cdef uint32_t low = 0, high = special.count, middle
    if index != NO_TOKEN:
        found.data = vocabulary.token_bytes + vocabulary.starts[index]
        found.length = token_length(vocabulary, index)
        return found
    while low < high:
        middle = (low + high) // 2
        if special.ids[middle] < token_id:
            low = middle + 1
        else:
            high = middle
    if low < special.count and special.ids[low] == token_id:
        found.data = special.bytes + special.starts[low]
        found.length = special.starts[low + 1] - special.starts[low]
    else:
        found.data = NULL
        found.length = 0
    return found


cdef inline size_t decoded_length(
    const Vocabulary *vocabulary, const SpecialBytes *special, const uint32_t *ids, size_t count,
    size_t *unknown
) noexcept nogil:
    """Returns how many bytes the ids decode to; 0 if one is unknown.

    Args:
        unknown: receives the position of the first unknown id, or `count`.
    """
    cdef size_t total = 0, i
    cdef TokenBytes token
    for i in range(count):
        token = bytes_of(vocabulary, special, ids[i])
        if token.data == NULL:
            unknown[0] = i
            return 0
        total += token.length
    unknown[0] = count
    return total


cdef inline void put_token(
    const TokenBytes *token, uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes the bytes of a token, and perhaps others after it, but none from `out_end` on."""
    # Tokens are followed by readable bytes in both tables, and most have at most 16 bytes.
    if token.length <= 16 and out_end - out >= 16:
        copy_16(out, token.data)
    else:
        memcpy(out, token.data, token.length)


cdef inline void decode_ids(
    const Vocabulary *vocabulary, const SpecialBytes *special, const uint32_t *ids, size_t count,
    uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes the bytes of known ids, exactly up to `out_end`."""
    cdef size_t i
    cdef TokenBytes token
    for i in range(count):
        token = bytes_of(vocabulary, special, ids[i])
        put_token(&token, out, out_end)
        out += token.length
