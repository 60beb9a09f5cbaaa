# Where the tokens of a text begin, in characters or in bytes. O(ids), for most tokens one load.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.heap cimport allocate, release
from engine.decode.ids cimport SpecialBytes, TokenBytes, bytes_of, put_token
from engine.vocab.tables cimport Vocabulary

cdef enum:
    LENGTH_BITS = 0x7F     # of an entry of `TokenLengths.short_ones`
    LONG_TOKEN = 0x7F      # in place of the length: it is not in the table
    INSIDE = 0x80          # the token begins inside a character

cdef struct TokenLengths:
    const Vocabulary *vocabulary   # borrowed
    const SpecialBytes *special    # borrowed
    bint in_bytes                  # lengths are bytes; otherwise the characters that begin
    uint8_t *short_ones            # owned: [known], by id; see LENGTH_BITS
    uint32_t known                 # 0: there is no table


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


cdef inline bint begins_inside(const uint8_t *data, size_t length) noexcept nogil:
    """Returns whether some bytes of UTF-8 begin inside a character."""
    return length > 0 and data[0] & 0xC0 == 0x80


cdef inline void open_token_lengths(
    TokenLengths *lengths, const Vocabulary *vocabulary, const SpecialBytes *special,
    bint in_bytes, size_t count
) noexcept nogil:
    """Prepares for the lengths of about `count` tokens.

    If they are many, those of the tokens whose id is their index go into a table. That takes a few
    hundred microseconds, and a quarter of the time for each token from then on: the lengths of
    200,000 tokens stay in the processor's second cache, where their bytes do not.
    """
    cdef const uint8_t *data
    cdef size_t length
    cdef uint32_t i
    lengths.vocabulary = vocabulary
    lengths.special = special
    lengths.in_bytes = in_bytes
    lengths.known = 0
    lengths.short_ones = NULL
    if count < vocabulary.identity_count // 4:
        return
    lengths.short_ones = <uint8_t *>allocate(vocabulary.identity_count, 1)
    if lengths.short_ones == NULL:
        return
    lengths.known = vocabulary.identity_count
    for i in range(lengths.known):
        data = vocabulary.token_bytes + vocabulary.starts[i]
        length = vocabulary.starts[i + 1] - vocabulary.starts[i]
        if not in_bytes:
            lengths.short_ones[i] = <uint8_t>(
                min(characters_begun(data, length), <size_t>LONG_TOKEN)
                | (INSIDE if begins_inside(data, length) else 0))
        else:
            lengths.short_ones[i] = <uint8_t>min(length, <size_t>LONG_TOKEN)


cdef inline void close_token_lengths(TokenLengths *lengths) noexcept nogil:
    release(lengths.short_ones)


cdef inline size_t length_of(
    const TokenLengths *lengths, uint32_t token_id, bint *inside
) noexcept nogil:
    """Returns the length of a token; 0 if the id is unknown.

    Args:
        inside: receives whether the token begins inside a character, if characters are counted.
    """
    cdef TokenBytes token
    cdef uint8_t entry
    if token_id < lengths.known:
        entry = lengths.short_ones[token_id]
        if entry & LENGTH_BITS != LONG_TOKEN:
            inside[0] = entry & INSIDE
            return entry & LENGTH_BITS
    token = bytes_of(lengths.vocabulary, lengths.special, token_id)
    inside[0] = not lengths.in_bytes and begins_inside(token.data, token.length)
    return token.length if lengths.in_bytes else characters_begun(token.data, token.length)


cdef inline size_t replace_by_starts(
    const TokenLengths *lengths, uint32_t *ids, size_t count, size_t start
) noexcept nogil:
    """Replaces each id by the number of characters, or bytes, that begin before its token.

    Args:
        start: the number for the first token.

    Returns:
        That for a token after the last one; all are below 2**32.
    """
    cdef bint inside
    cdef size_t length, i
    for i in range(count):
        length = length_of(lengths, ids[i], &inside)
        ids[i] = <uint32_t>start
        start += length
    return start


cdef inline void decode_with_starts(
    const Vocabulary *vocabulary, const SpecialBytes *special, uint32_t *ids, size_t count,
    uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes the bytes of known ids, exactly up to `out_end`, and replaces the ids.

    Args:
        ids: receives the character that holds the first byte of each token.
    """
    cdef TokenBytes token
    cdef size_t characters = 0, i
    for i in range(count):
        token = bytes_of(vocabulary, special, ids[i])
        put_token(&token, out, out_end)
        out += token.length
        ids[i] = <uint32_t>(
            characters - (characters > 0 and begins_inside(token.data, token.length)))
        characters += characters_begun(token.data, token.length)
