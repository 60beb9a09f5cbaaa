# The way of a text through the engine: view, split, look-up, merge, sink.
#
# The text passes in windows of bounded size: a part of an ASCII string where it lies, or a chunk
# of another string turned into UTF-8. A piece that may go on behind the window begins the next
# one; the window grows only for a piece that does not fit it. Time: linear, times the merges'
# logarithm; a piece of n bytes in windows that double is read at most twice more.

from libc.stdint cimport uint8_t
from libc.string cimport memmove

from automaton cimport Automaton, split_batch
from memory cimport IdBuffer, grow_bytes, grow_ids
from pieces cimport encode_batch
from special_tokens cimport Occurrence, SpecialTokens, find_special
from types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE
from utf8 cimport TextView, transcode
from vocab cimport Vocabulary
from workspace cimport Workspace

cdef enum:
    WINDOW_BYTES = 1 << 16      # text that is split and encoded at a time

cdef struct Engine:
    const Vocabulary *vocabulary          # borrowed
    const Automaton *automaton            # borrowed
    const SpecialTokens *special_tokens   # borrowed


cdef inline int encode_window(
    const Engine *engine, Workspace *workspace, const uint8_t *text, size_t *position, size_t end,
    const uint8_t *readable_end, bint final, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the pieces of text[position:end]; moves `position` behind those that are done."""
    cdef int status
    while position[0] < end:
        position[0] = split_batch(engine.automaton, text, position[0], end, final,
                                  &workspace.batch)
        if workspace.batch.count == 0:
            return STATUS_OK
        status = encode_batch(engine.vocabulary, workspace, text, readable_end, counting, sink)
        if status != STATUS_OK:
            return status
    return STATUS_OK


cdef inline int encode_in_place(
    const Engine *engine, Workspace *workspace, const uint8_t *text, size_t length, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes valid UTF-8 where it lies."""
    cdef size_t position = 0, start, window = WINDOW_BYTES, end
    cdef int status
    while position < length:
        start = position
        end = length if length - position <= window else position + window
        while end < length and text[end] & 0xC0 == 0x80:
            end -= 1
        status = encode_window(engine, workspace, text, &position, end, text + length,
                               end == length, counting, sink)
        if status != STATUS_OK:
            return status
        window = 2 * window if position == start else <size_t>WINDOW_BYTES
    return STATUS_OK


cdef inline int encode_transcoded(
    const Engine *engine, Workspace *workspace, const TextView *view, size_t start, size_t end,
    bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the characters from `start` to `end` of a view that is not UTF-8."""
    cdef size_t filled = 0      # bytes in the chunk
    cdef size_t position        # bytes of the chunk that are done
    cdef size_t window = WINDOW_BYTES
    cdef uint8_t *chunk
    cdef uint8_t *chunk_end
    cdef int status
    while start < end or filled:
        if grow_bytes(&workspace.chunk, window + LOAD_SLACK) != STATUS_OK:
            return STATUS_NO_MEMORY
        chunk = workspace.chunk.data
        chunk_end = transcode(view, &start, end, chunk + filled, chunk + window)
        if start < end and chunk + window - chunk_end >= 4:
            return STATUS_SURROGATE
        filled = chunk_end - chunk
        position = 0
        status = encode_window(engine, workspace, chunk, &position, filled,
                               chunk + filled + LOAD_SLACK, start == end, counting, sink)
        if status != STATUS_OK:
            return status
        if position == 0 and start < end:
            window *= 2
        else:
            # The next chunk begins with the piece that may go on.
            memmove(chunk, chunk + position, filled - position)
            filled -= position
    return STATUS_OK


cdef inline int encode_segment(
    const Engine *engine, Workspace *workspace, const TextView *view, size_t start, size_t end,
    bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the characters from `start` to `end`, in which special tokens mean nothing."""
    if view.width == 0:
        return encode_in_place(engine, workspace, <const uint8_t *>view.data + start, end - start,
                               counting, sink)
    return encode_transcoded(engine, workspace, view, start, end, counting, sink)


cdef inline int encode_text(
    const Engine *engine, Workspace *workspace, const TextView *view, const uint8_t *allowed,
    bint any_allowed, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes a whole text.

    Special tokens split it first: what stands between two of them is a text of its own for the
    split pattern.

    Args:
        allowed: for each special token, whether its text stands for it; NULL = for all of them.
        any_allowed: False leaves out the search.
        counting: only `sink.length` is kept.
    """
    cdef size_t position = 0
    cdef Occurrence found
    cdef int status
    found.start = view.length
    while True:
        if any_allowed:
            found = find_special(engine.special_tokens, view, position, allowed)
        status = encode_segment(engine, workspace, view, position, found.start, counting, sink)
        if status != STATUS_OK or found.start == view.length:
            return status
        if grow_ids(sink, (0 if counting else sink.length) + 1) != STATUS_OK:
            return STATUS_NO_MEMORY
        if not counting:
            sink.data[sink.length] = found.id
        sink.length += 1
        workspace.last_piece_ids = 0
        position = found.end
