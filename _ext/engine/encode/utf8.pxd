# Encodes UTF-8 that another library holds, without making a string of it.
#
# A text is read in windows that end at sure borders, so that each can be encoded by itself. Those
# that are ASCII are encoded in place, the others decoded first. If the text is not UTF-8, it is
# refused, or its invalid parts are replaced in a copy. A window without a sure border doubles.
#
# Bounds: time linear in the text; memory for the characters of one window, or where a text has no
# sure border, of the whole text.

from libc.stdint cimport uint8_t

from engine.base.heap cimport ByteBuffer
from engine.base.types cimport STATUS_INVALID_UTF8, STATUS_OK, STATUS_REFUSED, prefetch
from engine.encode.call cimport Engine
from engine.encode.text cimport encode_text
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer
from engine.split.sure_borders cimport last_sure_border, next_sure_border
from engine.text.special_tokens cimport Occurrence, find_special
from engine.text.transcode cimport (
    decode_utf8, is_ascii, replace_invalid, without_cut_character)
from engine.text.utf8 cimport UNCHECKED_UTF8, TextView, utf8_length

cdef enum:
    UTF8_WINDOW = 1 << 16       # bytes of a window, at first
    FETCHED_AHEAD = 3 << 11     # bytes of the next text; the processor itself fetches those after
    BORDER_STRETCH = 1 << 10    # bytes that are searched for a border at a time

cdef struct Permissions:
    const uint8_t *allowed     # for each special token, whether its text becomes it; NULL = for all
    const uint8_t *refused     # for each special token, whether it may not occur; NULL = none may
    bint any_allowed
    bint any_refused
    bint replaces              # U+FFFD takes the place of what is not UTF-8
    bint counting              # ids are counted, not kept


cdef inline int encode_permitted(
    const Engine *engine, Workspace *workspace, const TextView *view,
    const Permissions *permissions, IdBuffer *ids
) noexcept nogil:
    """Encodes a text unless it has a special token that is refused."""
    cdef Occurrence found
    if permissions.any_refused:
        found = find_special(engine.special_tokens, &engine.vectors, view, 0, permissions.refused)
        if found.start < view.length:
            return STATUS_REFUSED
    return encode_text(engine, workspace, view, permissions.allowed, permissions.any_allowed,
                       permissions.counting, ids)


cdef inline int read_window(
    const Engine *engine, Workspace *workspace, const TextView *text, size_t start,
    size_t size, TextView *window
) noexcept nogil:
    """Reads the next characters of a text, ASCII in place.

    Args:
        size: bytes; a character that they cut is left out.
        window: receives the characters. If its width was 4, no less is tried.
    """
    cdef const uint8_t *bytes = <const uint8_t *>text.data + start
    if size < text.length - start:
        size = without_cut_character(bytes, size)
    if (engine.vectors.is_ascii(bytes, size) if engine.vectors.is_ascii != NULL
            else is_ascii(bytes, size)):
        window.data = bytes
        window.width = 0
        window.length = size
        return STATUS_OK
    return decode_utf8(&engine.vectors, bytes, size, &workspace.decoded, window)


cdef inline int encode_windows(
    const Engine *engine, Workspace *workspace, const TextView *text,
    const Permissions *permissions, IdBuffer *ids
) noexcept nogil:
    """Encodes UTF-8; stops with STATUS_INVALID_UTF8 where it is not valid."""
    cdef size_t start = 0, size = UTF8_WINDOW, longest = engine.special_tokens.longest
    cdef TextView window
    cdef int status
    window.width = 0
    while True:
        size = min(size, text.length - start)
        status = read_window(engine, workspace, text, start, size, &window)
        if status != STATUS_OK:
            return status
        if size < text.length - start:
            if window.length > longest + 1:
                window.length = last_sure_border(engine.automaton, engine.special_tokens, &window,
                                                 window.length - 1 - longest, 0)
            else:
                window.length = 0
            if window.length == 0:
                size *= 2
                continue
        status = encode_permitted(engine, workspace, &window, permissions, ids)
        if status != STATUS_OK or size == text.length - start:
            return status
        start += utf8_length(&window, 0, window.length)
        size = UTF8_WINDOW


cdef inline void fetch_utf8(const TextView *text) noexcept nogil:
    """Prefetches the beginning of a text, which will be checked faster than memory delivers it."""
    cdef size_t size = min(text.length, <size_t>FETCHED_AHEAD), place = 0
    while place < size:
        prefetch(<const uint8_t *>text.data + place)
        place += 64


cdef inline int encode_utf8(
    const Engine *engine, Workspace *workspace, const TextView *text,
    const Permissions *permissions, IdBuffer *ids
) noexcept nogil:
    """Encodes a text of width UNCHECKED_UTF8, about which nothing else is known."""
    cdef size_t before = ids.length
    cdef TextView copy
    cdef int status = encode_windows(engine, workspace, text, permissions, ids)
    if status == STATUS_INVALID_UTF8 and permissions.replaces:
        ids.length = before
        status = replace_invalid(<const uint8_t *>text.data, text.length, &workspace.replaced,
                                 &copy.length)
        if status == STATUS_OK:
            copy.data = workspace.replaced.data
            copy.width = UNCHECKED_UTF8
            status = encode_windows(engine, workspace, &copy, permissions, ids)
    return status


cdef inline size_t next_utf8_border(
    const Engine *engine, const TextView *text, size_t position, size_t limit, ByteBuffer *memory
) noexcept nogil:
    """Returns a byte from `position` on and below `limit` with a sure border before it, or `limit`.

    A stretch that is not UTF-8 is passed over, and so is all if there is no memory.

    Args:
        text: UTF-8 of unknown validity.
        position: more than 0.
        memory: for a stretch and its surroundings, in which special tokens may cross a border.
    """
    cdef const uint8_t *bytes = <const uint8_t *>text.data
    cdef size_t around = 4 * <size_t>engine.special_tokens.longest + 4
    cdef size_t start, end, first, last, border
    cdef TextView view
    while position < limit:
        start = position - around if position > around else <size_t>0
        while start < position and bytes[start] & 0xC0 == 0x80:
            start += 1
        end = min(position + BORDER_STRETCH + around, text.length)
        if end < text.length:
            end = start + without_cut_character(bytes + start, end - start)
        view.width = 0
        if decode_utf8(&engine.vectors, bytes + start, end - start, memory, &view) == STATUS_OK:
            # The character in which `position` is; a later one has a place of at least that.
            first = 0
            last = start
            while last < position and first < view.length:
                last += utf8_length(&view, first, first + 1)
                first += 1
            if first == 0:
                first = 1
            border = view.length - min(view.length, <size_t>engine.special_tokens.longest + 1)
            if first < border:
                last = next_sure_border(engine.automaton, engine.special_tokens, &view, first,
                                        border)
                start += utf8_length(&view, 0, last)
                if last < border and start < limit:
                    return start
        position += BORDER_STRETCH
    return limit
