# Turns one piece into ids: from the cache, or from the frozen vocabulary, or by shortening, cutting
# and merging.
#
# A piece that is a token as a whole becomes that token, even if merging would not produce it. A
# part of a cut piece becomes what merging makes of it, and is never such a token
# (vocab/borders.pxd), so that both are looked up alike.
#
# Time: O(1) for a piece that is in the cache or is one token, otherwise as merge/merge.pxd says.

from libc.stdint cimport uint8_t, uint32_t, SIZE_MAX

from engine.base.interrupt cimport count_work
from engine.base.types cimport NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, Span
from engine.cache.cache cimport (
    SPARE_IDS, LargeProbe, Missing, Probe, find_large_ids, find_short_ids, keep_ids, probe_large,
    probe_short)
from engine.encode.repeats cimport encode_repeats, merge_span
from engine.encode.workspace cimport Workspace
from engine.merge.repeats cimport REPEAT_LEAST
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.vocab.borders cimport next_cut
from engine.vocab.tables cimport Vocabulary, find_long, find_short, id_of


cdef inline int encode_missing_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Missing *missing, uint32_t *out,
    size_t *count
) noexcept nogil:
    """Encodes a piece of up to SHORT_PIECE bytes whose ids the cache does not have, and keeps them;
    other arguments as for `encode_short`."""
    cdef uint32_t index = NO_TOKEN
    cdef int status
    if not missing.is_merged:
        index = find_short(vocabulary, missing.narrow.key)
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
    else:
        status = merge_span(vocabulary, workspace, &missing.piece, out, count)
        if status != STATUS_OK:
            return status
    keep_ids(&workspace.cache, missing, out, count[0])
    return STATUS_OK


cdef inline int encode_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Probe *probe, uint32_t *out,
    size_t *count
) noexcept nogil:
    """Encodes a piece of up to SHORT_PIECE bytes.

    Args:
        probe: the piece's own.
        out: room for one id per byte and SPARE_IDS more.
        count: receives the number of ids.
    """
    cdef Missing missing
    if find_short_ids(&workspace.cache, probe, out, count, &missing):
        return STATUS_OK
    return encode_missing_short(vocabulary, workspace, &missing, out, count)


cdef inline int encode_part(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *part, uint32_t *out,
    size_t *count
) noexcept nogil:
    """Encodes a part of a cut piece."""
    cdef Probe probe
    if part.length > SHORT_PIECE:
        return merge_span(vocabulary, workspace, part, out, count)
    probe_short(&workspace.cache, part, &probe)
    return encode_short(vocabulary, workspace, &probe, out, count)


cdef inline int encode_parts(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, size_t first_cut,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece part by part, from its first cut on."""
    cdef Span part = piece[0]
    cdef size_t end = first_cut, part_count
    cdef int status
    count[0] = 0
    while True:
        part.length = piece.start + end - part.start
        status = encode_part(vocabulary, workspace, &part, out + count[0], &part_count)
        if status != STATUS_OK:
            return status
        count[0] += part_count
        status = count_work(&workspace.interrupt, part.length)
        if status != STATUS_OK:
            return status
        if end == piece.length:
            return STATUS_OK
        part.start = piece.start + end
        end = next_cut(vocabulary, piece.start, end, piece.length)


cdef inline int merge_long(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, bint valid_utf8,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of more than SHORT_PIECE bytes that is not a token: without most of what it
    repeats, and cut if possible.
    """
    cdef size_t cut
    cdef bint done = False
    cdef int status
    if piece.length >= REPEAT_LEAST:
        status = encode_repeats(vocabulary, workspace, piece, out, count, &done)
        if status != STATUS_OK or done:
            return status
    if valid_utf8:
        cut = next_cut(vocabulary, piece.start, 0, piece.length)
        if cut < piece.length:
            return encode_parts(vocabulary, workspace, piece, cut, out, count)
    return merge_span(vocabulary, workspace, piece, out, count)


cdef inline int encode_missing_long(
    const Vocabulary *vocabulary, Workspace *workspace, const Missing *missing, bint valid_utf8,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a longer piece whose ids the cache does not have, and keeps them; other arguments as
    for `encode_long`."""
    cdef const Span *piece = &missing.piece
    cdef uint32_t index = NO_TOKEN
    cdef int status
    if not missing.is_merged:
        index = find_long(vocabulary, piece.start, piece.length)
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
    else:
        status = merge_long(vocabulary, workspace, piece, valid_utf8, out, count)
        if status != STATUS_OK:
            return status
    keep_ids(&workspace.cache, missing, out, count[0])
    return STATUS_OK


cdef inline int encode_long(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, bint valid_utf8,
    const LargeProbe *probe, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of more than SHORT_PIECE bytes; other arguments as for `encode_short`.

    Args:
        valid_utf8: whether the piece may be cut.
    """
    cdef Missing missing
    if find_large_ids(&workspace.cache, piece, probe, out, count, &missing):
        return STATUS_OK
    return encode_missing_long(vocabulary, workspace, &missing, valid_utf8, out, count)


cdef inline int encode_piece(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    bint valid_utf8, IdBuffer *sink
) noexcept nogil:
    """Encodes one piece and appends its ids to the sink."""
    cdef uint32_t *out
    cdef Span span
    cdef Probe probe
    cdef LargeProbe large
    cdef size_t count = 0
    cdef int status
    if length > SIZE_MAX - sink.length - 2 * SPARE_IDS:
        return STATUS_NO_MEMORY
    if grow_ids(sink, sink.length + length + SPARE_IDS) != STATUS_OK:
        return STATUS_NO_MEMORY
    out = sink.data + sink.length
    span.start = piece
    span.length = length
    span.readable_end = piece + length
    if length > SHORT_PIECE:
        probe_large(&workspace.cache, &span, &large)
        status = encode_long(vocabulary, workspace, &span, valid_utf8, &large, out, &count)
    else:
        probe_short(&workspace.cache, &span, &probe)
        status = encode_short(vocabulary, workspace, &probe, out, &count)
    sink.length += count
    return status
