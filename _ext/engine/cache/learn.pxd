# Pieces that the cache does not have, learned many at a time.
#
# Encoded one by one (encode/pieces.pxd), each would wait for its bucket of the vocabulary, and then
# at each merge for a bucket of pairs. So a piece of up to MEDIUM_PIECE bytes that is not found is
# put off, with the place where its ids belong, and the pieces after it are encoded. The
# vocabulary's bucket, and the neighbour of a short piece's own bucket, which may have it, are
# prefetched meanwhile. When there are enough such pieces, those that are there or are tokens are
# told apart, the others are merged in step, and encode/unknown.pxd inserts their ids.
#
# What cannot be learned here is left to encode/unknown.pxd: pieces with too many first parts, and
# those that came twice and have too many ids for the narrow table.
#
# Bounds: UnknownPieces takes 30 KB per workspace. Loses where a text has one unknown piece.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.types cimport (
    MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, STATUS_OK, Span, prefetch)
from engine.cache.entries cimport (
    MEDIUM_IDS, MEDIUM_WORDS, NARROW_IDS, WIDE_IDS, MediumEntry, NarrowEntry, bring_home,
    find_large, find_narrow, neighbour)
from engine.cache.keep cimport keep_medium, keep_narrow, keep_short, span_of_key
from engine.cache.probes cimport PROBED_TOGETHER, LargeProbe, Probe
from engine.cache.tables cimport PieceCache, medium_bucket, narrow_bucket
from engine.merge.in_step cimport (
    PIECES_TOGETHER, MergeState, begin_long_merge, begin_merge, look_up_first, look_up_last,
    make_merge, write_merged)
from engine.merge.merge cimport write_parts
from engine.vocab.tables cimport (
    Vocabulary, find_in_bucket, find_long, hash_key, id_of, length_of, short_bucket)

cdef enum:
    LEARNED_TOGETHER = 32    # so many unknown pieces are enough
    UNKNOWN_LIMIT = LEARNED_TOGETHER + PROBED_TOGETHER    # the most; a group is not interrupted
    MEDIUM_LIMIT = 32        # the most of more than SHORT_PIECE bytes
    UNKNOWN_IDS = (UNKNOWN_LIMIT - MEDIUM_LIMIT) * SHORT_PIECE + MEDIUM_LIMIT * MEDIUM_PIECE

cdef struct UnknownPiece:
    size_t place                # the ids of its text before it that were known: where its own go
    size_t *owner               # borrowed: the ids that became known later are added to this number
    const LargeProbe *large     # borrowed, of a piece of more than SHORT_PIECE bytes; else NULL
    Probe probe                 # of any other piece
    uint64_t hashed             # its key, for the vocabulary
    uint32_t first              # where its ids are in `ids`
    uint32_t count              # how many there are; 0: it has not been learned

cdef struct UnknownPieces:
    size_t count
    size_t medium_count
    size_t id_count
    bint held                   # whether they are kept when a text ends
    bint lost                   # whether there was no memory for their ids
    size_t *owner               # of pieces to come
    size_t learned              # ids inserted so far
    size_t unowned              # an owner for pieces without one
    UnknownPiece pieces[UNKNOWN_LIMIT]
    LargeProbe medium[MEDIUM_LIMIT]
    uint32_t ids[UNKNOWN_IDS + WIDE_IDS]

cdef struct Lane:               # a piece that is merged in step with others
    UnknownPiece *piece         # borrowed
    bint is_first               # whether its first parts have not been looked up
    MergeState merge


cdef inline UnknownPiece *put_off(UnknownPieces *unknown, size_t place) noexcept nogil:
    cdef UnknownPiece *piece = unknown.pieces + unknown.count
    unknown.count += 1
    piece.place = place
    piece.owner = unknown.owner
    piece.count = 0
    return piece


cdef inline void put_off_short(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown, const Probe *probe,
    size_t place
) noexcept nogil:
    """Puts off a piece of up to SHORT_PIECE bytes that is not in its own bucket of the cache.

    The neighbour, which may have it, is prefetched.

    Args:
        place: of its ids in the sink.
    """
    cdef UnknownPiece *piece = put_off(unknown, place)
    cache.unknown += 1
    prefetch(neighbour(probe.bucket))
    piece.large = NULL
    piece.probe = probe[0]
    piece.hashed = hash_key(probe.key, vocabulary.seeds)
    prefetch(short_bucket(vocabulary, piece.hashed))


cdef inline bint put_off_medium(
    UnknownPieces *unknown, const LargeProbe *probe, size_t place
) noexcept nogil:
    """Puts off a longer piece of up to MEDIUM_PIECE bytes, unless there are too many."""
    cdef LargeProbe *large = unknown.medium + unknown.medium_count
    if unknown.medium_count == MEDIUM_LIMIT:
        return False
    unknown.medium_count += 1
    memcpy(large.key, probe.key, MEDIUM_WORDS * sizeof(uint64_t))
    large.bucket = probe.bucket
    put_off(unknown, place).large = large
    return True


cdef inline Span span_of_medium(const LargeProbe *probe) noexcept nogil:
    """Returns the bytes of a piece that `put_off_medium` put off."""
    return span_of_key(probe.key, MEDIUM_WORDS)


cdef inline void find_buckets_again(
    const PieceCache *cache, UnknownPieces *unknown
) noexcept nogil:
    """Finds the buckets of unknown pieces in a cache that was replaced by a larger one."""
    cdef size_t i
    for i in range(unknown.count):
        if unknown.pieces[i].large != NULL:
            continue
        unknown.pieces[i].probe.bucket = narrow_bucket(cache, unknown.pieces[i].probe.key)
    for i in range(unknown.medium_count):
        unknown.medium[i].bucket = medium_bucket(cache, unknown.medium[i].key)


