# Turns pieces that follow each other into ids, group by group.
#
# Pieces are looked up in groups, in two passes (cache/cache.pxd), so that one piece's cache misses
# are hidden by the work on the others. Where ids are only counted, pieces of more than SHORT_PIECE
# bytes come after the others of their group, so that nothing has to predict where they are. Pieces
# that a new cache does not have are put off (encode/unknown.pxd).
#
# Other orders of the work that were tried: docs/decisions/look-up.md, new-words.md.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport (
    STATUS_MISSING_BYTE, STATUS_NO_MEMORY, STATUS_OK, Span, likely)
from engine.cache.cache cimport (
    LEARNED_TOGETHER, MEDIUM, PROBED_TOGETHER, SPARE_IDS, LargePiece, Missing, PieceGroup,
    Pieces, Probe, count_two_at_once, end_group, find_at_once, find_large_at_once,
    find_large_count, find_large_ids, find_short_count, find_short_ids, may_be_put_off, probe_group,
    put_off_medium, put_off_short, span_of)
from engine.encode.marks cimport mark_group
from engine.encode.pieces cimport encode_missing_long, encode_missing_short, encode_piece
from engine.encode.unknown cimport forget_all_unknown, settle_unknown
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.vocab.tables cimport Vocabulary


cdef inline int encode_or_put_off(
    const Vocabulary *vocabulary, Workspace *workspace, const Probe *probe, uint32_t *out,
    size_t place, size_t *count
) noexcept nogil:
    """Encodes a piece of up to SHORT_PIECE bytes, or puts it off.

    Args:
        out: room for one id per byte and SPARE_IDS more.
        place: of `out` in the sink.
        count: receives the number of ids; 0 if the piece was put off.
    """
    cdef Missing missing
    if may_be_put_off(&workspace.cache, probe):
        put_off_short(vocabulary, &workspace.cache, &workspace.unknown, probe, place)
        count[0] = 0
        return STATUS_OK
    if find_short_ids(&workspace.cache, probe, out, count, &missing):
        return STATUS_OK
    return encode_missing_short(vocabulary, workspace, &missing, out, count)


cdef inline int encode_or_put_off_large(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, const LargePiece *large,
    uint32_t *out, size_t place, size_t *count
) noexcept nogil:
    """As `encode_or_put_off`, for a piece of more than SHORT_PIECE bytes."""
    cdef Missing missing
    if find_large_ids(&workspace.cache, piece, &large.probe, out, count, &missing):
        return STATUS_OK
    if (workspace.cache.is_new and missing.table == MEDIUM
            and put_off_medium(&workspace.unknown, &large.probe, place)):
        count[0] = 0
        return STATUS_OK
    return encode_missing_long(vocabulary, workspace, &missing, True, out, count)


cdef inline int encode_group(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces,
    const PieceGroup *group, IdBuffer *sink
) noexcept nogil:
    """Encodes a group of pieces that have been probed.

    Args:
        sink: has room for one id per byte and SPARE_IDS more.
    """
    cdef uint32_t *out = sink.data + sink.length
    cdef const Probe *probe = group.pieces
    cdef const Probe *last = group.end
    cdef const LargePiece *large = group.large
    cdef Span span
    # Only functions that are inlined get the address of `found`, so that it stays in a register.
    cdef size_t found = 0, several = 0, total = 0
    cdef int status
    while probe < last:
        if likely(find_at_once(probe, out + total, &found)):
            total += found
            probe += 1
            continue
        if probe.key.high:
            status = encode_or_put_off(vocabulary, workspace, probe, out + total,
                                       sink.length + total, &several)
            if status != STATUS_OK:
                return status
            found = several
        else:
            span = span_of(pieces, large.start, large.end)
            if not find_large_at_once(&span, &large.probe, out + total, &found):
                status = encode_or_put_off_large(vocabulary, workspace, &span, large, out + total,
                                                 sink.length + total, &several)
                if status != STATUS_OK:
                    return status
                found = several
            large += 1
        total += found
        probe += 1
    workspace.last_piece_ids = found
    sink.length += total
    return STATUS_OK


cdef inline int count_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Probe *probe, uint32_t *scratch,
    size_t *count
) noexcept nogil:
    """Counts the ids of a piece of up to SHORT_PIECE bytes; arguments as for `encode_or_put_off`.
    """
    if not may_be_put_off(&workspace.cache, probe) and find_short_count(probe, count):
        return STATUS_OK
    return encode_or_put_off(vocabulary, workspace, probe, scratch, 0, count)


