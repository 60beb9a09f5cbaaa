# Splits UTF-8 text into pieces by a guided automaton: patterns that look around, in linear time.
#
# `bpecore._pattern.guided` compiles the pattern and explains the method. `read_back` makes the
# first two passes over a window of the text: forward, each character gets its symbol; backward,
# each gets the state that says which ways of the pattern lead to a match from there. `scan_guided`
# follows them. In a window that does not end the text, it stops where what follows matters.
#
# Time: three table look-ups per character, for every pattern and text. Space: 2 bytes per byte of
# the window. Loses to the plain automaton on patterns that it splits without reading ahead.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, UINT32_MAX

from engine.base.heap cimport grow, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, check
from engine.split.automaton cimport GROUP_PIECES, Automaton, ScannedPieces, class_of
from engine.text.utf8 cimport decode_character, sequence_length

cdef enum:
    # The actions that are no positions inside a piece; the last is also the position at its start.
    UNDECIDED = 0
    PIECE_ENDS = 1
    BETWEEN_PIECES = 2
    # The states of the backward pass at the end of a window.
    PAST_THE_END = 0
    UNKNOWN_STATE = 1

cdef struct Guide:
    const Automaton *classes   # borrowed: the class of each character
    uint32_t *history          # owned: [row of a state | class], next row << 8 | symbol
    uint16_t *backward         # owned: [state << symbol_bits | symbol]
    uint16_t *actions          # owned: [state << position_bits | position]
    uint32_t symbol_bits
    uint32_t position_bits
    uint32_t continuation      # the symbol of bytes inside a character, which keeps the state

cdef struct BackwardStates:
    uint16_t *states           # owned: of each byte of the window and of its end
    size_t capacity


cdef inline void free_guide(Guide *guide) noexcept nogil:
    release(guide.history)
    release(guide.backward)
    release(guide.actions)


cdef inline void free_states(BackwardStates *states) noexcept nogil:
    release(states.states)
    states.states = NULL
    states.capacity = 0


cdef inline uint32_t read_forward(
    const Guide *guide, const uint8_t *text, size_t end, uint32_t row, uint16_t *symbols
) noexcept nogil:
    """Finds the symbols of some text.

    Args:
        text: `end` bytes of valid UTF-8.
        row: the state of what was read before the text.
        symbols: receives one per byte; NULL if only the state matters.

    Returns:
        The state after the text.
    """
    cdef size_t position = 0, width
    cdef uint32_t entry
    while position < end:
        width = 1
        if text[position] < 0x80:
            entry = guide.history[row | guide.classes.ascii_classes[text[position]]]
        else:
            width = sequence_length(text[position])
            check(position + width <= end)
            entry = guide.history[row | class_of(guide.classes, decode_character(text + position))]
        row = entry >> 8
        if symbols != NULL:
            symbols[position] = entry & 0xFF
            while width > 1:
                width -= 1
                position += 1
                symbols[position] = <uint16_t>guide.continuation
        position += width
    return row


cdef inline int read_back(
    const Guide *guide, const uint8_t *text, size_t end, uint32_t row, bint final,
    BackwardStates *buffer
) noexcept nogil:
    """Finds the state of the backward pass at each byte of a window and at its end.

    Args:
        text: `end` bytes of valid UTF-8, fewer than 2^32.
        row: the state of what was read before the window.
        final: whether the text ends with the window.
        buffer: receives the states.
    """
    cdef uint16_t *states
    cdef size_t position = end
    cdef uint32_t state = UNKNOWN_STATE
    if end > UINT32_MAX // 4:
        return STATUS_NO_MEMORY
    if end >= buffer.capacity:
        if grow(<void **>&buffer.states, (end + end // 2 + 1) * sizeof(uint16_t)) != STATUS_OK:
            return STATUS_NO_MEMORY
        buffer.capacity = end + end // 2 + 1
    states = buffer.states
    row = read_forward(guide, text, end, row, states)
    if final:
        state = guide.backward[(PAST_THE_END << guide.symbol_bits)
                               | (guide.history[row | guide.classes.end_class] & 0xFF)]
    states[end] = <uint16_t>state
    while position:
        position -= 1
        state = guide.backward[(state << guide.symbol_bits) | states[position]]
        states[position] = <uint16_t>state
    return STATUS_OK


cdef inline size_t scan_guided(
    const Guide *guide, const uint16_t *states, const uint8_t *text, size_t position, size_t end,
    ScannedPieces *scanned
) noexcept nogil:
    """Finds the pieces from `position` on.

    Args:
        states: from `read_back` on the same window.
        text: the window, of `end` bytes.
        position: a character's first byte, where no piece has begun.

    Returns:
        The byte up to which the text is done: the last piece's end, or the end of characters that
        no piece covers. If it is `position`, the window does not decide what is next.
    """
    cdef uint32_t action, place = BETWEEN_PIECES
    cdef size_t start = position
    scanned.start = position
    scanned.count = 0
    while True:
        action = guide.actions[(<uint32_t>states[position] << guide.position_bits) | place]
        if action == PIECE_ENDS:
            scanned.ends[scanned.count] = <uint32_t>(position - scanned.start)
            scanned.count += 1
            start = position
            place = BETWEEN_PIECES
            if scanned.count == GROUP_PIECES:
                return start
        elif action == UNDECIDED or position == end:
            return start
        else:
            place = action
            position += sequence_length(text[position])
            if action == BETWEEN_PIECES:
                if scanned.count:
                    return start
                scanned.start = start = position
