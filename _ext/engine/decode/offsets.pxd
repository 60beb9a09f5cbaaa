# Where the tokens of a text begin, in characters or in bytes. O(ids), for most tokens one load.
#
# Many tokens have their lengths looked up in a table: those of 200,000 tokens stay in the
# processor's second cache, where their bytes do not. A vocabulary keeps the table, one byte per
# token, once it is made, which takes a few hundred microseconds.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.heap cimport allocate, release
from engine.decode.ids cimport SpecialBytes, TokenBytes, bytes_of, put_token
from engine.vocab.tables cimport Vocabulary

cdef enum:
    LENGTH_BITS = 0x7F     # of an entry of `TokenLengths.short_ones`
    LONG_TOKEN = 0x7F      # in place of the length: it is not in the table
    INSIDE = 0x80          # the token begins inside a character

cdef struct LengthTables:
    # Of one vocabulary: [identity_count], by id, see LENGTH_BITS; NULL = not made yet
    uint8_t *in_characters    # owned
    uint8_t *in_bytes         # owned

cdef struct TokenLengths:
    const Vocabulary *vocabulary   # borrowed
    const SpecialBytes *special    # borrowed
    bint in_bytes                  # lengths are bytes; otherwise the characters that begin
    const uint8_t *short_ones      # borrowed: [known], a table of the vocabulary
    uint32_t known                 # 0: there is no table

cdef extern from "engine/base/platform.h" nogil:
    uint8_t *load_table "bpecore_load_acquire" (uint8_t **place) noexcept
    bint keep_table "bpecore_fill_release" (uint8_t **place, uint8_t *table) noexcept


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


cdef inline uint8_t *make_table(const Vocabulary *vocabulary, bint in_bytes) noexcept nogil:
    """Makes the table of the lengths of the tokens whose id is their index, or returns NULL."""
    cdef uint8_t *table = <uint8_t *>allocate(vocabulary.identity_count, 1)
    cdef const uint8_t *data
    cdef size_t length
    cdef uint32_t i
    if table == NULL:
        return NULL
    for i in range(vocabulary.identity_count):
        data = vocabulary.token_bytes + vocabulary.starts[i]
        length = vocabulary.starts[i + 1] - vocabulary.starts[i]
        if not in_bytes:
            table[i] = <uint8_t>(
                min(characters_begun(data, length), <size_t>LONG_TOKEN)
                | (INSIDE if begins_inside(data, length) else 0))
        else:
            table[i] = <uint8_t>min(length, <size_t>LONG_TOKEN)
    return table


cdef inline void open_token_lengths(
    TokenLengths *lengths, LengthTables *tables, const Vocabulary *vocabulary,
    const SpecialBytes *special, bint in_bytes, size_t count
) noexcept nogil:
    """Prepares for the lengths of about `count` tokens; if they are many, by a table.

    Args:
        tables: of the vocabulary.
    """
    cdef uint8_t **place = &tables.in_bytes if in_bytes else &tables.in_characters
    cdef uint8_t *table = load_table(place)
    if table == NULL and count >= vocabulary.identity_count // 4:
        table = make_table(vocabulary, in_bytes)
        if table != NULL and not keep_table(place, table):
            release(table)
            table = load_table(place)
    lengths.vocabulary = vocabulary
    lengths.special = special
    lengths.in_bytes = in_bytes
    lengths.short_ones = table
    lengths.known = 0 if table == NULL else vocabulary.identity_count


cdef inline void free_length_tables(LengthTables *tables) noexcept nogil:
    release(tables.in_characters)
    release(tables.in_bytes)


cdef inline size_t length_of(
    const TokenLengths *lengths, uint32_t token_id, bint *inside
) noexcept nogil:
    """Returns the length of a token; 0 if the id is unknown.

    Args:
        inside: receives whether the token begins inside a character, if characters are counted.
    """
    cdef TokenBytes token
    cdef uint8_t entry = (
        lengths.short_ones[token_id] if token_id < lengths.known else <uint8_t>LONG_TOKEN)
    if entry & LENGTH_BITS != LONG_TOKEN:
        inside[0] = entry >= INSIDE
        return entry & LENGTH_BITS
    token = bytes_of(lengths.vocabulary, lengths.special, token_id)
    inside[0] = not lengths.in_bytes and begins_inside(token.data, token.length)
    return token.length if lengths.in_bytes else characters_begun(token.data, token.length)


cdef inline size_t sum_lengths(
    const TokenLengths *lengths, const uint32_t *ids, size_t count
) noexcept nogil:
    """Returns the length of some tokens together."""
    cdef size_t total = 0, i
    cdef bint inside, all_short = True
    cdef uint32_t length
    if lengths.known:
        for i in range(count):
            length = lengths.short_ones[min(ids[i], lengths.known - 1)] & LENGTH_BITS
            all_short &= (length != LONG_TOKEN) & (ids[i] < lengths.known)
            total += length
        if all_short:
            return total
        total = 0
    for i in range(count):
        total += length_of(lengths, ids[i], &inside)
    return total


cdef inline void decode_with_starts(
    const TokenLengths *lengths, uint32_t *ids, size_t count, uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes the bytes of known ids, exactly up to `out_end`, and replaces the ids.

    Args:
        lengths: in characters.
        ids: receives the character that holds the first byte of each token.
    """
    cdef TokenBytes token
    cdef size_t characters = 0, length, i
    cdef bint inside
    for i in range(count):
        token = bytes_of(lengths.vocabulary, lengths.special, ids[i])
        put_token(&token, out, out_end)
        out += token.length
        if lengths.known:
            length = length_of(lengths, ids[i], &inside)
        else:
            inside = characters > 0 and begins_inside(token.data, token.length)
            length = characters_begun(token.data, token.length)
        ids[i] = <uint32_t>(characters - (characters > 0 and inside))
        characters += length
