# Reads one piece of a text that arrives in chunks.
#
# The automaton reads a piece from left to right and dies at the first character that cannot belong
# to it. From then on no further text can move the piece's end: the piece is *finished*. What has
# been read of an unfinished piece is a PieceRun, which continues when more text is there.
#
# Time: linear.

from libc.stdint cimport uint8_t, uint32_t

from engine.split.automaton cimport AUTOMATON_START, NO_MATCH, Automaton, follow
from engine.text.utf8 cimport sequence_length

cdef struct PieceRun:
    size_t start          # the piece's first byte in the text
    size_t position       # the next byte to read
    size_t accepted       # where the piece ends if it ends before `position`, or NO_MATCH
    uint32_t row          # the automaton's state; 0: the piece is finished


cdef inline void begin_piece(
    const Automaton *automaton, PieceRun *run, size_t start
) noexcept nogil:
    run.start = start
    run.position = start
    run.accepted = NO_MATCH
    run.row = AUTOMATON_START << automaton.row_bits


cdef inline void move_run_back(PieceRun *run, size_t bytes) noexcept nogil:
    """Adjusts a run after `bytes` bytes at the beginning of the text were dropped."""
    run.start -= bytes
    run.position -= bytes
    if run.accepted != NO_MATCH:
        run.accepted -= bytes


cdef inline bint read_piece(
    const Automaton *automaton, const uint8_t *text, size_t end, PieceRun *run
) noexcept nogil:
    """Continues an unfinished piece, up to `end`; returns whether it is finished now."""
    cdef size_t position = run.position
    cdef size_t accepted = run.accepted
    cdef uint32_t row = run.row
    cdef uint32_t entry
    cdef size_t width
    while row and position < end:
        entry = follow(automaton, row, text + position, text + end, &width)
        if entry & 1:
            accepted = position
        row = entry & ~<uint32_t>1
        position += width
    run.position = position
    run.accepted = accepted
    run.row = row
    return row == 0


cdef inline size_t end_of_piece(const Automaton *automaton, const PieceRun *run) noexcept nogil:
    """Returns where the piece ends if it is finished or the text ends at `run.position`.

    NO_MATCH: the pattern matches nothing at the piece's start.
    """
    if run.row and automaton.transitions[run.row | automaton.end_class] & 1:
        return run.position
    return run.accepted


cdef inline size_t next_start(
    const uint8_t *text, const PieceRun *run, size_t piece_end
) noexcept nogil:
    """Returns where the next piece begins; a character that no piece covers is skipped.

    Args:
        piece_end: what `end_of_piece` returned.
    """
    if piece_end == NO_MATCH:
        return run.start + sequence_length(text[run.start])
    return piece_end
