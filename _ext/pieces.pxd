# Turns batches of pieces into ids: cache, then frozen vocabulary, then cuts and merging.
#
# The batch is walked twice: first all keys are made and the cache lines they need are asked for,
# then the entries are read, so that one piece's cache miss hides behind the others' work.
#
# A piece that is a token as a whole is that token, even if merging would not reach it. A *part* of
# a cut piece is only what merging makes of it: where the vocabulary has tokens that merging cannot
# reach, parts have keys of their own (PART_BIT) and are not looked up whole.
#
# Time: O(1) for a piece in the cache or of one token, else as merge.pxd says.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, SIZE_MAX

from automaton cimport BATCH_PIECES
from cache cimport (NARROW_IDS, WIDE_IDS, NarrowEntry, PieceCache, WideEntry, WideKey, keep_narrow,
                    keep_wide, narrow_line, same_key, same_wide_key, wide_key, wide_line)
from cuts cimport next_cut
from memory cimport IdBuffer, grow_ids
from merge cimport merge_piece
from types cimport (NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, WIDE_PIECE, likely,
                    prefetch)
from vocab cimport Key, Vocabulary, find_long, find_short, id_of, short_key
from workspace cimport Workspace

cdef enum:
    PART_BIT = 1 << 4      # in the length byte of a part's key


