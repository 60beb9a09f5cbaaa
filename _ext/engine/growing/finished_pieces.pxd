# Collects the finished pieces of a growing text, to encode or count many of them at once.

from libc.stdint cimport UINT32_MAX, uint32_t

from engine.base.interrupt cimport count_work
from engine.base.types cimport LOAD_SLACK, STATUS_OK
from engine.encode.groups cimport encode_scanned
from engine.encode.unknown cimport end_pieces
from engine.encode.workspace cimport Workspace
from engine.growing.text cimport GrowingText
from engine.sink.id_buffer cimport IdBuffer
from engine.split.automaton cimport GROUP_PIECES, ScannedPieces
from engine.vocab.tables cimport Vocabulary


cdef inline bint collect_piece(Workspace *workspace, size_t start, size_t end) noexcept nogil:
    """Adds a piece to those collected; returns whether it fits.

    It does not fit if there is no more room, or a gap between it and the last one. If none is
    collected, any piece of less than 4 GB fits.
    """
    cdef ScannedPieces *scanned = &workspace.scanned
    if scanned.count == 0:
        scanned.start = start
    elif scanned.count == GROUP_PIECES or scanned.start + scanned.ends[scanned.count - 1] != start:
        return False
    if end - scanned.start > UINT32_MAX:
        return False
    scanned.ends[scanned.count] = <uint32_t>(end - scanned.start)
    scanned.count += 1
    return True


cdef inline int encode_collected(
    const Vocabulary *vocabulary, Workspace *workspace, const GrowingText *text, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes or counts the collected pieces; none is left then."""
    cdef ScannedPieces *scanned = &workspace.scanned
    cdef int status
    if scanned.count == 0:
        return STATUS_OK
    status = encode_scanned(vocabulary, workspace, text.buffer.data,
                            text.buffer.data + text.length + LOAD_SLACK, counting, sink)
    status = end_pieces(vocabulary, workspace, status, counting, sink)
    if status == STATUS_OK:
        status = count_work(&workspace.interrupt, scanned.ends[scanned.count - 1])
    scanned.count = 0
    return status
