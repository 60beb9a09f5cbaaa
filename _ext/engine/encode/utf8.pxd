# Encodes UTF-8 that another library holds, without making a string of it.
#
# A text is read in windows. Those that are ASCII are encoded in place, and so are others as far as
# the engine can read blocks of UTF-8; where it cannot, a window is decoded first. Such a window
# ends at a sure border, so that it can be encoded by itself; without one it doubles. If the text is
# not UTF-8, it is refused, or its invalid parts are replaced in a copy.
#
# Bounds: time linear in the text; memory for the characters of one window, or where a text has no
# sure border, of the whole text.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.heap cimport ByteBuffer
from engine.base.interrupt cimport count_work
from engine.base.types cimport STATUS_INVALID_UTF8, STATUS_OK, STATUS_REFUSED, prefetch
from engine.cache.cache cimport Pieces, expect_text
from engine.encode.call cimport Call, Engine
from engine.encode.text cimport encode_split, encode_text, splits_by_blocks
from engine.encode.unknown cimport end_pieces
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer
from engine.split.blocks cimport BLOCK_MINIMUM, Window, split_by_blocks
from engine.split.chunk cimport Chunk
from engine.split.fill cimport read_chunk
from engine.split.sure_borders cimport last_sure_border, next_sure_border
from engine.text.special_tokens cimport Occurrence, SpecialTokens, find_special
from engine.text.transcode cimport (
    decode_utf8, is_ascii, replace_invalid, without_cut_character)
from engine.text.utf8 cimport UNCHECKED_UTF8, TextView, utf8_length

cdef enum:
    UTF8_WINDOW = 1 << 16       # bytes of a window, at first and at least
    FETCHED_AHEAD = 3 << 11     # bytes of the next text; the processor itself fetches those after
    BORDER_STRETCH = 1 << 10    # bytes that are searched for a border at a time, at least

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


cdef inline bint is_ascii_window(
    const Engine *engine, const uint8_t *bytes, size_t size
) noexcept nogil:
    if engine.vectors.is_ascii != NULL:
        return engine.vectors.is_ascii(bytes, size)
    return is_ascii(bytes, size)


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
    if is_ascii_window(engine, bytes, size):
        window.data = bytes
        window.width = 0
        window.length = size
        return STATUS_OK
    if size < text.length - start:
        size = without_cut_character(bytes, size)
    return decode_utf8(&engine.vectors, bytes, size, &workspace.decoded, window)


cdef inline bint is_read_in_place(
    const Engine *engine, const TextView *text, const Permissions *permissions
) noexcept nogil:
    """Returns whether blocks of a text can be read as UTF-8, in which no special token matters."""
    cdef const SpecialTokens *special_tokens = engine.special_tokens
    cdef TextView bytes
    if (engine.vectors.read_block == NULL or engine.guide != NULL or not splits_by_blocks(engine)
            or text.length < BLOCK_MINIMUM):
        return False
    bytes.data = text.data
    bytes.width = 0
    bytes.length = text.length
    if (permissions.any_allowed or permissions.any_refused) and not special_tokens.is_ascii:
        return False
    if permissions.any_refused and find_special(
            special_tokens, &engine.vectors, &bytes, 0, permissions.refused).end:
        return False
    return not permissions.any_allowed or not find_special(
        special_tokens, &engine.vectors, &bytes, 0, permissions.allowed).end


cdef inline int encode_blocks(
    const Engine *engine, Workspace *workspace, const TextView *text, bint counting,
    size_t *start, IdBuffer *ids
) noexcept nogil:
    """Encodes UTF-8 by blocks that are read where they are, about a window of them at most.

    Precondition: `is_read_in_place`, and a piece begins at `start`.

    Args:
        start: in bytes; receives where the next piece begins. Unless that is a window further or
            the end, what follows has to be decoded.
    """
    cdef size_t begun = start[0], done
    cdef Chunk *chunk = &workspace.chunk
    cdef Call call
    cdef Pieces pieces
    cdef Window window
    cdef int status
    call.engine = engine
    call.workspace = workspace
    call.view = text
    call.sink = ids
    call.counting = counting
    call.first_character = begun
    call.ids_before = ids.length
    expect_text(&workspace.cache, min(text.length - begun, <size_t>UTF8_WINDOW))
    pieces.ahead_step = 0
    pieces.readable_end = <const uint8_t *>text.data + text.length
    while start[0] < text.length and start[0] - begun < UTF8_WINDOW:
        window.text = <const uint8_t *>text.data + start[0]
        if not read_chunk(window.text, text.length - start[0], engine.automaton,
                          engine.vocabulary, &engine.vectors, chunk):
            return STATUS_OK
        window.size = chunk.byte_count
        window.characters = <uint32_t>chunk.characters
        window.in_place = False
        window.final = start[0] + chunk.byte_count == text.length
        pieces.count = split_by_blocks(
            engine.automaton, &engine.vectors, &window, chunk, &workspace.split)
        if pieces.count == 0:
            return STATUS_OK
        pieces.text = window.text
        done = workspace.split.ends[pieces.count - 1]
        status = encode_split(&call, &pieces, NULL, done, start[0])
        if status == STATUS_OK:
            status = count_work(&workspace.interrupt, done)
        if status != STATUS_OK:
            return status
        start[0] += done
    return STATUS_OK


cdef inline int encode_windows(
    const Engine *engine, Workspace *workspace, const TextView *text,
    const Permissions *permissions, IdBuffer *ids
) noexcept nogil:
    """Encodes UTF-8; stops with STATUS_INVALID_UTF8 where it is not valid."""
    cdef const uint8_t *bytes = <const uint8_t *>text.data
    cdef size_t longest = engine.special_tokens.longest
    # Of a window with long special tokens, at least half is encoded.
    cdef size_t first_size = max(8 * longest, <size_t>UTF8_WINDOW)
    cdef size_t start = 0, size = first_size, begun
    cdef size_t refused = 0          # blocks cannot be read before this byte
    cdef bint by_blocks = True, is_known = False
    cdef TextView window
    cdef int status
    window.width = 0
    while True:
        size = min(size, text.length - start)
        if by_blocks and start >= refused and not is_ascii_window(engine, bytes + start, size):
            if not is_known:
                by_blocks = is_read_in_place(engine, text, permissions)
                is_known = True
            begun = start
            if by_blocks:
                status = encode_blocks(engine, workspace, text, permissions.counting, &start, ids)
                if status != STATUS_OK or start == text.length:
                    return status
                if start - begun >= UTF8_WINDOW:
                    continue
                refused = start + 1
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
        size = first_size


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
    cdef bint counting = permissions.counting
    cdef int status = encode_windows(engine, workspace, text, permissions, ids)
    status = end_pieces(engine.vocabulary, workspace, status, counting, ids)
    if status == STATUS_INVALID_UTF8 and permissions.replaces:
        ids.length = before
        status = replace_invalid(<const uint8_t *>text.data, text.length, &workspace.replaced,
                                 &copy.length)
        if status == STATUS_OK:
            copy.data = workspace.replaced.data
            copy.width = UNCHECKED_UTF8
            status = encode_windows(engine, workspace, &copy, permissions, ids)
            status = end_pieces(engine.vocabulary, workspace, status, counting, ids)
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
    cdef size_t stretch = max(around, <size_t>BORDER_STRETCH)
    cdef size_t start, end, first, last, border
    cdef TextView view
    while position < limit:
        start = position - around if position > around else <size_t>0
        while start < position and bytes[start] & 0xC0 == 0x80:
            start += 1
        end = min(position + stretch + around, text.length)
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
        position += stretch
    return limit
