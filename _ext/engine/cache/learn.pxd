# Fills a new cache with the pieces of a group that it does not have, all together, except those of
# more than MEDIUM_PIECE bytes.
#
# Encoded one by one (encode/pieces.pxd), each piece would wait for its bucket of the vocabulary,
# and then at each merge for a bucket of pairs: most of the time of a first call on a megabyte. Here
# all buckets of a group are prefetched before the first is read, and pieces are merged in step.
#
# encode/pieces.pxd would find out by itself what is learned here, and does what cannot be
# learned. Nothing here runs once a cache has nearly all pieces of a text.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport (
    MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, STATUS_OK, Span, prefetch)
from engine.cache.entries cimport (
    MEDIUM_WORDS, MediumEntry, NarrowEntry, find_large, find_narrow, same_key)
from engine.cache.keep cimport keep_medium, keep_narrow, keep_short, span_of_key
from engine.cache.probes cimport (
    LEARNING_PIECES, LargePiece, LargeProbe, PieceGroup, Probe, likely_entry)
from engine.cache.tables cimport PieceCache
from engine.merge.in_step cimport (
    PIECES_TOGETHER, MergeState, begin_long_merge, begin_merge, look_up_first, look_up_last,
    make_merge, write_merged)
from engine.merge.merge cimport write_parts
from engine.vocab.tables cimport (
    Vocabulary, find_in_bucket, find_long, hash_key, id_of, length_of, short_bucket)

cdef enum:
    SEARCHED_TOGETHER = 64    # probes between which buckets of the vocabulary are prefetched

cdef struct UnknownKey:
    const Probe *probe          # borrowed, of a piece of up to SHORT_PIECE bytes
    uint64_t hashed             # its key, for the vocabulary

cdef struct UnknownPiece:
    const Probe *probe          # borrowed; NULL if the piece has more than SHORT_PIECE bytes
    const LargeProbe *large     # borrowed; NULL if it does not
    MergeState merge


cdef inline size_t find_unknown(
    const Vocabulary *vocabulary, const Probe *probes, size_t count, UnknownKey *unknown
) noexcept nogil:
    """Lists the short pieces that are not found at once, and prefetches the vocabulary's buckets.

    Args:
        unknown: receives them; room for `count`.

    Returns:
        How many there are.
    """
    cdef const NarrowEntry *entry
    cdef size_t i = 0, stop, fetched = 0, unknown_count = 0
    while i < count:
        stop = min(i + SEARCHED_TOGETHER, count)
        while i < stop:
            entry = likely_entry(probes + i)
            unknown[unknown_count].probe = probes + i
            unknown_count += not same_key(entry.key, probes[i].key) and probes[i].key.high != 0
            i += 1
        while fetched < unknown_count:
            unknown[fetched].hashed = hash_key(unknown[fetched].probe.key, vocabulary.seeds)
            prefetch(short_bucket(vocabulary, unknown[fetched].hashed))
            fetched += 1
    return unknown_count


cdef inline size_t learn_tokens(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownKey *unknown, size_t count,
    size_t *others
) noexcept nogil:
    """Keeps those of the unknown pieces that are tokens, and leaves the others in the list.

    Args:
        others: receives how many are left.

    Returns:
        How many were tokens.
    """
    cdef const Probe *probe
    cdef uint64_t hashed
    cdef size_t i, learned = 0
    cdef uint32_t index, token_id
    others[0] = 0
    for i in range(count):
        probe = unknown[i].probe
        hashed = unknown[i].hashed
        if find_narrow(probe.bucket, probe.key) != NULL:
            continue
        index = find_in_bucket(short_bucket(vocabulary, hashed), probe.key, hashed)
        if index != NO_TOKEN:
            token_id = id_of(vocabulary, index)
            keep_narrow(cache, probe, &token_id, 1)
            learned += 1
        else:
            unknown[others[0]].probe = probe
            others[0] += 1
    return learned


cdef inline void keep_merged(
    const Vocabulary *vocabulary, PieceCache *cache, const UnknownPiece *unknown
) noexcept nogil:
    """Keeps a piece with the ids it merged into, unless the group had it twice."""
    cdef uint32_t ids[SHORT_PIECE]
    cdef const Probe *probe = unknown.probe
    cdef const LargeProbe *large = unknown.large
    cdef size_t count = write_merged(&unknown.merge, ids)
    cdef Span piece
    if write_parts(vocabulary, ids, count, ids) != STATUS_OK:
        return    # encode/pieces.pxd will report the byte that is not a token
    if large == NULL:
        if find_narrow(probe.bucket, probe.key) == NULL:
            keep_short(cache, probe, ids, count)
    elif find_large(<MediumEntry *>large.bucket, large.key) == NULL:
        piece = span_of_key(large.key, MEDIUM_WORDS)
        keep_medium(cache, &piece, large, ids, count)


