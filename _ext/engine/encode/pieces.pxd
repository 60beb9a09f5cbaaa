# Turns pieces into ids: from the cache, or from the frozen vocabulary, or by shortening,
# cutting and merging.
#
# Pieces are looked up in groups, in two passes (cache/cache.pxd), so that one piece's cache misses
# are hidden by the work on the others. Where ids are only counted, pieces of more than SHORT_PIECE
# bytes come after the others of their group, so that nothing has to predict where they are.
#
# A piece that is a token as a whole becomes that token, even if merging would not produce it. A
# part of a cut piece becomes what merging makes of it, and is never such a token
# (vocab/borders.pxd), so that both are looked up alike.
#
# Time: O(1) for a piece that is in the cache or is one token, otherwise as merge/merge.pxd says.
# Other orders of the work that were tried: docs/decisions/look-up.md.

from libc.stdint cimport uint8_t, uint32_t, SIZE_MAX

from engine.base.interrupt cimport count_work
from engine.base.types cimport (
    NO_TOKEN, SHORT_PIECE, STATUS_MISSING_BYTE, STATUS_NO_MEMORY, STATUS_OK, Span, likely)
from engine.cache.cache cimport (
    LEARNING_PIECES, SPARE_IDS, LargePiece, LargeProbe, Missing, PieceGroup, Pieces, Probe,
    begin_group, count_two_at_once, end_group, find_at_once, find_large_at_once, find_large_count,
    find_large_ids, find_short_count, find_short_ids, keep_ids, probe_large, probe_short, span_of)
from engine.encode.marks cimport mark_group
from engine.encode.repeats cimport encode_repeats, merge_span
from engine.encode.workspace cimport Workspace
from engine.merge.repeats cimport REPEAT_LEAST
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.split.automaton cimport GROUP_PIECES
from engine.vocab.borders cimport next_cut
from engine.vocab.tables cimport Vocabulary, find_long, find_short, id_of


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
    cdef uint32_t index = NO_TOKEN
    cdef int status
    if find_short_ids(&workspace.cache, probe, out, count, &missing):
        return STATUS_OK
    if not missing.is_merged:
        index = find_short(vocabulary, probe.key)
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
    else:
        status = merge_span(vocabulary, workspace, &missing.piece, out, count)
        if status != STATUS_OK:
            return status
    keep_ids(&workspace.cache, &missing, out, count[0])
    return STATUS_OK


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


