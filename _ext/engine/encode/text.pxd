# The path of a text through the engine: view, split, look-up, merge, sink.
#
# The text passes in windows of bounded size: a stretch of an ASCII string in place, or a chunk of
# another string converted to UTF-8. A piece that may continue past its window begins the next one;
# a window grows only for a piece that does not fit. Time: linear, times the logarithm that merging
# takes; because such windows double, a piece of n bytes is read at most twice more.

from libc.stdint cimport uint8_t, uint32_t, UINT32_MAX

from engine.base.interrupt cimport count_work
from engine.base.mappings cimport populate
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE, Span
from engine.cache.cache cimport SPARE_IDS, Pieces, expect_text, find_buckets_again, grow_for_text
from engine.encode.call cimport Call, Engine, segment_end
from engine.encode.groups cimport encode_pieces, encode_scanned
from engine.encode.guided cimport encode_guided
from engine.encode.marks cimport leave_mark, open_window
from engine.encode.unknown cimport end_pieces, let_cache_grow
from engine.encode.workspace cimport Workspace
from engine.simd.vectors cimport Vectors
from engine.sink.id_buffer cimport IdBuffer, append_id, in_huge_pages, reserve_ids
from engine.split.automaton cimport scan_pieces
from engine.split.blocks cimport BLOCK_MINIMUM, Window, split_by_blocks
from engine.split.chunk cimport CHUNK_CHARACTERS, Chunk, character_of, grow_chunk
from engine.split.fill cimport fill_bytes, fill_chunk
from engine.text.utf8 cimport TextView, count_characters
from engine.vocab.tables cimport Vocabulary, read_all_pairs

cdef enum:
    AUTOMATON_WINDOW = 1 << 12    # characters given to the automaton at a time, at first
    FETCH_FROM = 1 << 18          # characters from which a text has all pairs brought near
    READY_IDS = 1 << 16           # ids from which their memory is made ready at once
    AHEAD_FROM = 3 << 20          # bytes from which a text is prefetched while it is encoded


cdef inline int make_room(
    IdBuffer *sink, size_t bytes, size_t ids, size_t characters, size_t left
) noexcept nogil:
    """Makes room for the ids of the next bytes; if the sink has to grow, for those of more text.

    How much more depends on the text so far: 32 times as much, or all that is left. So little is
    copied, and a text of a few megabytes makes its last guess after a hundred thousand characters,
    which is so accurate that no trimming is needed.

    Args:
        bytes: of the pieces that come next.
        ids: how many the `characters` before them gave; both may be 0.
        left: characters of the text from there on.
    """
    cdef size_t needed = sink.length + bytes + SPARE_IDS
    if needed <= sink.capacity:
        return STATUS_OK
    if left > 32 * characters:
        left = 32 * characters
    if characters:
        needed += <size_t>(1.125 * <double>ids / <double>characters * <double>left)
    if needed < sink.capacity + sink.capacity // 8:
        needed = sink.capacity + sink.capacity // 8
    if reserve_ids(sink, needed) != STATUS_OK:
        return STATUS_NO_MEMORY
    if needed >= READY_IDS and not in_huge_pages(sink):
        populate(sink.data + sink.length, (needed - sink.length) * sizeof(uint32_t), True)
    return STATUS_OK


cdef inline bint splits_by_blocks(const Engine *engine) noexcept nogil:
    return engine.vectors.masks != NULL and engine.automaton.rules != 0


cdef inline int encode_by_automaton(
    const Call *call, const Span *text, bint final, size_t *done
) noexcept nogil:
    """Encodes the next pieces of a text that the automaton finds, at most GROUP_PIECES.

    Args:
        text: valid UTF-8, from a piece's start on.
        final: whether the text ends there.
        done: receives the bytes of the pieces; 0: more of the text is needed.
    """
    done[0] = scan_pieces(call.engine.automaton, text.start, 0, text.length, final,
                          &call.workspace.scanned)
    return encode_scanned(call.engine.vocabulary, call.workspace, text.start, text.readable_end,
                          call.counting, call.sink)


cdef inline int encode_split(
    const Call *call, Pieces *pieces, const Chunk *chunk, size_t bytes, size_t start
) noexcept nogil:
    """Encodes the pieces that the workspace's `split` holds.

    Args:
        pieces: `text` and `count` are set.
        chunk: that they are in; NULL if the text is read in place.
        bytes: of the pieces, at most.
        start: the character where they begin.
    """
    cdef Workspace *workspace = call.workspace
    cdef int status
    if not call.counting and make_room(call.sink, bytes, call.sink.length - call.ids_before,
                                       start - call.first_character,
                                       call.view.length - start) != STATUS_OK:
        return STATUS_NO_MEMORY
    pieces.ends = workspace.split.ends
    pieces.start = 0
    open_window(&workspace.marks, chunk, start)
    status = encode_pieces(call.engine.vocabulary, workspace, pieces, call.counting, call.sink)
    workspace.marks.open = False
    return status


