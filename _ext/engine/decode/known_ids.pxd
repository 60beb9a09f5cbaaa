# Turns ids into bytes, and leaves out or replaces some: special tokens, and ids that are no
# tokens, such as the padding of a batch. Two passes, as in ids.pxd; O(ids).

from libc.stdint cimport uint8_t, uint32_t, UINT32_MAX
from libc.string cimport memcpy

from engine.decode.ids cimport SpecialBytes, TokenBytes, bytes_of, put_token
from engine.vocab.tables cimport Vocabulary

cdef extern from *:
    """
    #define BPECORE_NO_BYTES ((size_t)-1)
    #define BPECORE_REPLACEMENT "\\xEF\\xBF\\xBD"
    """
    const size_t NO_BYTES "BPECORE_NO_BYTES"
    const char *REPLACEMENT "BPECORE_REPLACEMENT"

cdef enum Unknown:
    UNKNOWN_REFUSED
    UNKNOWN_REPLACED    # by U+FFFD
    UNKNOWN_SKIPPED

cdef enum:
    REPLACEMENT_BYTES = 3    # of U+FFFD

cdef struct IdRules:
    bint skip_special
    Unknown unknown
    uint32_t no_token    # an id that is unknown


cdef inline uint32_t unknown_id(
    const Vocabulary *vocabulary, const SpecialBytes *special
) noexcept nogil:
    """Returns an id that no token has."""
    cdef uint32_t token_id = UINT32_MAX
    while bytes_of(vocabulary, special, token_id).data != NULL:
        token_id -= 1
    return token_id


cdef inline bint is_special(const SpecialBytes *special, const TokenBytes *token) noexcept nogil:
    """Returns whether the bytes are a special token's."""
    cdef uint32_t low = 0, high = special.count, middle
    if (special.count == 0 or token.data < special.bytes
            or token.data >= special.bytes + special.starts[special.count]):
        return False
    if special.ordinary == NULL:
        return True
    while high - low > 1:
        middle = (low + high) // 2
        if special.bytes + special.starts[middle] <= token.data:
            low = middle
        else:
            high = middle
    return not special.ordinary[low]


cdef inline size_t keep_ids(
    const Vocabulary *vocabulary, const SpecialBytes *special, const IdRules *rules,
    uint32_t *ids, size_t *count
) noexcept nogil:
    """Removes the ids that are left out.

    Args:
        ids: those that stay are at the beginning afterwards.
        count: how many; receives how many stay, or the position of the first that is refused.

    Returns:
        The bytes that the ids decode to; NO_BYTES if one is refused.
    """
    cdef size_t length = 0, kept = 0, i
    cdef TokenBytes token
    for i in range(count[0]):
        token = bytes_of(vocabulary, special, ids[i])
        if token.data == NULL:
            if rules.unknown == UNKNOWN_SKIPPED:
                continue
            if rules.unknown == UNKNOWN_REFUSED:
                count[0] = i
                return NO_BYTES
            token.length = REPLACEMENT_BYTES
        elif rules.skip_special and is_special(special, &token):
            continue
        length += token.length
        ids[kept] = ids[i]
        kept += 1
    count[0] = kept
    return length


cdef inline void decode_kept(
    const Vocabulary *vocabulary, const SpecialBytes *special, const uint32_t *ids, size_t count,
    uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes the bytes of ids that `keep_ids` has kept, exactly up to `out_end`."""
    cdef size_t i
    cdef TokenBytes token
    for i in range(count):
        token = bytes_of(vocabulary, special, ids[i])
        if token.data == NULL:
            memcpy(out, REPLACEMENT, REPLACEMENT_BYTES)
            token.length = REPLACEMENT_BYTES
        else:
            put_token(&token, out, out_end)
        out += token.length