cdef inline uint32_t *ids_for(UnknownPieces *unknown, UnknownPiece *piece) noexcept nogil:
    """Returns where to write a piece's ids: room for one per byte and WIDE_IDS more."""
    piece.first = <uint32_t>unknown.id_count
    return unknown.ids + unknown.id_count


cdef inline void set_count(
    UnknownPieces *unknown, UnknownPiece *piece, size_t count
) noexcept nogil:
    """Says how many ids of a piece were written where `ids_for` said."""
    piece.count = <uint32_t>count
    unknown.id_count += count


cdef inline bint learn_short(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown, UnknownPiece *piece
) noexcept nogil:
    """Learns a short piece if it is a token, or was learned meanwhile; returns whether to merge it.
    """
    cdef const Probe *probe = &piece.probe
    cdef uint32_t *ids = ids_for(unknown, piece)
    cdef NarrowEntry *entry = find_narrow(probe.bucket, probe.key)
    cdef uint32_t index
    if entry != NULL:
        cache.unknown -= cache.unknown > 0
        if entry.count <= NARROW_IDS:
            entry = bring_home(probe.bucket, entry)
            memcpy(ids, entry.ids, sizeof(entry.ids))
            set_count(unknown, piece, entry.count)
        return False
    index = find_in_bucket(short_bucket(vocabulary, piece.hashed), probe.key, piece.hashed)
    if index == NO_TOKEN:
        return True
    ids[0] = id_of(vocabulary, index)
    set_count(unknown, piece, 1)
    keep_narrow(cache, probe, ids, 1)
    return False


cdef inline bint learn_medium(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown, UnknownPiece *piece
) noexcept nogil:
    """As `learn_short`, for a piece of more than SHORT_PIECE bytes."""
    cdef const LargeProbe *large = piece.large
    cdef uint32_t *ids = ids_for(unknown, piece)
    cdef const MediumEntry *entry = find_large(<MediumEntry *>large.bucket, large.key)
    cdef Span bytes = span_of_medium(large)
    cdef uint32_t index
    if entry != NULL:
        if entry.count <= MEDIUM_IDS:
            memcpy(ids, entry.ids, sizeof(entry.ids))
            set_count(unknown, piece, entry.count)
        return False
    index = find_long(vocabulary, bytes.start, bytes.length)
    if index == NO_TOKEN:
        return True
    ids[0] = id_of(vocabulary, index)
    set_count(unknown, piece, 1)
    keep_medium(cache, &bytes, large, ids, 1)
    return False


cdef inline bint begin_lane(
    const Vocabulary *vocabulary, Lane *lane, UnknownPiece *piece
) noexcept nogil:
    """Begins to merge a piece; returns False if it has too many first parts."""
    cdef Span bytes
    lane.piece = piece
    lane.is_first = True
    if piece.large == NULL:
        begin_merge(vocabulary, &lane.merge, <const uint8_t *>&piece.probe.key,
                    <uint32_t>length_of(&piece.probe.key))
        return True
    bytes = span_of_medium(piece.large)
    return begin_long_merge(vocabulary, &lane.merge, bytes.start, <uint32_t>bytes.length)


cdef inline void keep_merged(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown, const Lane *lane
) noexcept nogil:
    """Writes the ids that a piece merged into, and keeps them, unless they are already kept."""
    cdef UnknownPiece *piece = lane.piece
    cdef const LargeProbe *large = piece.large
    cdef uint32_t *ids = ids_for(unknown, piece)
    cdef size_t count = write_merged(&lane.merge, ids)
    cdef Span bytes
    if write_parts(vocabulary, ids, count, ids) != STATUS_OK:
        return    # encode/unknown.pxd will report the byte that is not a token
    set_count(unknown, piece, count)
    if large == NULL:
        if find_narrow(piece.probe.bucket, piece.probe.key) == NULL:
            keep_short(cache, &piece.probe, ids, count)
    elif find_large(<MediumEntry *>large.bucket, large.key) == NULL:
        bytes = span_of_medium(large)
        keep_medium(cache, &bytes, large, ids, count)


cdef inline void merge_in_step(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown, const uint8_t *places,
    size_t count
) noexcept nogil:
    """Merges and keeps unknown pieces: each time one is finished, the next takes its lane.

    Args:
        places: [count]: which of the unknown pieces.
    """
    cdef Lane lanes[PIECES_TOGETHER]
    cdef Lane *end = lanes
    cdef Lane *lane
    cdef const uint8_t *last = places + count
    while True:
        while end < lanes + PIECES_TOGETHER and places < last:
            end += begin_lane(vocabulary, end, unknown.pieces + places[0])
            places += 1
        if end == lanes:
            return
        lane = lanes
        while lane < end:
            if lane.is_first:
                look_up_first(vocabulary, &lane.merge)
                lane.is_first = False
            else:
                look_up_last(&lane.merge)
            lane += 1
        lane = lanes
        while lane < end:
            if make_merge(vocabulary, &lane.merge):
                lane += 1
                continue
            keep_merged(vocabulary, cache, unknown, lane)
            end -= 1
            lane[0] = end[0]


cdef inline void learn_pieces(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPieces *unknown
) noexcept nogil:
    """Learns the unknown pieces: sets the `count` and the ids of nearly all of them."""
    cdef uint8_t merging[UNKNOWN_LIMIT]
    cdef size_t count = 0, i
    cdef UnknownPiece *piece
    for i in range(unknown.count):
        piece = unknown.pieces + i
        merging[count] = <uint8_t>i
        count += (learn_short(vocabulary, cache, unknown, piece) if piece.large == NULL
                  else learn_medium(vocabulary, cache, unknown, piece))
    merge_in_step(vocabulary, cache, unknown, merging, count)
