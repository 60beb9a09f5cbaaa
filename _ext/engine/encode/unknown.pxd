# Pieces that were put off (cache/learn.pxd): learned together, their ids are inserted between those
# of the pieces around them.
#
# Time: besides learning, the ids from the first of these pieces on move once.

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove

from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, Span, likely
from engine.cache.cache cimport (
    SPARE_IDS, UnknownPiece, UnknownPieces, find_buckets_again, grow_if_full, ids_for,
    learn_pieces, set_count, span_of_medium)
from engine.encode.pieces cimport encode_long, encode_short
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.vocab.tables cimport Vocabulary


cdef enum:
    MOVED_TOGETHER = 4       # ids

cdef struct FewIds:
    uint32_t ids[MOVED_TOGETHER]


cdef inline void let_cache_grow(Workspace *workspace) noexcept nogil:
    """Lets a cache that is full grow, between two groups of pieces."""
    cdef const void *before = workspace.cache.memory
    grow_if_full(&workspace.cache)
    if workspace.cache.memory != before:
        find_buckets_again(&workspace.cache, &workspace.unknown)


cdef inline void forget_all_unknown(UnknownPieces *unknown) noexcept nogil:
    """Forgets all pieces that were put off."""
    unknown.count = 0
    unknown.medium_count = 0
    unknown.id_count = 0


cdef inline void forget_unknown(UnknownPieces *unknown, const size_t *owner) noexcept nogil:
    """Forgets the last pieces that were put off, as far as they have this owner."""
    while unknown.count and unknown.pieces[unknown.count - 1].owner == owner:
        unknown.count -= 1


cdef inline int encode_unlearned(
    const Vocabulary *vocabulary, Workspace *workspace, UnknownPiece *piece
) noexcept nogil:
    """Encodes a piece that `learn_pieces` left out."""
    cdef uint32_t *ids = ids_for(&workspace.unknown, piece)
    cdef size_t count
    cdef Span bytes
    cdef int status
    if piece.large == NULL:
        status = encode_short(vocabulary, workspace, &piece.probe, ids, &count)
    else:
        bytes = span_of_medium(piece.large)
        status = encode_long(vocabulary, workspace, &bytes, True, piece.large, ids, &count)
    if status == STATUS_OK:
        set_count(&workspace.unknown, piece, count)
    return status


cdef inline void move_up(uint32_t *ids, size_t start, size_t end, size_t shift) noexcept nogil:
    """Moves the ids from `start` to `end` by `shift` places; what is between `start` and where they
    are afterwards means nothing.

    They are so few that calling the C library would take as long as moving them.
    """
    if shift < MOVED_TOGETHER or start < MOVED_TOGETHER:
        memmove(ids + start + shift, ids + start, (end - start) * sizeof(uint32_t))
        return
    while end > start:
        end -= MOVED_TOGETHER
        (<FewIds *>(ids + end + shift))[0] = (<FewIds *>(ids + end))[0]


cdef inline void copy_back(
    uint32_t *end, const uint32_t *ids, size_t first, size_t count, size_t room
) noexcept nogil:
    """Copies ids to where they end.

    Args:
        ids: an array, in which `first` and `count` say which ones.
        room: places before `end` that may be written.
    """
    cdef const uint32_t *ids_end = ids + first + count
    if count <= MOVED_TOGETHER <= room and first + count >= MOVED_TOGETHER:
        (<FewIds *>(end - MOVED_TOGETHER))[0] = (<const FewIds *>(ids_end - MOVED_TOGETHER))[0]
    else:
        memcpy(end - count, ids_end - count, count * sizeof(uint32_t))


cdef inline void insert_ids(const UnknownPieces *unknown, IdBuffer *sink) noexcept nogil:
    """Makes place for the ids of the unknown pieces in the sink, and puts them there."""
    cdef const UnknownPiece *piece = unknown.pieces + unknown.count
    cdef size_t shift = unknown.id_count, end = sink.length
    sink.length += shift
    while piece > unknown.pieces:
        piece -= 1
        move_up(sink.data, piece.place, end, shift)
        copy_back(sink.data + piece.place + shift, unknown.ids, piece.first, piece.count, shift)
        shift -= piece.count
        end = piece.place


cdef inline int insert_unknown(
    const Vocabulary *vocabulary, Workspace *workspace, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the pieces that were put off and inserts their ids; arguments as `settle_unknown`."""
    cdef UnknownPieces *unknown = &workspace.unknown
    cdef UnknownPiece *piece = unknown.pieces
    cdef size_t i
    cdef int status
    learn_pieces(vocabulary, &workspace.cache, unknown)
    for i in range(unknown.count):
        piece = unknown.pieces + i
        if piece.count == 0:
            status = encode_unlearned(vocabulary, workspace, piece)
            if status != STATUS_OK:
                return status
    if not counting and grow_ids(
            sink, sink.length + unknown.id_count + SPARE_IDS) != STATUS_OK:
        return STATUS_NO_MEMORY
    for i in range(unknown.count):
        unknown.pieces[i].owner[0] += unknown.pieces[i].count
    if workspace.last_piece_ids == 0:
        workspace.last_piece_ids = piece.count
    unknown.learned += unknown.id_count
    if counting:
        sink.length += unknown.id_count
    else:
        insert_ids(unknown, sink)
    return STATUS_OK


cdef inline int settle_unknown(
    const Vocabulary *vocabulary, Workspace *workspace, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes the pieces that were put off, together, and inserts their ids into the sink.

    If that fails, the ids of all texts that wait for theirs are lost.

    Args:
        counting: only `sink.length` grows.
    """
    cdef int status
    if workspace.unknown.count == 0:
        return STATUS_OK
    status = insert_unknown(vocabulary, workspace, counting, sink)
    workspace.unknown.lost |= status != STATUS_OK
    forget_all_unknown(&workspace.unknown)
    return status


cdef inline int end_pieces(
    const Vocabulary *vocabulary, Workspace *workspace, int status, bint counting, IdBuffer *sink
) noexcept nogil:
    """Settles what was put off when pieces have been encoded, or forgets it if that failed; leaves
    what is held.

    Args:
        status: theirs.

    Returns:
        The status of all.
    """
    if likely(workspace.unknown.count == 0) or workspace.unknown.held:
        return status
    if status == STATUS_OK:
        return settle_unknown(vocabulary, workspace, counting, sink)
    forget_all_unknown(&workspace.unknown)
    return status