cdef inline int merge_short(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    Key key, NarrowEntry *line, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of up to 15 bytes that is no token, through the wide cache or by merging."""
    cdef WideKey wide = wide_key(piece, length)
    cdef WideEntry *entry = wide_line(&workspace.cache, &wide)
    cdef size_t i
    cdef int status
    if same_wide_key(&entry.key, &wide):
        for i in range(WIDE_IDS):
            out[i] = entry.ids[i]
        count[0] = entry.count
        return STATUS_OK
    status = merge_piece(vocabulary, &workspace.merging, piece, length, out, count)
    if status != STATUS_OK:
        return status
    if count[0] <= NARROW_IDS:
        keep_narrow(&workspace.cache, line, key, out, count[0])
    elif count[0] <= WIDE_IDS:
        keep_wide(entry, &wide, out, count[0])
    return STATUS_OK


cdef inline int encode_short(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    Key key, NarrowEntry *line, bint whole, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of up to 15 bytes that is not in the narrow cache.

    Args:
        whole: whether a token that equals the piece is its encoding.
        out: room for `length` ids and WIDE_IDS more.
    """
    cdef uint32_t index = find_short(vocabulary, key) if whole else <uint32_t>NO_TOKEN
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
        keep_narrow(&workspace.cache, line, key, out, 1)
        return STATUS_OK
    return merge_short(vocabulary, workspace, piece, length, key, line, out, count)


cdef inline int encode_part(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *part, size_t length,
    const uint8_t *readable_end, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a part of a cut piece."""
    cdef Key key
    cdef NarrowEntry *line
    cdef size_t i, way
    cdef bint whole = vocabulary.unreachable_count == 0
    if length > SHORT_PIECE:
        return merge_piece(vocabulary, &workspace.merging, part, length, out, count)
    key = short_key(part, length, readable_end)
    if not whole:
        key.high |= <uint64_t>PART_BIT << 56
    line = narrow_line(&workspace.cache, key)
    for way in range(2):
        if same_key(line[way].key, key):
            for i in range(NARROW_IDS):
                out[i] = line[way].ids[i]
            count[0] = line[way].count
            return STATUS_OK
    if whole:
        return encode_short(vocabulary, workspace, part, length, key, line, True, out, count)
    # Not through the wide cache: its entries are whole pieces.
    i = merge_piece(vocabulary, &workspace.merging, part, length, out, count)
    if i == STATUS_OK and count[0] <= NARROW_IDS:
        keep_narrow(&workspace.cache, line, key, out, count[0])
    return <int>i


cdef inline int encode_parts(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    size_t first_cut, const uint8_t *readable_end, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece whose first cut is known, part by part."""
    cdef size_t start = 0, end = first_cut, part_count
    cdef int status
    count[0] = 0
    while True:
        status = encode_part(vocabulary, workspace, piece + start, end - start, readable_end,
                             out + count[0], &part_count)
        if status != STATUS_OK:
            return status
        count[0] += part_count
        if end == length:
            return STATUS_OK
        start = end
        end = next_cut(vocabulary, piece, start, length)


cdef inline int encode_long(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    const uint8_t *readable_end, bint valid_utf8, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of 16 bytes or more.

    Args:
        valid_utf8: whether the piece may be cut.
        out: room for `length` ids and WIDE_IDS more.
    """
    cdef WideKey wide
    cdef WideEntry *entry = NULL
    cdef uint32_t index
    cdef size_t i, cut
    cdef int status
    if length <= WIDE_PIECE:
        wide = wide_key(piece, length)
        entry = wide_line(&workspace.cache, &wide)
        if same_wide_key(&entry.key, &wide):
            for i in range(WIDE_IDS):
                out[i] = entry.ids[i]
            count[0] = entry.count
            return STATUS_OK
    index = find_long(vocabulary, piece, length)
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
    else:
        cut = next_cut(vocabulary, piece, 0, length) if valid_utf8 else length
        if cut < length:
            status = encode_parts(vocabulary, workspace, piece, length, cut, readable_end, out,
                                  count)
        else:
            status = merge_piece(vocabulary, &workspace.merging, piece, length, out, count)
        if status != STATUS_OK:
            return status
    if entry != NULL and count[0] <= WIDE_IDS:
        keep_wide(entry, &wide, out, count[0])
    return STATUS_OK


cdef inline int encode_piece(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    bint valid_utf8, IdBuffer *sink
) noexcept nogil:
    """Encodes one piece and appends its ids to the sink."""
    cdef Key key
    cdef size_t count = 0
    cdef int status
    if length > SIZE_MAX - sink.length - 2 * WIDE_IDS:
        return STATUS_NO_MEMORY
    status = grow_ids(sink, sink.length + length + WIDE_IDS)
    if status == STATUS_OK and length > SHORT_PIECE:
        status = encode_long(vocabulary, workspace, piece, length, piece + length, valid_utf8,
                             sink.data + sink.length, &count)
    elif status == STATUS_OK:
        key = short_key(piece, length, piece + length)
        status = encode_short(
            vocabulary, workspace, piece, length, key, narrow_line(&workspace.cache, key), True,
            sink.data + sink.length, &count)
    sink.length += count
    return status


cdef inline int encode_pieces(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *text, uint32_t start,
    const uint32_t *ends, size_t count, const uint8_t *readable_end, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes pieces that follow each other, which are valid UTF-8, into the sink.

    Args:
        start: where the first piece begins, in bytes.
        ends: where each piece ends.
        count: 1 to BATCH_PIECES.
        readable_end: one past the last byte that may be read.
        counting: only `sink.length` grows; its memory is used again by each batch.
    """
    cdef Key keys[BATCH_PIECES]
    cdef NarrowEntry *lines[BATCH_PIECES]    # NULL: a piece of more than 15 bytes
    cdef NarrowEntry *entry
    cdef const uint8_t *piece
    cdef size_t i, way, length, written
    cdef size_t found = 0
    cdef uint32_t begin = start
    cdef uint32_t *out
    cdef int status
    written = 0 if counting else sink.length
    if grow_ids(sink, written + (ends[count - 1] - start) + WIDE_IDS) != STATUS_OK:
        return STATUS_NO_MEMORY
    for i in range(count):
        length = ends[i] - begin
        lines[i] = NULL
        if likely(length <= SHORT_PIECE):
            keys[i] = short_key(text + begin, length, readable_end)
            lines[i] = narrow_line(&workspace.cache, keys[i])
            prefetch(lines[i])
        begin = ends[i]
    out = sink.data + written
    for i in range(count):
        if likely(lines[i] != NULL):
            way = not same_key(lines[i].key, keys[i])
            entry = lines[i] + way
            if likely(same_key(entry.key, keys[i])):
                out[0] = entry.ids[0]
                out[1] = entry.ids[1]
                out[2] = entry.ids[2]
                found = entry.count
                out += found
                continue
        begin = ends[i - 1] if i else start
        piece = text + begin
        length = ends[i] - begin
        if lines[i] != NULL:
            status = encode_short(vocabulary, workspace, piece, length, keys[i], lines[i], True,
                                  out, &found)
        else:
            status = encode_long(vocabulary, workspace, piece, length, readable_end, True, out,
                                 &found)
        if status != STATUS_OK:
            return status
        out += found
    workspace.last_piece_ids = found
    sink.length += out - (sink.data + written)
    return STATUS_OK