cdef inline int encode_long(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, bint valid_utf8,
    const LargeProbe *probe, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of more than SHORT_PIECE bytes; other arguments as for `encode_short`.

    Args:
        valid_utf8: whether the piece may be cut.
    """
    cdef Missing missing
    cdef uint32_t index = NO_TOKEN
    cdef int status
    if find_large_ids(&workspace.cache, piece, probe, out, count, &missing):
        return STATUS_OK
    if not missing.is_merged:
        index = find_long(vocabulary, piece.start, piece.length)
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
    else:
        status = merge_long(vocabulary, workspace, piece, valid_utf8, out, count)
        if status != STATUS_OK:
            return status
    keep_ids(&workspace.cache, &missing, out, count[0])
    return STATUS_OK


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


cdef inline int encode_group(
    const Vocabulary *vocabulary, Workspace *workspace, Pieces *pieces, uint32_t *out,
    size_t *written
) noexcept nogil:
    """Encodes up to LEARNING_PIECES pieces.

    Args:
        out: room for one id per byte and SPARE_IDS more.
        written: receives the number of ids.
    """
    cdef PieceGroup *group = &workspace.group
    cdef const Probe *probe = group.pieces
    cdef const Probe *last
    cdef const LargePiece *large = group.large
    cdef Span span
    # Only functions that are inlined get the address of `found`, so that it stays in a register.
    cdef size_t found = 0, several = 0, total = 0
    cdef int status
    begin_group(vocabulary, &workspace.cache, pieces, False, group)
    last = group.end
    while probe < last:
        if likely(find_at_once(probe, out + total, &found)):
            total += found
            probe += 1
            continue
        if probe.key.high:
            status = encode_short(vocabulary, workspace, probe, out + total, &several)
            if status != STATUS_OK:
                return status
            found = several
        else:
            span = span_of(pieces, large.start, large.end)
            if not find_large_at_once(&span, &large.probe, out + total, &found):
                status = encode_long(vocabulary, workspace, &span, True, &large.probe,
                                     out + total, &several)
                if status != STATUS_OK:
                    return status
                found = several
            large += 1
        total += found
        probe += 1
    end_group(&workspace.cache, pieces.count)
    workspace.last_piece_ids = found
    written[0] = total
    return STATUS_OK


cdef inline int count_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Probe *probe, uint32_t *scratch,
    size_t *count
) noexcept nogil:
    """Counts the ids of a piece of up to SHORT_PIECE bytes; arguments as for `encode_short`."""
    if find_short_count(probe, count):
        return STATUS_OK
    return encode_short(vocabulary, workspace, probe, scratch, count)


cdef inline int count_group(
    const Vocabulary *vocabulary, Workspace *workspace, Pieces *pieces, uint32_t *scratch,
    size_t *counted
) noexcept nogil:
    """Counts the ids of up to LEARNING_PIECES pieces.

    Args:
        scratch: room as for `encode_group`; ids may be written there.
        counted: receives the number of ids.
    """
    cdef PieceGroup *group = &workspace.group
    cdef const Probe *probe = group.pieces
    cdef const Probe *last
    cdef const LargePiece *large = group.large
    cdef Span span
    cdef size_t several = 0, total = 0
    cdef int status
    begin_group(vocabulary, &workspace.cache, pieces, True, group)
    last = group.end
    while probe + 1 < last:
        if likely(count_two_at_once(probe, &total)):
            probe += 2
            continue
        status = count_short(vocabulary, workspace, probe, scratch, &several)
        if status != STATUS_OK:
            return status
        total += several
        probe += 1
    if probe < last:
        status = count_short(vocabulary, workspace, probe, scratch, &several)
        if status != STATUS_OK:
            return status
        total += several
    while large < group.large_end:
        span = span_of(pieces, large.start, large.end)
        if not find_large_count(&span, &large.probe, &several):
            status = encode_long(vocabulary, workspace, &span, True, &large.probe, scratch,
                                 &several)
            if status != STATUS_OK:
                return status
        total += several
        large += 1
    end_group(&workspace.cache, pieces.count)
    counted[0] = total
    return STATUS_OK


cdef inline int encode_pieces(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes pieces that follow each other into the sink.

    Args:
        pieces: at least one.
        counting: only `sink.length` grows; each group uses the sink's memory again.
    """
    cdef Pieces group = pieces[0]
    cdef size_t left = pieces.count, written, place
    cdef uint32_t end
    cdef int status
    while left:
        group.count = min(
            left, <size_t>LEARNING_PIECES if workspace.cache.is_new else <size_t>GROUP_PIECES)
        end = group.ends[group.count - 1]
        place = 0 if counting else sink.length
        if grow_ids(sink, place + (end - group.start) + SPARE_IDS) != STATUS_OK:
            return STATUS_NO_MEMORY
        if counting:
            status = count_group(vocabulary, workspace, &group, sink.data, &written)
        if not counting or status >= STATUS_MISSING_BYTE:
            # Of several bytes that are not tokens, the error names the first.
            status = encode_group(vocabulary, workspace, &group, sink.data + place, &written)
        if status != STATUS_OK:
            return status
        sink.length += written
        left -= group.count
        if workspace.marks.open:
            mark_group(&workspace.marks, end, sink.length)
        group.ends += group.count
        group.start = end
    return STATUS_OK


cdef inline int encode_scanned(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *text,
    const uint8_t *readable_end, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the pieces of a text that the workspace's `scanned` holds, if there are any."""
    cdef Pieces pieces
    if workspace.scanned.count == 0:
        return STATUS_OK
    pieces.text = text + workspace.scanned.start
    pieces.readable_end = readable_end
    pieces.ends = workspace.scanned.ends
    pieces.count = workspace.scanned.count
    pieces.start = 0
    pieces.ahead_step = 0
    return encode_pieces(vocabulary, workspace, &pieces, counting, sink)
