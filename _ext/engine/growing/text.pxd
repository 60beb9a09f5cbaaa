# A text that arrives in chunks: its bytes, the piece that is being read, and special tokens that
# may have begun.
#
# The automaton reads a piece from left to right and dies at the first character that cannot belong
# to it. From then on no continuation of the text can move the piece's end: it is *finished*. What
# has been read of an unfinished piece is a PieceRun, which goes on when more text is there.
#
# A special token may begin in one chunk and end in another. Until the text tells, its place is
# *open*, and nothing from there on is final.
#
# Time: linear, and an open place is looked at again by each chunk (at most the characters of the
# longest special token). Space: the bytes of the unfinished piece and what is behind it.

from libc.stdint cimport uint8_t, uint32_t, UINT32_MAX
from libc.string cimport memchr, memcpy, memmove

from engine.split.automaton cimport (
    AUTOMATON_START, GROUP_PIECES, NO_MATCH, Automaton, ScannedPieces, follow)
from engine.base.memory cimport ByteBuffer, grow_bytes
from engine.text.special_tokens cimport SpecialTokens, follow_edge
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE
from engine.text.utf8 cimport (
    TextView, character_at, decode_character, encode_character, is_surrogate, sequence_length)

cdef enum:
    KEPT_PREFIX = 1 << 12    # bytes that are done with and need not be given back yet
    SPECIAL_NONE = 0         # outcomes of next_special
    SPECIAL_FOUND = 1
    SPECIAL_OPEN = 2

cdef struct GrowingText:
    ByteBuffer buffer     # UTF-8, and LOAD_SLACK bytes of room behind
    size_t length         # bytes

cdef struct PieceRun:
    size_t start          # the piece's first byte in the text
    size_t position       # the next byte to read
    size_t accepted       # where the piece ends if it ends before `position`, or NO_MATCH
    uint32_t row          # the automaton's state; 0: the piece is finished

cdef struct SpecialPlace:
    int outcome           # SPECIAL_*
    size_t start          # byte where it begins; the text's length if there is none
    size_t end            # byte behind it; of an open one, of the longest so far, or 0
    uint32_t id


cdef inline int reserve_text(GrowingText *text, size_t more) noexcept nogil:
    """Makes room for `more` bytes; at least doubles."""
    cdef size_t needed = text.length + more + LOAD_SLACK
    if needed < more:
        return STATUS_NO_MEMORY
    if needed <= text.buffer.capacity:
        return STATUS_OK
    if needed < 2 * text.buffer.capacity:
        needed = 2 * text.buffer.capacity
    return grow_bytes(&text.buffer, needed)


cdef inline int append_text(
    GrowingText *text, const TextView *view, size_t start, size_t end
) noexcept nogil:
    """Appends characters of a view; a failure leaves the text as it was."""
    cdef uint8_t *out
    cdef uint32_t character, length, word
    cdef size_t position
    if end - start > (<size_t>-1) // 8 or reserve_text(
            text, (end - start) * (1 if view.width == 0 else 4)) != STATUS_OK:
        return STATUS_NO_MEMORY
    out = text.buffer.data + text.length
    if view.width == 0:
        memcpy(out, <const uint8_t *>view.data + start, end - start)
        text.length += end - start
        return STATUS_OK
    for position in range(start, end):
        character = character_at(view, position)
        if is_surrogate(character):
            return STATUS_SURROGATE
        word = encode_character(character, &length)
        memcpy(out, &word, sizeof(word))
        out += length
    text.length = out - text.buffer.data
    return STATUS_OK


cdef inline size_t forget_text(GrowingText *text, size_t done) noexcept nogil:
    """Drops bytes at the beginning that are done with, if it pays; returns how many."""
    if done < KEPT_PREFIX or done < text.length // 2:
        return 0
    memmove(text.buffer.data, text.buffer.data + done, text.length - done)
    text.length -= done
    return done


cdef inline void begin_piece(
    const Automaton *automaton, PieceRun *run, size_t start
) noexcept nogil:
    run.start = start
    run.position = start
    run.accepted = NO_MATCH
    run.row = AUTOMATON_START << automaton.row_bits


cdef inline bint read_piece(
    const Automaton *automaton, const uint8_t *text, size_t end, PieceRun *run
) noexcept nogil:
    """Reads on in an unfinished piece, up to `end`; returns whether it is finished now."""
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
    """Returns the piece's end if the text ends at `run.position`, or if it is finished; or
    NO_MATCH."""
    if run.row and automaton.transitions[run.row | automaton.end_class] & 1:
        return run.position
    return run.accepted


cdef inline size_t next_start(
    const uint8_t *text, const PieceRun *run, size_t piece_end
) noexcept nogil:
    """Returns where the piece behind another begins; a character that no piece covers is skipped.

    Args:
        piece_end: what `end_of_piece` said.
    """
    if piece_end == NO_MATCH:
        return run.start + sequence_length(text[run.start])
    return piece_end


cdef inline bint add_scanned(ScannedPieces *scanned, size_t start, size_t end) noexcept nogil:
    """Adds a piece behind those of a batch; returns whether it fits.

    A batch that is empty takes any piece of less than 4 GB.
    """
    if scanned.count == 0:
        scanned.start = start
    elif scanned.count == GROUP_PIECES or scanned.start + scanned.ends[scanned.count - 1] != start:
        return False
    if end - scanned.start > UINT32_MAX:
        return False
    scanned.ends[scanned.count] = <uint32_t>(end - scanned.start)
    scanned.count += 1
    return True


cdef inline size_t next_special_beginning(
    const SpecialTokens *special_tokens, const uint8_t *text, size_t position, size_t length
) noexcept nogil:
    """Returns the next byte from `position` on where a special token may begin."""
    cdef const void *found
    cdef uint32_t character
    if position == length:
        return length
    if special_tokens.first_edges[1] == 1 and special_tokens.edge_characters[0] < 0x80:
        found = memchr(text + position, <int>special_tokens.edge_characters[0], length - position)
        return length if found == NULL else <const uint8_t *>found - text
    while position < length:
        character = text[position] if text[position] < 0x80 else decode_character(text + position)
        if follow_edge(special_tokens, 0, character):
            break
        position += sequence_length(text[position])
    return position


cdef inline SpecialPlace next_special(
    const SpecialTokens *special_tokens, const uint8_t *allowed, const uint8_t *text,
    size_t position, size_t length, bint final
) noexcept nogil:
    """Finds the first special token from a byte on, or the first place where one may begin.

    Args:
        allowed: for each special token, whether it counts; NULL = all do.
        text: valid UTF-8.
        final: whether the text ends at `length`; then no place is open.
    """
    cdef SpecialPlace found
    cdef uint32_t node, character
    cdef int token
    cdef size_t at
    found.id = 0
    found.end = 0
    while True:
        found.start = next_special_beginning(special_tokens, text, position, length)
        found.outcome = SPECIAL_NONE
        if found.start >= length:
            found.start = length
            return found
        at = found.start
        node = 0
        while at < length:
            character = text[at] if text[at] < 0x80 else decode_character(text + at)
            node = follow_edge(special_tokens, node, character)
            if node == 0:
                break
            at += sequence_length(text[at])
            token = special_tokens.tokens[node]
            if token >= 0 and (allowed == NULL or allowed[token]):
                found.end = at
                found.id = special_tokens.ids[token]
        if (node and not final
                and special_tokens.first_edges[node] < special_tokens.first_edges[node + 1]):
            found.outcome = SPECIAL_OPEN
            return found
        if found.end:
            found.outcome = SPECIAL_FOUND
            return found
        position = found.start + sequence_length(text[found.start])
