# Vocabulary cuts: where a long piece may be split before it is merged.
#
# Let a and b be neighbouring characters of a piece. If no token of the vocabulary *bridges* the
# border a|b, then no merge ever crosses it, because the first merge to do so would make such a
# token. So BPE of the piece is BPE of the left side followed by BPE of the right side, and each
# side can be looked up, cached and merged by itself. (If the piece itself is a token, all its
# borders are bridged, so it is never cut.)
#
# A token bridges a|b if it can be cut in two so that its left part ends like a and its right part
# begins like b. Either part may hold just a fragment of its character:
# - both are whole: the border (a, b) is recorded;
# - the left part is only trailing bytes of a: recorded as (last byte of a, b);
# - the right part is only leading bytes of b: recorded as (a, first byte of b);
# - both are fragments: (last byte of a, first byte of b).
# Records of the first kind go into a Bloom filter with a single hash. Of the second and third kinds
# only the whole character is kept, in a table of flags; of the fourth, each side by itself. False
# positives and this rounding only leave a border uncut, which is always correct.
#
# Precondition: the text is valid UTF-8; a piece of arbitrary bytes must not be cut.
#
# Some vocabularies have tokens that merging never produces: a piece is such a token only as a
# whole, and a part of a cut piece never is. As parts are looked up like pieces, no part may equal
# one. So every border before the first character of such a token counts as bridged, and every
# border after its last one, by the flags that fragments have too: a part that equals the token
# could only be the whole piece.
#
# Time: five reads per border. Space: 16 bits or more per record, at most 64 KB for the OpenAI
# vocabularies and 512 KB for any. Loses on ASCII, where nearly every border is bridged: borders
# between two ASCII characters are neither recorded nor cut.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport has_bit
from engine.simd.vectors cimport BORDER_FACTOR, CHARACTER_FACTOR, is_flagged
from engine.text.utf8 cimport decode_character, sequence_length
from engine.vocab.tables cimport Vocabulary


cdef inline uint32_t hash_character(uint32_t character) noexcept nogil:
    return character * CHARACTER_FACTOR


cdef inline uint32_t border_place(
    const Vocabulary *vocabulary, uint32_t left_hash, uint32_t right_hash
) noexcept nogil:
    return ((left_hash << 11 | left_hash >> 21) ^ right_hash) * BORDER_FACTOR \
        >> vocabulary.border_shift


cdef inline bint is_bridged(
    const Vocabulary *vocabulary, uint32_t left, uint32_t left_hash, uint32_t right,
    uint32_t right_hash, uint8_t right_first
) noexcept nogil:
    """Returns whether some token may bridge the border between two characters.

    Args:
        left, right: the code points.
        left_hash, right_hash: their hashes.
        right_first: the first byte of the right character.
    """
    cdef uint32_t place = border_place(vocabulary, left_hash, right_hash)
    return (has_bit(vocabulary.borders, place)
            | is_flagged(vocabulary.before_fragments, left)
            | is_flagged(vocabulary.after_fragments, right)
            | (vocabulary.fragment_left[left & 63]
               & vocabulary.fragment_right[right_first >> 1 & 63])
            | ((left | right) < 0x80))


cdef inline bint is_cuttable(uint32_t character) noexcept nogil:
    """Returns whether the split looks for cuts next to a character.

    It does not next to characters of one or two bytes, whose words are short enough for the cache,
    nor next to the punctuation and symbols of U+2000 to U+2DFF, which are not in long pieces:
    looking for a cut takes time and would gain nothing.
    """
    return character >= 0x800 and character - 0x2000 >= 0xE00


cdef inline uint32_t whole_character(const uint8_t *text) noexcept nogil:
    return text[0] if text[0] < 0x80 else decode_character(text)


cdef inline size_t next_cut(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t position, size_t length
) noexcept nogil:
    """Returns the first cut after the character at `position`, or `length` if there is none."""
    cdef uint32_t left = whole_character(piece + position), left_hash = hash_character(left)
    cdef uint32_t right, right_hash
    position += sequence_length(piece[position])
    while position < length:
        right = whole_character(piece + position)
        right_hash = hash_character(right)
        if not is_bridged(vocabulary, left, left_hash, right, right_hash, piece[position]):
            return position
        left = right
        left_hash = right_hash
        position += sequence_length(piece[position])
    return length