cdef inline int encode_stretch(
    const Call *call, size_t start, size_t end, size_t *done
) noexcept nogil:
    """Encodes the beginning of some ASCII text, split by blocks.

    Args:
        done: receives the characters encoded; 0 if that many do not settle where a piece ends.
    """
    cdef const Engine *engine = call.engine
    cdef Workspace *workspace = call.workspace
    cdef Pieces pieces
    cdef Window window
    window.text = <const uint8_t *>call.view.data + start
    window.size = min(end - start, <size_t>CHUNK_CHARACTERS)
    window.characters = <uint32_t>window.size
    window.in_place = True
    window.final = window.size == end - start
    pieces.text = window.text
    pieces.readable_end = <const uint8_t *>call.view.data + end
    pieces.ahead_step = 0
    pieces.count = split_by_blocks(
        engine.automaton, &engine.vectors, &window, &workspace.chunk, &workspace.split)
    done[0] = workspace.split.ends[pieces.count - 1] if pieces.count else 0
    if pieces.count == 0:
        return STATUS_OK
    return encode_split(call, &pieces, NULL, done[0], start)


cdef inline int encode_in_place(Call *call, size_t start) noexcept nogil:
    """Encodes an ASCII text from a character to the next special token."""
    cdef Span text
    cdef size_t done, end, window = AUTOMATON_WINDOW
    cdef size_t undecided = 0     # up to there, blocks do not settle where a piece ends
    cdef bint by_blocks = splits_by_blocks(call.engine)
    cdef int status
    text.readable_end = <const uint8_t *>call.view.data + call.view.length
    while True:
        end = segment_end(call, start + window)
        if start == end:
            return STATUS_OK
        done = 0
        status = STATUS_OK
        let_cache_grow(call.workspace)
        if by_blocks and end - start >= BLOCK_MINIMUM and start >= undecided:
            status = encode_stretch(call, start, end, &done)
            undecided = start if done else start + CHUNK_CHARACTERS
        if done == 0 and status == STATUS_OK:
            text.start = <const uint8_t *>call.view.data + start
            text.length = min(end - start, window)
            status = encode_by_automaton(call, &text, text.length == end - start, &done)
            if done == 0 and window > UINT32_MAX // 2:
                return STATUS_NO_MEMORY
            window = 2 * window if done == 0 else <size_t>AUTOMATON_WINDOW
        if status == STATUS_OK:
            status = count_work(&call.workspace.interrupt, done if done else window)
        if status != STATUS_OK:
            return status
        start += done
        leave_mark(&call.workspace.marks, start, call.sink.length)


cdef inline void prefetch_chunk(
    const Call *call, size_t position, size_t end, Pieces *pieces
) noexcept nogil:
    """Makes the encoding of some pieces prefetch the chunk at `position`, bit by bit.

    A chunk is read faster than memory can deliver it. For texts too large for the processor's
    caches, waiting for it would take a tenth of the time.
    """
    cdef const TextView *view = call.view
    cdef size_t characters = min(
        end - position + call.workspace.following, <size_t>CHUNK_CHARACTERS)
    pieces.ahead_step = 0
    if call.workspace.much_text or view.length * view.width >= AHEAD_FROM:
        pieces.ahead = <const uint8_t *>view.data + position * view.width
        pieces.ahead_step = characters * view.width // pieces.count


cdef inline int encode_chunk(
    const Call *call, size_t start, size_t end, size_t *done
) noexcept nogil:
    """Encodes the beginning of some text that is not ASCII, split by blocks.

    Args:
        done: receives the characters encoded; 0 if that many do not settle where a piece ends.
    """
    cdef const Engine *engine = call.engine
    cdef Workspace *workspace = call.workspace
    cdef Chunk *chunk = &workspace.chunk
    cdef Pieces pieces
    cdef Window window
    cdef int status
    if not fill_chunk(call.view, start, end, engine.automaton, engine.vocabulary, &engine.vectors,
                      chunk):
        return STATUS_SURROGATE
    window.text = chunk.bytes
    window.size = chunk.byte_count
    window.characters = <uint32_t>chunk.characters
    window.in_place = False
    window.final = chunk.characters == end - start
    pieces.count = split_by_blocks(
        engine.automaton, &engine.vectors, &window, chunk, &workspace.split)
    if pieces.count == 0:
        return STATUS_OK
    pieces.text = chunk.bytes
    pieces.readable_end = chunk.bytes + chunk.byte_count + LOAD_SLACK
    prefetch_chunk(call, start + chunk.characters, end, &pieces)
    status = encode_split(call, &pieces, chunk, chunk.byte_count, start)
    done[0] = character_of(chunk, workspace.split.ends[pieces.count - 1])
    return status


