# The way of a text through the engine: view, split, look-up, merge, sink.
#
# The text passes in windows of bounded size: a part of an ASCII string where it lies, or a chunk of
# another string turned into UTF-8. A piece that may go on behind its window begins the next one;
# only a piece that does not fit a window makes it grow. Time: linear, times the merges' logarithm;
# a piece of n bytes in windows that double is read at most twice more.

from libc.stdint cimport uint8_t, uint32_t, UINT32_MAX

from engine.split.automaton cimport Automaton, scan_pieces
from engine.split.blocks cimport BLOCK_MINIMUM, Window, split_by_blocks
from engine.cache.cache cimport expect_text
from engine.cache.entries cimport WIDE_IDS
from engine.simd.vectors cimport Vectors
from engine.split.chunk cimport CHUNK_CHARACTERS, Chunk, character_of, grow_chunk
from engine.split.fill cimport fill_bytes, fill_chunk
from engine.sink.id_buffer cimport IdBuffer, grow_ids, in_huge_pages, reserve_ids
from engine.base.interrupt cimport count_work
from engine.base.mappings cimport populate
from engine.encode.pieces cimport encode_pieces
from engine.cache.probes cimport TextAhead
from engine.text.special_tokens cimport Occurrence, SpecialTokens, find_special
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE
from engine.text.utf8 cimport TextView, count_characters
from engine.vocab.tables cimport Vocabulary, read_all_pairs
from engine.encode.workspace cimport Workspace

cdef enum:
    AUTOMATON_WINDOW = 1 << 12    # characters that the automaton is given at a time at first
    FETCH_FROM = 1 << 18          # characters of a text for which all pairs are fetched
    READY_IDS = 1 << 16           # ids from which on their memory is made ready at once
    AHEAD_FROM = 3 << 20          # bytes of a text that is fetched while the text before is encoded

cdef struct Engine:
    const Vocabulary *vocabulary          # borrowed
    const Automaton *automaton            # borrowed
    const SpecialTokens *special_tokens   # borrowed
    Vectors vectors                       # without any the automaton splits all text


cdef inline int make_room(
    IdBuffer *sink, size_t bytes, size_t ids, size_t characters, size_t left
) noexcept nogil:
    """Makes room for the ids of the next bytes; if it has to grow, for those of much more text.

    How much more the text before tells: 32 times as much of it, or what is left. So little is
    copied, and the last guess of a text of a few megabytes is made when a hundred thousand
    characters are known, which is good enough to be left untrimmed. Doubling and trimming cost a
    quarter of the time on texts of a megabyte: the allocator never sees a block of that size
    freed, and maps fresh pages at each call (NOTES.md).

    Args:
        bytes: of the pieces that come next.
        ids: how many came of the `characters` before them; both may be 0.
        left: characters of the text from those on.
    """
    cdef size_t needed = sink.length + bytes + WIDE_IDS
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
    return engine.vectors.masks != NULL and engine.automaton.family != 0


cdef inline int encode_by_automaton(
    const Engine *engine, Workspace *workspace, const uint8_t *text, size_t size, bint final,
    const uint8_t *readable_end, bint counting, IdBuffer *sink, size_t *done
) noexcept nogil:
    """Encodes the next pieces of a text, at most a batch, by the automaton.

    Args:
        text: valid UTF-8, `size` bytes, from a piece's start on.
        final: whether the text ends there.
        readable_end: one past the last byte that may be read.
        done: receives how many bytes the pieces take. 0: the text is needed further.
    """
    cdef int status = STATUS_OK
    done[0] = scan_pieces(engine.automaton, text, 0, size, final, &workspace.scanned)
    if workspace.scanned.count:
        status = encode_pieces(
            engine.vocabulary, workspace, text + workspace.scanned.start, workspace.scanned.ends,
            workspace.scanned.count, readable_end, counting, sink)
    return status


