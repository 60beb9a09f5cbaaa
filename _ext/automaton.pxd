# Splits UTF-8 text into pieces by a compiled split pattern: an automaton over character classes.
#
# `bpecore.pattern` compiles the pattern; here it only runs. A transition says where to go and
# whether a piece may end right before the character just read: acceptance comes one character
# late, which makes one-character look-ahead and `$` exact. The last acceptance seen before the
# automaton dies is the piece's end, as leftmost-first matching demands.
#
# Time: one table look-up a character, and the characters that a match was hoped for in vain are
# read again. For the OpenAI patterns each character is read at most twice that way; a custom
# pattern such as `a*b|a` reads a run of n `a` n times. Space: a few KB, immutable, shared.
# Loses against bit masks over blocks on ASCII text: each piece ends in a mispredicted branch.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, SIZE_MAX

from types cimport check, likely
from utf8 cimport decode_character, sequence_length

cdef enum:
    BATCH_PIECES = 128       # pieces that are split before they are looked up
    AUTOMATON_START = 1      # the number of the start state; state 0 is dead

cdef struct Automaton:
    uint32_t *transitions    # owned: [state << row_bits | class], see TRANSITION_*
    uint32_t row_bits        # a row has 2^row_bits entries
    uint32_t end_class       # the class that stands for the end of the text
    uint16_t *block_index    # owned: which block of classes 128 code points have
    uint8_t *block_classes   # owned: the classes, a block of 128 after the other
    uint8_t ascii_classes[128]

cdef struct Batch:
    size_t start                 # byte where the first piece begins
    size_t count                 # pieces; they follow each other without a gap
    size_t ends[BATCH_PIECES]    # byte behind each piece


cdef inline size_t split_batch(
    const Automaton *automaton, const uint8_t *text, size_t position, size_t end, bint final,
    Batch *batch
) noexcept nogil:
    """Fills `batch` with the pieces from `position` on.

    Args:
        text: valid UTF-8; `end` bytes are readable.
        position: a character's first byte.
        final: whether `end` is the end of the text. Otherwise the text goes on, and a piece
            that might go on with it is left out.

    Returns:
        The byte up to which the text is done with: the last piece's end, or behind characters
        that no piece covers. An empty batch with less than `end` done asks for more text.
    """
    cdef const uint32_t *transitions = automaton.transitions
    cdef uint32_t row_bits = automaton.row_bits
    cdef uint32_t start_row = AUTOMATON_START << row_bits
    cdef uint32_t row, entry, character
    cdef size_t reader, accepted, width
    batch.start = position
    batch.count = 0
    while batch.count < BATCH_PIECES and position < end:
        row = start_row
        accepted = SIZE_MAX
        reader = position
        while reader < end:
            character = text[reader]
            if character < 0x80:
                entry = transitions[row | automaton.ascii_classes[character]]
                width = 1
            else:
                width = sequence_length(<uint8_t>character)
                check(reader + width <= end)
                character = decode_character(text + reader)
                entry = transitions[row | automaton.block_classes[
                    (<size_t>automaton.block_index[character >> 7] << 7) | (character & 127)]]
            if entry & 1:
                accepted = reader
            row = entry & ~<uint32_t>1
            if row == 0:
                break
            reader += width
        else:
            if not final:
                return position
            if transitions[row | automaton.end_class] & 1:
                accepted = end
        if likely(accepted != SIZE_MAX):
            check(accepted > position)
            batch.ends[batch.count] = accepted
            batch.count += 1
            position = accepted
        else:
            # No match begins here: the character belongs to no piece, as in a regex search.
            if batch.count:
                return position
            position += sequence_length(text[position])
            batch.start = position
    return position
