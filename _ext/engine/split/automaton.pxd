# Splits UTF-8 text into pieces by a compiled split pattern: an automaton over character classes.
#
# `bpecore._pattern` compiles the pattern; here it only runs. A transition gives the next state and
# whether a piece may end right before the character just read. Acceptance coming one character
# late is what makes one-character look-ahead and `$` exact. The last acceptance before the
# automaton dies is the end of the piece, as leftmost-first matching demands.
#
# Time: one table look-up per character, or less where a long piece repeats one; characters read
# beyond the end of a piece are read again. With the OpenAI patterns each character is read at most
# twice; a custom pattern such as `a*b|a` reads a run of n `a` n times. Space: a few KB, immutable,
# shared. Slower than bit masks over blocks on ASCII text, because each piece ends in a mispredicted
# branch.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, SIZE_MAX
from libc.string cimport memcmp

from engine.base.types cimport check, likely
from engine.text.utf8 cimport decode_character, sequence_length

cdef enum:
    GROUP_PIECES = 128       # pieces that are found before they are looked up
    AUTOMATON_START = 1      # the number of the start state; state 0 is dead
    COMPARED_BYTES = 64      # of a long piece, to see whether one character repeats itself
    NEED_MORE = 0            # results of scan_piece other than the end of a piece

cdef extern from *:
    """
    #define BPECORE_NO_MATCH SIZE_MAX
    """
    const size_t NO_MATCH "BPECORE_NO_MATCH"

cdef struct Automaton:
    uint32_t *transitions    # owned: [state << row_bits | class], next row | acceptance
    uint32_t row_bits        # a row has 2^row_bits entries
    uint32_t end_class       # the class of the end of the text
    uint16_t *block_index    # owned: the block of classes of each 128 code points
    uint8_t *block_classes   # owned: the classes, in blocks of 128
    uint8_t ascii_classes[128]
    uint64_t *sure_borders   # owned: see split/sure_borders.pxd, likewise `joined`
    uint64_t *joined         # owned
    int rules                # of a member of the family, see split/rules.pxd; 0 = another pattern
    uint8_t *block_kinds     # owned: kinds, laid out like block_classes; NULL without a family
    uint8_t *low_kinds       # owned: [0x10000], kinds by code point; NULL without a family
    uint8_t page_kinds[512]  # the kind of each 128 of them, or MIXED_KINDS

cdef struct ScannedPieces:
    size_t start                   # byte where the first piece begins
    size_t count                   # pieces; they follow each other without a gap
    uint32_t ends[GROUP_PIECES]    # byte after each piece, minus `start`


cdef inline uint32_t class_of(const Automaton *automaton, uint32_t character) noexcept nogil:
    """Returns the class of a code point."""
    return automaton.block_classes[
        (<size_t>automaton.block_index[character >> 7] << 7) | (character & 127)]


cdef inline uint32_t follow(
    const Automaton *automaton, uint32_t row, const uint8_t *character, const uint8_t *end,
    size_t *width
) noexcept nogil:
    """Returns the entry of a state's row for a character.

    Args:
        character: valid UTF-8, which does not reach over `end`.
        width: receives its length in bytes.
    """
    if character[0] < 0x80:
        width[0] = 1
        return automaton.transitions[row | automaton.ascii_classes[character[0]]]
    width[0] = sequence_length(character[0])
    check(character + width[0] <= end)
    return automaton.transitions[row | class_of(automaton, decode_character(character))]


cdef inline size_t repeated_bytes(
    const uint8_t *text, size_t position, size_t width, size_t end
) noexcept nogil:
    """Returns how many bytes at least the character at `position` goes on to repeat itself."""
    cdef size_t stop = position
    while (stop + width + COMPARED_BYTES <= end
           and memcmp(text + stop, text + stop + width, COMPARED_BYTES) == 0):
        stop += COMPARED_BYTES
    return (stop - position) // width * width


cdef inline size_t scan_piece(
    const Automaton *automaton, const uint8_t *text, size_t position, size_t end, bint final
) noexcept nogil:
    """Finds the end of the piece that begins at a byte.

    Args:
        text: valid UTF-8; `end` bytes are readable.
        position: a character's first byte, before `end`.
        final: whether `end` is the end of the text. Otherwise the text goes on.

    Returns:
        The byte after the piece; NO_MATCH if none begins here; NEED_MORE if that depends on how
        the text goes on.
    """
    cdef uint32_t row = AUTOMATON_START << automaton.row_bits
    cdef size_t accepted = SIZE_MAX
    cdef size_t width, long_from = position + COMPARED_BYTES
    cdef uint32_t entry
    while position < end:
        entry = follow(automaton, row, text + position, text + end, &width)
        if position >= long_from:
            long_from = position + COMPARED_BYTES
            if row == entry & ~<uint32_t>1:
                # The state stays, so what repeats this character can be skipped.
                position += repeated_bytes(text, position, width, end)
        if entry & 1:
            accepted = position
        row = entry & ~<uint32_t>1
        if row == 0:
            return accepted
        position += width
    if not final:
        return NEED_MORE
    if automaton.transitions[row | automaton.end_class] & 1:
        accepted = end
    return accepted


cdef inline size_t scan_pieces(
    const Automaton *automaton, const uint8_t *text, size_t position, size_t end, bint final,
    ScannedPieces *scanned
) noexcept nogil:
    """Finds the pieces from `position` on.

    Args:
        text: valid UTF-8; `end` bytes, at most 2^32, are readable.
        position: a character's first byte.
        final: whether `end` is the end of the text. Otherwise the text goes on, and a piece
            that might go on with it is left out.

    Returns:
        The byte up to which the text is done: the last piece's end, or the end of characters that
        no piece covers. No pieces and a result before `end` mean that more text is needed.
    """
    cdef size_t piece_end
    scanned.start = position
    scanned.count = 0
    while scanned.count < GROUP_PIECES and position < end:
        piece_end = scan_piece(automaton, text, position, end, final)
        if piece_end == NEED_MORE:
            return position
        if likely(piece_end != NO_MATCH):
            check(piece_end > position)
            scanned.ends[scanned.count] = <uint32_t>(piece_end - scanned.start)
            scanned.count += 1
            position = piece_end
        else:
            # The character belongs to no piece, as in a regex search.
            if scanned.count:
                return position
            position += sequence_length(text[position])
            scanned.start = position
    return position