cdef inline UnknownPiece *make_merges(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPiece *pieces, UnknownPiece *end
) noexcept nogil:
    """Makes one merge of each piece, and keeps those that are finished.

    Returns:
        The end of the others, which then follow each other without gaps.
    """
    cdef UnknownPiece *piece = pieces
    while piece < end:
        if make_merge(vocabulary, &piece.merge):
            piece += 1
            continue
        keep_merged(vocabulary, cache, piece)
        end -= 1
        piece[0] = end[0]
    return end


cdef inline void merge_in_step(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPiece *pieces, UnknownPiece *end
) noexcept nogil:
    """Merges and keeps unknown pieces, whose merges have begun."""
    cdef UnknownPiece *piece = pieces
    while piece < end:
        look_up_first(vocabulary, &piece.merge)
        piece += 1
    while end > pieces:
        end = make_merges(vocabulary, cache, pieces, end)
        piece = pieces
        while piece < end:
            look_up_last(&piece.merge)
            piece += 1


cdef inline void learn_merged(
    const Vocabulary *vocabulary, PieceCache *cache, const UnknownKey *unknown, size_t count
) noexcept nogil:
    """Merges and keeps unknown short pieces that are not tokens."""
    cdef UnknownPiece pieces[PIECES_TOGETHER]
    cdef UnknownPiece *end
    cdef const UnknownKey *last = unknown + count
    while unknown < last:
        end = pieces
        while end < pieces + PIECES_TOGETHER and unknown < last:
            end.probe = unknown.probe
            end.large = NULL
            begin_merge(vocabulary, &end.merge, <const uint8_t *>&end.probe.key,
                        <uint32_t>length_of(&end.probe.key))
            unknown += 1
            end += 1
        merge_in_step(vocabulary, cache, pieces, end)


cdef inline bint begin_large(
    const Vocabulary *vocabulary, PieceCache *cache, const LargePiece *large, UnknownPiece *unknown
) noexcept nogil:
    """Begins to merge a piece of up to MEDIUM_PIECE bytes that the medium table does not have.

    Returns:
        Whether it has begun. If not, the cache has the piece, perhaps only now because it is a
        token, or the piece has too many parts.
    """
    cdef const LargeProbe *probe = &large.probe
    cdef uint32_t length = large.end - large.start
    cdef uint32_t index, token_id
    cdef Span piece
    if (length > MEDIUM_PIECE
            or find_large(<MediumEntry *>probe.bucket, probe.key) != NULL):
        return False
    piece = span_of_key(probe.key, MEDIUM_WORDS)
    index = find_long(vocabulary, piece.start, length)
    if index != NO_TOKEN:
        token_id = id_of(vocabulary, index)
        keep_medium(cache, &piece, probe, &token_id, 1)
        return False
    unknown.probe = NULL
    unknown.large = probe
    return begin_long_merge(vocabulary, &unknown.merge, piece.start, length)


cdef inline void learn_large(
    const Vocabulary *vocabulary, PieceCache *cache, const LargePiece *large,
    const LargePiece *last
) noexcept nogil:
    """Keeps those of some longer pieces that the cache does not have."""
    cdef UnknownPiece pieces[PIECES_TOGETHER]
    cdef UnknownPiece *end
    while large < last:
        end = pieces
        while end < pieces + PIECES_TOGETHER and large < last:
            end += begin_large(vocabulary, cache, large, end)
            large += 1
        merge_in_step(vocabulary, cache, pieces, end)


cdef inline size_t learn_pieces(
    const Vocabulary *vocabulary, PieceCache *cache, const PieceGroup *group
) noexcept nogil:
    """Keeps the pieces of a group that the cache does not have.

    Returns:
        How many of up to SHORT_PIECE bytes there were.
    """
    cdef UnknownKey unknown[LEARNING_PIECES]
    cdef size_t others
    cdef size_t count = find_unknown(vocabulary, group.pieces, group.end - group.pieces, unknown)
    cdef size_t learned = learn_tokens(vocabulary, cache, unknown, count, &others)
    learn_merged(vocabulary, cache, unknown, others)
    learn_large(vocabulary, cache, group.large, group.large_end)
    return learned + others
