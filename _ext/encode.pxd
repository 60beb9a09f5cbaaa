# The way of a text through the engine: view, split, look-up, merge, sink.
#
# The text passes in windows of bounded size: a part of an ASCII string where it lies, or a chunk
# of another string turned into UTF-8. A piece that may go on behind the window begins the next
# one; the window grows only for a piece that does not fit it. Time: linear, times the merges'
# logarithm; a piece of n bytes in windows that double is read at most twice more.

from libc.stdint cimport uint8_t, uint32_t, UINT32_MAX

from automaton cimport BATCH_PIECES, Automaton, split_batch
from blocks cimport BLOCK_MINIMUM, MaskFunction, split_by_blocks
from memory cimport IdBuffer, grow_ids
from pieces cimport encode_pieces
from special_tokens cimport Occurrence, SpecialTokens, find_special
from types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE
from utf8 cimport (Chunk, TextView, count_characters, drop_beginning, fill_chunk,
                   grow_chunk)
from vocab cimport Vocabulary
from workspace cimport Workspace

cdef enum:
    WINDOW_BYTES = 1 << 16         # text that lies in place is encoded so much at a time
    CHUNK_CHARACTERS = 1 << 13     # other text

cdef struct Engine:
    const Vocabulary *vocabulary          # borrowed
    const Automaton *automaton            # borrowed
    const SpecialTokens *special_tokens   # borrowed
    MaskFunction mask_function            # NULL: the automaton splits all text

cdef struct Window:
    const uint8_t *text            # valid UTF-8
    size_t size                    # bytes, at most 2^32
    const uint32_t *offsets        # where its characters begin, in bytes; NULL: it is ASCII
    const uint8_t *kinds           # their kinds; NULL: it is ASCII, or kinds are not wanted
    size_t characters
    bint final                     # whether the text ends with it
    const uint8_t *readable_end    # one past the last byte that may be read


cdef inline size_t character_index(
    const Window *window, size_t position, size_t first
) noexcept nogil:
    """Returns the index of the character at a byte of a window, from that of an earlier one on."""
    cdef size_t low = first, high = window.characters, middle
    if window.offsets == NULL:
        return position
    while low < high:
        middle = (low + high) // 2
        if window.offsets[middle] < position:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline int encode_all(
    const Engine *engine, Workspace *workspace, const Window *window, size_t position,
    const uint32_t *ends, size_t count, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes any number of pieces; their ends are relative to `position`."""
    cdef size_t done = 0, batch
    cdef int status
    while done < count:
        batch = count - done if count - done < BATCH_PIECES else <size_t>BATCH_PIECES
        status = encode_pieces(
            engine.vocabulary, workspace, window.text + position, ends[done - 1] if done else 0,
            ends + done, batch, window.readable_end, counting, sink)
        if status != STATUS_OK:
            return status
        done += batch
    return STATUS_OK


cdef inline int encode_window(
    const Engine *engine, Workspace *workspace, const Window *window, size_t *done,
    size_t *done_characters, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the pieces of a window; the last ones are left over if they may go on behind it.

    Args:
        done, done_characters: receive how far the pieces reach.
    """
    cdef bint by_blocks = engine.mask_function != NULL and engine.automaton.family != 0
    cdef size_t position = 0, character = 0, count, left
    cdef int status
    while position < window.size:
        count = 0
        left = window.characters - character
        if by_blocks and left >= BLOCK_MINIMUM:
            count = split_by_blocks(
                engine.automaton, engine.mask_function, &workspace.blocks, window.text, position,
                window.size, NULL if window.kinds == NULL else window.kinds + character,
                NULL if window.offsets == NULL else window.offsets + character, left,
                window.final)
        if count:
            status = encode_all(engine, workspace, window, position, workspace.blocks.ends, count,
                                counting, sink)
            position += workspace.blocks.ends[count - 1]
        else:
            position = split_batch(engine.automaton, window.text, position, window.size,
                                   window.final, &workspace.batch)
            count = workspace.batch.count
            if count == 0:
                break
            status = encode_pieces(
                engine.vocabulary, workspace, window.text + workspace.batch.start, 0,
                workspace.batch.ends, count, window.readable_end, counting, sink)
        if status != STATUS_OK:
            return status
        character = character_index(window, position, character)
    done[0] = position
    done_characters[0] = character
    return STATUS_OK


cdef inline int encode_in_place(
    const Engine *engine, Workspace *workspace, const uint8_t *text, size_t length, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes ASCII text where it lies."""
    cdef size_t position = 0, size = WINDOW_BYTES, done, done_characters
    cdef Window window
    cdef int status
    window.offsets = NULL
    window.kinds = NULL
    window.readable_end = text + length
    while position < length:
        window.text = text + position
        window.final = length - position <= size
        window.size = length - position if window.final else size
        window.characters = window.size
        status = encode_window(engine, workspace, &window, &done, &done_characters, counting,
                               sink)
        if status != STATUS_OK:
            return status
        if window.final:
            return STATUS_OK
        position += done
        if done == 0 and size > UINT32_MAX // 2:
            return STATUS_NO_MEMORY
        size = 2 * size if done == 0 else <size_t>WINDOW_BYTES
    return STATUS_OK


cdef inline int encode_transcoded(
    const Engine *engine, Workspace *workspace, const TextView *view, size_t start, size_t end,
    bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the characters from `start` to `end` of a view that is not UTF-8."""
    cdef const Automaton *automaton = engine.automaton
    cdef bint kinds = automaton.family != 0 and engine.mask_function != NULL
    cdef const uint8_t *block_kinds = automaton.block_kinds if kinds else NULL
    cdef Chunk *chunk = &workspace.chunk
    cdef Window window
    cdef size_t done, done_characters, capacity = CHUNK_CHARACTERS
    cdef int status
    chunk.byte_count = 0
    chunk.characters = 0
    while start < end or chunk.characters:
        if chunk.capacity < capacity and grow_chunk(chunk, capacity) != STATUS_OK:
            return STATUS_NO_MEMORY
        start = fill_chunk(view, start, end, automaton.block_index, block_kinds, chunk)
        if start < end and chunk.characters < chunk.capacity:
            return STATUS_SURROGATE
        window.text = chunk.bytes
        window.size = chunk.byte_count
        window.offsets = chunk.offsets if kinds else NULL
        window.kinds = chunk.kinds if kinds else NULL
        window.characters = chunk.characters
        window.final = start == end
        window.readable_end = chunk.bytes + chunk.byte_count + LOAD_SLACK
        status = encode_window(engine, workspace, &window, &done, &done_characters, counting,
                               sink)
        if status != STATUS_OK or window.final:
            return status
        if done == 0:
            capacity = 2 * chunk.capacity
        else:
            # The next chunk begins with the piece that may go on.
            if not kinds:
                done_characters = count_characters(chunk.bytes, done)
            drop_beginning(chunk, done, done_characters, kinds)
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
