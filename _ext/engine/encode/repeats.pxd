# Encodes a long piece without most of what repeats in it (merge/repeats.pxd).
#
# Of a repeat so much is kept that shortened pieces come again: rules drawn with a thousand dashes,
# or with a thousand and one, are looked up in the cache like any other piece.
#
# Time: O(n), and what the shortened piece takes. If some repeat has no cycle, the piece is encoded
# as it is, by the caller.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport NO_TOKEN, STATUS_OK, Span
from engine.cache.cache cimport LargeProbe, Missing, find_large_ids, keep_ids, probe_large
from engine.encode.workspace cimport Workspace
from engine.merge.merge cimport merge_piece
from engine.merge.repeats cimport (
    Repeat, RepeatScale, Shortened, append_bytes, append_repeat, find_cycle, find_cycles,
    find_repeat, scale_of, write_cycles)
from engine.vocab.tables cimport Vocabulary, find_long


cdef inline int merge_span(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, uint32_t *out,
    size_t *count
) noexcept nogil:
    """Encodes bytes by merging alone."""
    return merge_piece(vocabulary, &workspace.merging, &workspace.interrupt, piece.start,
                       piece.length, out, count)


cdef inline int merge_known(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *start, size_t length,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes more than SHORT_PIECE bytes as merging does, which the cache may know already."""
    cdef Missing missing
    cdef LargeProbe probe
    cdef Span piece
    cdef int status
    piece.start = start
    piece.length = length
    piece.readable_end = start + length
    if vocabulary.unreachable_count and find_long(vocabulary, start, length) != NO_TOKEN:
        # The cache may have these bytes as one token, which merging need not make.
        return merge_span(vocabulary, workspace, &piece, out, count)
    probe_large(&workspace.cache, &piece, &probe)
    if find_large_ids(&workspace.cache, &piece, &probe, out, count, &missing):
        return STATUS_OK
    status = merge_span(vocabulary, workspace, &piece, out, count)
    if status == STATUS_OK:
        keep_ids(&workspace.cache, &missing, out, count[0])
    return status


cdef inline int shorten(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, uint32_t *scratch,
    Shortened *shortened
) noexcept nogil:
    """Copies a piece without most of its repeats.

    Args:
        scratch: room for one id per byte of the piece, and SPARE_IDS more.
    """
    cdef RepeatScale scale = scale_of(piece.length)
    cdef const uint8_t *start = piece.start
    cdef size_t place = 0, copied = 0, period, left_out, count
    cdef Repeat repeat
    cdef int status
    shortened.length = 0
    shortened.count = 0
    while True:
        status = find_repeat(
            start, place, piece.length, &workspace.interrupt, &repeat, &period)
        if status != STATUS_OK or period == 0:
            break
        place = repeat.end
        status = merge_known(
            vocabulary, workspace, start + repeat.start, scale.kept, scratch, &count)
        if status != STATUS_OK:
            break
        repeat.cycle = find_cycle(vocabulary, scratch, count, period)
        if repeat.cycle == 0:
            continue
        repeat.times = (repeat.end - repeat.start - scale.kept) // repeat.cycle
        left_out = repeat.times * repeat.cycle
        repeat.start = shortened.length + (repeat.start - copied)
        status = append_bytes(
            &workspace.merging, shortened, start + copied, start + place - left_out)
        if status == STATUS_OK:
            repeat.end = shortened.length
            status = append_repeat(&workspace.merging, shortened, &repeat)
        if status != STATUS_OK:
            return status
        copied = place
    if status == STATUS_OK and shortened.count:
        status = append_bytes(
            &workspace.merging, shortened, start + copied, start + piece.length)
    return status


cdef inline int encode_repeats(
    const Vocabulary *vocabulary, Workspace *workspace, const Span *piece, uint32_t *out,
    size_t *count, bint *done
) noexcept nogil:
    """Encodes a piece of REPEAT_LEAST bytes or more if it repeats something.

    Args:
        out: room for one id per byte and SPARE_IDS more.
        count: receives the number of ids.
        done: receives whether the piece is encoded.
    """
    cdef Shortened shortened
    cdef int status = shorten(vocabulary, workspace, piece, out, &shortened)
    if status != STATUS_OK or shortened.count == 0:
        return status
    status = merge_known(
        vocabulary, workspace, shortened.bytes, shortened.length, out, count)
    if status == STATUS_OK and find_cycles(vocabulary, &shortened, out, count[0]):
        done[0] = True
        status = write_cycles(&shortened, &workspace.interrupt, out, count)
    return status
