# Byte pair encoding of one piece: of all neighbouring parts, the two whose concatenation has the
# lowest rank become one part, leftmost first, until no two neighbours make a token.
#
# - Up to SCAN_LIMIT bytes, a scan finds the next merge (merge/scan.pxd). O(n^2) with a tiny
#   constant.
# - Longer pieces are merged window by window (merge/by_windows.pxd). O(n) for nearly all texts;
#   where windows do not meet, the candidates of a longer stretch are kept in a priority queue
#   (merge/by_queue.pxd), so that no text takes more than O(n log n).
# - A few runs of equal bytes are merged as such (merge/by_runs.pxd). O(log n).
#
# Reference: tiktoken's byte_pair_merge; bpecore/fuzzing/reference.py is the slow twin.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.interrupt cimport Interrupt
from engine.base.types cimport STATUS_MISSING_BYTE, STATUS_OK
from engine.merge.by_queue cimport merge_by_queue
from engine.merge.by_runs cimport RUNS_FROM, merge_by_runs
from engine.merge.by_windows cimport merge_by_windows
from engine.merge.queue cimport MergeMemory
from engine.merge.scan cimport SCAN_LIMIT, merge_by_scan
from engine.vocab.tables cimport Vocabulary, id_of


cdef inline int write_parts(
    const Vocabulary *vocabulary, const uint32_t *parts, size_t count, uint32_t *ids
) noexcept nogil:
    """Turns part indices into ids. `ids` may be `parts`."""
    cdef size_t i
    if vocabulary.misses_bytes:
        for i in range(count):
            if parts[i] >= vocabulary.token_count:
                return STATUS_MISSING_BYTE + <int>(parts[i] - vocabulary.token_count)
    for i in range(count):
        ids[i] = id_of(vocabulary, parts[i])
    return STATUS_OK


cdef inline int merge_parts(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *parts, size_t *count
) noexcept nogil:
    """Merges a piece in the way that is faster for its length.

    Args:
        memory: scratch memory.
        interrupt: may end the merging of a long piece early.
        parts: room for `length` parts; receives the remaining parts' indices.
        count: receives their number.
    """
    if length >= RUNS_FROM and merge_by_runs(vocabulary, piece, length, parts, count):
        return STATUS_OK
    if length > SCAN_LIMIT:
        return merge_by_windows(vocabulary, memory, interrupt, piece, length, parts, count)
    count[0] = merge_by_scan(vocabulary, piece, length, parts)
    return STATUS_OK


cdef inline int merge_piece(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *ids, size_t *count
) noexcept nogil:
    """Encodes a piece by merging alone, without looking up the whole piece.

    Args:
        ids: room for `length` ids.
        count: receives the number of ids written.

    Other arguments as for `merge_parts`.
    """
    cdef int status = merge_parts(vocabulary, memory, interrupt, piece, length, ids, count)
    if status != STATUS_OK:
        return status
    return write_parts(vocabulary, ids, count[0], ids)


cdef inline int merge_piece_by_queue(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *ids, size_t *count
) noexcept nogil:
    """As `merge_piece`, in the one way that is right for every piece: the twin of the others."""
    cdef int status = merge_by_queue(vocabulary, memory, interrupt, piece, length, ids, count)
    if status != STATUS_OK:
        return status
    return write_parts(vocabulary, ids, count[0], ids)
