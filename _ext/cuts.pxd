# Vocabulary cuts: where a long piece may be taken apart before it is merged.
#
# Let a and b be neighbouring characters of a piece. If no token of the vocabulary *bridges* the
# border a|b, then no merge ever crosses it, because the first merge to do so would make such a
# token. So BPE of the piece is BPE of the left side followed by BPE of the right side, and the
# sides can be looked up, cached and merged apart. (A piece that is itself a token has all its
# borders bridged: it is never cut.)
#
# A token bridges a|b if, cut in two at some place, its left part ends like a and its right part
# begins like b. Either part may hold just a fragment of its character:
# - both whole: the border (a, b) is recorded;
# - the left part is only trailing bytes of a: recorded as (last byte of a, b);
# - the right part is only leading bytes of b: recorded as (a, first byte of b);
# - both: (last byte of a, first byte of b).
# The records go into one Bloom filter with a single hash. A false positive, like the rounding of
# fragments to one byte, only leaves a border uncut, which is always right.
#
# Precondition: the text is valid UTF-8; a piece of arbitrary bytes must not be cut.
# Time: four reads of the filter a border. Space: 16 bits or more a record, at most 64 KB for the
# OpenAI vocabularies. Loses on ASCII, where nearly every border is bridged: borders between two
# ASCII characters are neither recorded nor cut.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from types cimport multiply_fold
from utf8 cimport decode_character, sequence_length
from vocab cimport Vocabulary

cdef enum:
    BORDER_WHOLE = 1       # kinds of records, so that they do not answer for each other
    BORDER_LEFT = 2
    BORDER_RIGHT = 3
    BORDER_BOTH = 4


cdef inline uint64_t border_hash(
    const Vocabulary *vocabulary, uint64_t kind, uint64_t left, uint64_t right
) noexcept nogil:
    return multiply_fold((kind << 56 | left << 28 | right) ^ vocabulary.seeds[0],
                         vocabulary.seeds[1]) & vocabulary.border_mask


cdef inline bint border_recorded(
    const Vocabulary *vocabulary, uint64_t kind, uint64_t left, uint64_t right
) noexcept nogil:
    cdef uint64_t place = border_hash(vocabulary, kind, left, right)
    return (vocabulary.borders[place >> 6] >> (place & 63)) & 1


cdef inline bint is_bridged(
    const Vocabulary *vocabulary, uint32_t left, uint8_t left_last, uint32_t right,
    uint8_t right_first
) noexcept nogil:
    """Whether some token may bridge the border between two characters.

    Args:
        left, right: the code points.
        left_last, right_first: the last byte of the left and the first byte of the right one.
    """
    if (left | right) < 0x80:
        return True
    return (border_recorded(vocabulary, BORDER_WHOLE, left, right)
            | border_recorded(vocabulary, BORDER_LEFT, left_last, right)
            | border_recorded(vocabulary, BORDER_RIGHT, left, right_first)
            | border_recorded(vocabulary, BORDER_BOTH, left_last, right_first))


cdef inline uint32_t whole_character(const uint8_t *text) noexcept nogil:
    return text[0] if text[0] < 0x80 else decode_character(text)


cdef inline size_t next_cut(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t position, size_t length
) noexcept nogil:
    """Returns the first cut behind the character at `position`; `length` if there is none."""
    cdef uint32_t left = whole_character(piece + position)
    cdef uint32_t right
    position += sequence_length(piece[position])
    while position < length:
        right = whole_character(piece + position)
        if not is_bridged(vocabulary, left, piece[position - 1], right, piece[position]):
            return position
        left = right
        position += sequence_length(piece[position])
    return length


# ---- building the filter ------------------------------------------------------------------

cdef struct BorderSide:
    bint possible      # whether such bytes occur beside a border in valid UTF-8
    bint whole         # whether the character is whole
    uint32_t value     # its code point, or the byte that stands for a fragment


cdef inline BorderSide left_side(const uint8_t *token, size_t cut) noexcept nogil:
    """Describes the character that ends at byte `cut` of a token."""
    cdef BorderSide side
    cdef size_t start = cut - 1
    while start > 0 and token[start] & 0xC0 == 0x80 and cut - start < 4:
        start -= 1
    if token[start] & 0xC0 == 0x80:
        # Trailing bytes alone: a fragment if they begin the token, else no valid text.
        side.possible = start == 0 and cut < 4
        side.whole = False
        side.value = token[cut - 1]
    else:
        side.possible = 0xC2 <= token[start] < 0xF5 or token[start] < 0x80
        side.possible = side.possible and sequence_length(token[start]) == cut - start
        side.whole = True
        side.value = whole_character(token + start) if side.possible else 0
    return side


cdef inline BorderSide right_side(const uint8_t *token, size_t cut, size_t length) noexcept nogil:
    """Describes the character that begins at byte `cut` of a token."""
    cdef BorderSide side
    cdef size_t needed = sequence_length(token[cut])
    cdef size_t i
    side.possible = 0xC2 <= token[cut] < 0xF5 or token[cut] < 0x80
    side.whole = cut + needed <= length
    for i in range(cut + 1, cut + needed if side.whole else length):
        if token[i] & 0xC0 != 0x80:
            side.possible = False
    side.value = token[cut]
    if side.possible and side.whole:
        side.value = whole_character(token + cut)
    return side


cdef inline void record_borders(
    Vocabulary *vocabulary, const uint8_t *token, size_t length
) noexcept nogil:
    """Records every border that a token bridges, unless both its characters are ASCII."""
    cdef size_t cut
    cdef BorderSide left, right
    cdef uint64_t place, kind
    for cut in range(1, length):
        if token[cut] & 0xC0 == 0x80 or (token[cut - 1] | token[cut]) < 0x80:
            continue
        left = left_side(token, cut)
        right = right_side(token, cut, length)
        if not left.possible or not right.possible:
            continue
        if left.whole:
            kind = BORDER_WHOLE if right.whole else BORDER_RIGHT
        else:
            kind = BORDER_LEFT if right.whole else BORDER_BOTH
        place = border_hash(vocabulary, kind, left.value, right.value)
        vocabulary.borders[place >> 6] |= <uint64_t>1 << (place & 63)