cdef inline int encode_transcoded(Call *call, size_t start) noexcept nogil:
    """Encodes a text that is not ASCII from a character to the next special token."""
    cdef Chunk *chunk = &call.workspace.chunk
    cdef Span text
    cdef size_t done, settled, filled, end, window = AUTOMATON_WINDOW
    cdef size_t undecided = 0     # as in `encode_in_place`
    cdef bint by_blocks = splits_by_blocks(call.engine)
    cdef int status
    if grow_chunk(chunk, CHUNK_CHARACTERS) != STATUS_OK:
        return STATUS_NO_MEMORY
    while True:
        end = segment_end(call, start + window)
        if start == end:
            return STATUS_OK
        done = 0
        status = STATUS_OK
        let_cache_grow(call.workspace)
        if by_blocks and end - start >= BLOCK_MINIMUM and start >= undecided:
            status = encode_chunk(call, start, end, &done)
            undecided = start if done else start + CHUNK_CHARACTERS
        if done == 0 and status == STATUS_OK:
            if grow_chunk(chunk, window) != STATUS_OK:
                return STATUS_NO_MEMORY
            filled = fill_bytes(call.view, start, min(end, start + window), chunk)
            if filled < end and filled - start < window:
                return STATUS_SURROGATE
            text.start = chunk.bytes
            text.length = chunk.byte_count
            text.readable_end = chunk.bytes + chunk.byte_count + LOAD_SLACK
            settled = 1
            while status == STATUS_OK and text.length and settled:
                status = encode_by_automaton(call, &text, filled == end, &settled)
                text.start += settled
                text.length -= settled
                done += settled
            window = 2 * window if done == 0 else <size_t>AUTOMATON_WINDOW
            done = count_characters(chunk.bytes, done)
        if status == STATUS_OK:
            status = count_work(&call.workspace.interrupt, chunk.byte_count)
        if status != STATUS_OK:
            return status
        start += done
        leave_mark(&call.workspace.marks, start, call.sink.length)


cdef inline size_t expected_ids(const TextView *view) noexcept nogil:
    """Returns how many ids a text probably has, rather too many than too few."""
    # Ids per character: 0.2 to 0.3 of ASCII, 0.3 (Russian) to 0.9 (Chinese) of others; per byte of
    # UTF-8: 0.15 to 0.3.
    return view.length // 3 if view.width <= 1 else view.length - view.length // 4


cdef inline void prepare_for_texts(
    const Engine *engine, Workspace *workspace, size_t characters
) noexcept nogil:
    """Prepares for many texts of so many characters in total, as `encode_text` does for one."""
    if grow_for_text(&workspace.cache, characters) and characters >= FETCH_FROM:
        read_all_pairs(engine.vocabulary)


cdef inline int encode_text(
    const Engine *engine, Workspace *workspace, const TextView *view, const uint8_t *allowed,
    bint any_allowed, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes a whole text.

    Special tokens split it first: the text between two of them is a text of its own for the split
    pattern. The ids of unknown pieces may be missing until `settle_unknown`, if `unknown.held` of
    the workspace is set.

    Args:
        allowed: for each special token, whether its text becomes that token; NULL = for all.
        any_allowed: False skips the search.
        counting: only `sink.length` is kept.
    """
    cdef Call call
    cdef size_t position = 0
    cdef int status
    call.engine = engine
    call.workspace = workspace
    call.view = view
    call.sink = sink
    call.counting = counting
    call.allowed = allowed
    call.first_character = 0
    call.ids_before = sink.length
    if expect_text(&workspace.cache, view.length):
        find_buckets_again(&workspace.cache, &workspace.unknown)
        if view.length >= FETCH_FROM:
            read_all_pairs(engine.vocabulary)
    while True:
        call.found.start = view.length
        call.searched = position if any_allowed else view.length
        if engine.guide != NULL:
            status = encode_guided(&call, position, segment_end(&call, view.length))
        elif view.width == 0:
            status = encode_in_place(&call, position)
        else:
            status = encode_transcoded(&call, position)
        status = end_pieces(engine.vocabulary, workspace, status, counting, sink)
        if status != STATUS_OK or call.found.start == view.length:
            return status
        if append_id(sink, call.found.id, counting) != STATUS_OK:
            return STATUS_NO_MEMORY
        workspace.last_piece_ids = 0
        position = call.found.end