cdef inline int count_group(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces,
    const PieceGroup *group, IdBuffer *sink
) noexcept nogil:
    """Counts the ids of a group of pieces that have been probed.

    Args:
        sink: its length grows; room as for `encode_group` from its start on, where ids may be
            written.
    """
    cdef const Probe *probe = group.pieces
    cdef const Probe *last = group.end
    cdef const LargePiece *large = group.large
    cdef Span span
    cdef size_t several = 0, total = 0
    cdef int status
    while probe + 1 < last:
        if likely(count_two_at_once(probe, &total)):
            probe += 2
            continue
        status = count_short(vocabulary, workspace, probe, sink.data, &several)
        if status != STATUS_OK:
            return status
        total += several
        probe += 1
    if probe < last:
        status = count_short(vocabulary, workspace, probe, sink.data, &several)
        if status != STATUS_OK:
            return status
        total += several
    while large < group.large_end:
        span = span_of(pieces, large.start, large.end)
        if not find_large_count(&span, &large.probe, &several):
            status = encode_or_put_off_large(vocabulary, workspace, &span, large, sink.data, 0,
                                             &several)
            if status != STATUS_OK:
                return status
        total += several
        large += 1
    sink.length += total
    return STATUS_OK


cdef inline bint ends_wait(const Workspace *workspace) noexcept nogil:
    """Returns whether pieces that were put off are encoded after this group: there are enough, or
    hardly any come now, or it matters how many ids there are so far."""
    return (workspace.unknown.count >= LEARNED_TOGETHER or not workspace.cache.is_new
            or workspace.marks.slots != NULL)


cdef inline int encode_groups(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """As `encode_pieces`; of several bytes that are not tokens, its status names any."""
    cdef Pieces group = pieces[0]
    cdef size_t left = pieces.count, place
    cdef uint32_t end
    cdef int status = STATUS_OK
    while left and status == STATUS_OK:
        group.count = min(left, <size_t>PROBED_TOGETHER)
        end = group.ends[group.count - 1]
        probe_group(&workspace.cache, &group, counting, &workspace.group)
        place = 0 if counting else sink.length
        if grow_ids(sink, place + (end - group.start) + SPARE_IDS) != STATUS_OK:
            return STATUS_NO_MEMORY
        if counting:
            status = count_group(vocabulary, workspace, pieces, &workspace.group, sink)
        else:
            status = encode_group(vocabulary, workspace, pieces, &workspace.group, sink)
        end_group(&workspace.cache, group.count)
        if status == STATUS_OK and workspace.unknown.count and ends_wait(workspace):
            status = settle_unknown(vocabulary, workspace, counting, sink)
        if workspace.marks.open:
            mark_group(&workspace.marks, end, sink.length)
        left -= group.count
        group.ends += group.count
        group.start = end
    return status


cdef inline int encode_one_by_one(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces, IdBuffer *sink
) noexcept nogil:
    """Encodes pieces as if there were no others, up to the first that cannot be encoded."""
    cdef uint32_t start = pieces.start
    cdef size_t i
    cdef int status
    for i in range(pieces.count):
        status = encode_piece(vocabulary, workspace, pieces.text + start, pieces.ends[i] - start,
                              True, sink)
        if status != STATUS_OK:
            return status
        start = pieces.ends[i]
    return STATUS_OK


cdef inline int encode_pieces(
    const Vocabulary *vocabulary, Workspace *workspace, const Pieces *pieces, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes pieces that follow each other into the sink.

    The ids of pieces that were put off are missing until `end_pieces`.

    Args:
        pieces: at least one.
        counting: only `sink.length` grows; each group uses the sink's memory again.
    """
    cdef size_t before = 0 if counting else sink.length
    cdef int status = encode_groups(vocabulary, workspace, pieces, counting, sink)
    if vocabulary.misses_bytes:
        # Of several bytes that are not tokens, the error names the first.
        if status == STATUS_OK:
            status = settle_unknown(vocabulary, workspace, counting, sink)
        else:
            forget_all_unknown(&workspace.unknown)
        if status >= STATUS_MISSING_BYTE:
            workspace.unknown.lost = False
            sink.length = before
            status = encode_one_by_one(vocabulary, workspace, pieces, sink)
    return status


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
