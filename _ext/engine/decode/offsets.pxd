# Where the tokens of a text begin, in characters or in bytes. O(ids), for most tokens one load.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.heap cimport allocate, release
from engine.decode.ids cimport SpecialBytes, TokenBytes, bytes_of
from engine.vocab.tables cimport Vocabulary

cdef enum:
    LONG_TOKEN = 255


cdef inline size_t characters_begun(const uint8_t *data, size_t length) noexcept nogil:
    """Returns how many characters begin in some bytes of UTF-8, after which 8 more are readable."""
    cdef size_t continuing = 0, i = 0
    cdef uint64_t word
    while i < length:
        memcpy(&word, data + i, 8)
        if length - i < 8:
            word &= (<uint64_t>1 << (8 * (length - i))) - 1
        # A continuation byte has its highest bit set, and the next one not.
        word = (word & ~(word << 1)) >> 7 & 0x0101010101010101ULL
        continuing += <size_t>(word * 0x0101010101010101ULL >> 56)    # the sum of its bytes
        i += 8
    return length - continuing


cdef inline size_t length_of(
    const Vocabulary *vocabulary, const SpecialBytes *special, uint32_t token_id, bint in_bytes
) noexcept nogil:
    """Returns a token's bytes, or how many characters begin in it; 0 if the id is unknown."""
    cdef TokenBytes token = bytes_of(vocabulary, special, token_id)
    return token.length if in_bytes else characters_begun(token.data, token.length)


cdef inline uint8_t *short_lengths(const Vocabulary *vocabulary, bint in_bytes) noexcept nogil:
    """Returns the lengths of the tokens whose id is their index, LONG_TOKEN for longer ones.

    It takes a few hundred microseconds, and a quarter of the time for each id from then on: the
    lengths of 200,000 tokens stay in the processor's second cache, where their bytes do not.

    Returns:
        [identity_count], owned by the caller; NULL if there is no memory.
    """
    cdef uint8_t *lengths = <uint8_t *>allocate(vocabulary.identity_count, 1)
    cdef const uint32_t *starts = vocabulary.starts
    cdef size_t length
    cdef uint32_t i
    if lengths != NULL:
        for i in range(vocabulary.identity_count):
            length = starts[i + 1] - starts[i]
            if not in_bytes:
                length = characters_begun(vocabulary.token_bytes + starts[i], length)
            lengths[i] = <uint8_t>min(length, <size_t>LONG_TOKEN)
    return lengths


cdef inline bint replace_by_starts(
    const Vocabulary *vocabulary, const SpecialBytes *special, uint32_t *ids, size_t count,
    bint in_bytes, size_t length
) noexcept nogil:
    """Replaces each id by the number of characters, or bytes, that begin before its token.

    Args:
        in_bytes: whether bytes are counted; characters then, if they are ASCII.
        length: of the text, below 2**32.

    Returns:
        Whether the tokens make up the whole text; if not, the numbers mean nothing.
    """
    cdef uint8_t *lengths = NULL
    cdef uint32_t known = 0, token_id
    cdef size_t total = 0, size, i
    if count >= vocabulary.identity_count // 4:
        lengths = short_lengths(vocabulary, in_bytes)
        known = vocabulary.identity_count if lengths != NULL else 0
    for i in range(count):
        token_id = ids[i]
        size = lengths[token_id] if token_id < known else <size_t>LONG_TOKEN
        if size == LONG_TOKEN:
            size = length_of(vocabulary, special, token_id, in_bytes)
        ids[i] = <uint32_t>total
        total += size
    release(lengths)
    return total == length
