# Encodes text whose pieces a guided automaton finds, window by window.
#
# A window ends before the text does, so its last pieces may be undecided; the next window begins
# with them. If less than half of a window was decided, the next one is twice as large, so
# that the work on undecided text is at most a few times that on decided text. Time: linear. Space:
# 2 bytes per byte of the largest window; a text whose end decides everything is one window.

from engine.base.interrupt cimport count_work
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE, Span
from engine.encode.call cimport Call
from engine.encode.groups cimport encode_scanned
from engine.encode.unknown cimport let_cache_grow
from engine.encode.workspace cimport Workspace
from engine.split.chunk cimport Chunk, grow_chunk
from engine.split.fill cimport fill_bytes
from engine.split.guided cimport read_back, read_forward, scan_guided
from engine.text.utf8 cimport count_characters

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    GUIDED_WINDOW = 1 << 12    # characters of a window, at first


cdef inline int view_window(
    const Call *call, size_t start, size_t window, size_t end, Span *text, bint *final
) noexcept nogil:
    """Gives a window of the text as UTF-8; of text that is not ASCII, in the workspace's chunk."""
    cdef Chunk *chunk = &call.workspace.chunk
    cdef size_t stop = min(end, start + window)
    final[0] = stop == end
    if call.view.width == 0:
        text.start = <const uint8_t *>call.view.data + start
        text.length = stop - start
        text.readable_end = <const uint8_t *>call.view.data + end
        return STATUS_OK
    if grow_chunk(chunk, stop - start) != STATUS_OK:
        return STATUS_NO_MEMORY
    if fill_bytes(call.view, start, stop, chunk) < stop:
        return STATUS_SURROGATE
    text.start = chunk.bytes
    text.length = chunk.byte_count
    text.readable_end = chunk.bytes + chunk.byte_count + LOAD_SLACK
    return STATUS_OK


cdef inline int encode_window(
    const Call *call, const Span *text, uint32_t *row, bint final, size_t *done
) noexcept nogil:
    """Encodes the pieces of a window that it decides.

    Args:
        row: the guide's state before the window; receives the one after what was encoded.
        done: receives the bytes encoded.
    """
    cdef Workspace *workspace = call.workspace
    cdef size_t position = 0, settled = 0
    cdef int status = read_back(call.engine.guide, text.start, text.length, row[0], final,
                                &workspace.states)
    while status == STATUS_OK:
        settled = scan_guided(call.engine.guide, workspace.states.states, text.start, position,
                              text.length, &workspace.scanned)
        if settled == position:
            break
        position = settled
        status = encode_scanned(call.engine.vocabulary, workspace, text.start, text.readable_end,
                                call.counting, call.sink)
    row[0] = read_forward(call.engine.guide, text.start, position, row[0], NULL)
    done[0] = position
    return status


cdef inline int encode_guided(const Call *call, size_t start, size_t end) noexcept nogil:
    """Encodes the characters from `start` to `end` of a text."""
    cdef Span text
    cdef bint final
    cdef size_t done, window = GUIDED_WINDOW
    cdef uint32_t row = 0
    cdef int status
    while start < end:
        let_cache_grow(call.workspace)
        status = view_window(call, start, window, end, &text, &final)
        if status == STATUS_OK:
            status = encode_window(call, &text, &row, final, &done)
        if status == STATUS_OK:
            status = count_work(&call.workspace.interrupt, text.length)
        if status != STATUS_OK:
            return status
        window = 2 * window if 2 * done < text.length else <size_t>GUIDED_WINDOW
        start += done if call.view.width == 0 else count_characters(text.start, done)
    return STATUS_OK