cdef inline int encode_in_place(
    const Engine *engine, Workspace *workspace, const uint8_t *text, size_t length, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes ASCII text where it lies."""
    cdef const uint8_t *end = text + length
    cdef size_t left, count, done
    cdef size_t first = sink.length
    cdef size_t window = AUTOMATON_WINDOW
    cdef Window split
    cdef int status
    while text < end:
        left = end - text
        count = 0
        if left >= BLOCK_MINIMUM and splits_by_blocks(engine):
            split.text = text
            split.size = left if left < CHUNK_CHARACTERS else <size_t>CHUNK_CHARACTERS
            split.characters = <uint32_t>split.size
            split.in_place = True
            split.final = split.size == left
            count = split_by_blocks(engine.automaton, &engine.vectors, &split, &workspace.chunk,
                                    &workspace.split)
        if count:
            done = workspace.split.ends[count - 1]
            if not counting and make_room(sink, done, sink.length - first, length - left,
                                          left) != STATUS_OK:
                return STATUS_NO_MEMORY
            status = encode_pieces(engine.vocabulary, workspace, text, workspace.split.ends,
                                   count, end, counting, sink)
        else:
            status = encode_by_automaton(
                engine, workspace, text, left if left < window else window, left <= window, end,
                counting, sink, &done)
            if done == 0 and window > UINT32_MAX // 2:
                return STATUS_NO_MEMORY
            window = 2 * window if done == 0 else <size_t>AUTOMATON_WINDOW
        if status == STATUS_OK:
            status = count_work(&workspace.interrupt, done if done else window)
        if status != STATUS_OK:
            return status
        text += done
    return STATUS_OK


cdef inline TextAhead next_chunk(
    const TextView *view, size_t position, size_t end, size_t pieces
) noexcept nogil:
    """Tells how the chunk at `position` is fetched while so many pieces are encoded.

    A chunk is read faster than memory can bring it. Where the whole text cannot lie in the caches
    that costs a tenth of the time (NOTES.md), unless it comes bit by bit while other work is done.
    """
    cdef TextAhead ahead
    cdef size_t characters = end - position
    ahead.text = <const uint8_t *>view.data + position * view.width
    ahead.step = 0
    if view.length * view.width >= AHEAD_FROM:
        if characters > CHUNK_CHARACTERS:
            characters = CHUNK_CHARACTERS
        ahead.step = characters * view.width // pieces
    return ahead


cdef inline int encode_transcoded(
    const Engine *engine, Workspace *workspace, const TextView *view, size_t start, size_t end,
    bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the characters from `start` to `end` of a view that is not UTF-8."""
    cdef Chunk *chunk = &workspace.chunk
    cdef size_t count, done, filled
    cdef size_t first = sink.length, begin = start
    cdef size_t window = AUTOMATON_WINDOW
    cdef bint by_blocks = splits_by_blocks(engine)
    cdef Window split
    cdef int status
    if grow_chunk(chunk, CHUNK_CHARACTERS) != STATUS_OK:
        return STATUS_NO_MEMORY
    while start < end:
        count = 0
        if by_blocks and end - start >= BLOCK_MINIMUM:
            if not fill_chunk(view, start, end, engine.automaton, engine.vocabulary,
                              &engine.vectors, chunk):
                return STATUS_SURROGATE
            split.text = chunk.bytes
            split.size = chunk.byte_count
            split.characters = <uint32_t>chunk.characters
            split.in_place = False
            split.final = chunk.characters == end - start
            count = split_by_blocks(engine.automaton, &engine.vectors, &split, chunk,
                                    &workspace.split)
        if count:
            if not counting and make_room(sink, chunk.byte_count, sink.length - first,
                                          start - begin, end - start) != STATUS_OK:
                return STATUS_NO_MEMORY
            workspace.ahead = next_chunk(view, start + chunk.characters, end, count)
            status = encode_pieces(
                engine.vocabulary, workspace, chunk.bytes, workspace.split.ends, count,
                chunk.bytes + chunk.byte_count + LOAD_SLACK, counting, sink)
            workspace.ahead.step = 0
            start += character_of(chunk, workspace.split.ends[count - 1])
        else:
            if grow_chunk(chunk, window) != STATUS_OK:
                return STATUS_NO_MEMORY
            filled = fill_bytes(view, start, end if end - start < window else start + window,
                                chunk)
            if filled < end and filled - start < window:
                return STATUS_SURROGATE
            status = encode_by_automaton(
                engine, workspace, chunk.bytes, chunk.byte_count, filled == end,
                chunk.bytes + chunk.byte_count + LOAD_SLACK, counting, sink, &done)
            window = 2 * window if done == 0 else <size_t>AUTOMATON_WINDOW
            start += count_characters(chunk.bytes, done)
        if status == STATUS_OK:
            status = count_work(&workspace.interrupt, chunk.byte_count)
        if status != STATUS_OK:
            return status
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
    if expect_text(&workspace.cache, view.length) and view.length >= FETCH_FROM:
        read_all_pairs(engine.vocabulary)
    while True:
        if any_allowed:
            found = find_special(engine.special_tokens, &engine.vectors, view, position, allowed)
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
