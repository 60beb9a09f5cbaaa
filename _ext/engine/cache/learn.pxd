# Fills a new cache: the pieces of a batch that it does not know, all together; but not what has
# more than MEDIUM_PIECE bytes.
#
# Piece by piece (encode/pieces.pxd), each would wait for its line of the vocabulary, and then at each
# merge for a line of the pairs. A first call on a megabyte spent most of its time so (NOTES.md).
# Here all lines of a batch are asked for before the first is read, and the merges go in step.
#
# What is learned is what encode/pieces.pxd would find out by itself; a piece that cannot be learned is
# left to it. Once a cache knows nearly all pieces nothing here runs.
#
# Rejected: the parts of 15 bytes or less, which longer pieces are cut into, learned like short
# pieces (first calls in Russian 0.96, ja, ko and zh 1.00; the pieces as a whole 1.02 to 1.09). The
# first 4,096 or 8,192 tokens kept in a new cache before a text is read: 0.98 and 0.97.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.cache.cache cimport LargeProbe, PieceCache, keep_medium, keep_narrow, keep_short
from engine.cache.entries cimport (
    MEDIUM_WORDS, MediumEntry, NarrowEntry, find_large, find_narrow, same_key)
from engine.merge.merge cimport write_parts
from engine.merge.in_step cimport (
    PIECES_TOGETHER, MergeState, begin_long_merge, begin_merge, look_up_first, look_up_last,
    make_merge, write_merged)
from engine.cache.probes cimport LEARNING_PIECES, LargePiece, Probe, Probes, likely_entry
from engine.base.types cimport MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, STATUS_OK, prefetch
from engine.vocab.tables cimport (
    Vocabulary, find_in_bucket, find_long, hash_key, id_of, length_of, short_bucket)

cdef enum:
    # A cache is new if it does not know more of a batch than MANY_UNKNOWN, and one of KNOWN_PIECES.
    KNOWN_PIECES = 64
    MANY_UNKNOWN = 2
    SEARCHED_TOGETHER = 64    # probes between which lines of the vocabulary are asked for


cdef struct UnknownKey:
    const Probe *probe          # borrowed, of a piece of up to 15 bytes
    uint64_t hashed             # its key, for the vocabulary

cdef struct UnknownPiece:
    const Probe *probe          # borrowed; NULL if the piece has more than 15 bytes
    const LargeProbe *large     # borrowed; NULL if it has not
    MergeState merge


cdef inline size_t find_unknown(
    const Vocabulary *vocabulary, const Probe *probes, size_t count, UnknownKey *unknown
) noexcept nogil:
    """Lists the short pieces that are not found at once, and asks for the vocabulary's lines.

    Args:
        unknown: receives them; room for `count`.

    Returns:
        How many there are.
    """
    cdef const NarrowEntry *entry
    cdef size_t i = 0, stop, asked = 0, unknown_count = 0
    while i < count:
        stop = min(i + SEARCHED_TOGETHER, count)
        while i < stop:
            entry = likely_entry(probes + i)
            unknown[unknown_count].probe = probes + i
            unknown_count += not same_key(entry.key, probes[i].key) and probes[i].key.high != 0
            i += 1
        while asked < unknown_count:
            unknown[asked].hashed = hash_key(unknown[asked].probe.key, vocabulary.seeds)
            prefetch(short_bucket(vocabulary, unknown[asked].hashed))
            asked += 1
    return unknown_count


cdef inline size_t learn_tokens(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownKey *unknown, size_t count,
    size_t *others
) noexcept nogil:
    """Keeps those of the unknown pieces that are tokens; the list then has the others.

    Args:
        others: receives how many others there are.

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
        if find_narrow(probe.line, probe.key) != NULL:
            continue
        index = find_in_bucket(short_bucket(vocabulary, hashed), probe.key, hashed)
        if index != NO_TOKEN:
            token_id = id_of(vocabulary, index)
            keep_narrow(cache, probe.line, probe.key, &token_id, 1)
            learned += 1
        else:
            unknown[others[0]].probe = probe
            others[0] += 1
    return learned


cdef inline void keep_merged(
    const Vocabulary *vocabulary, PieceCache *cache, const UnknownPiece *unknown
) noexcept nogil:
    """Keeps a piece and the ids that it merged into, unless it has come twice."""
    cdef uint32_t ids[SHORT_PIECE]
    cdef const Probe *probe = unknown.probe
    cdef const LargeProbe *large = unknown.large
    cdef size_t count = write_merged(&unknown.merge, ids)
    if write_parts(vocabulary, ids, count, ids) != STATUS_OK:
        return    # a byte that is no token is an error, which encode/pieces.pxd reports at its place
    if large == NULL:
        if find_narrow(probe.line, probe.key) == NULL:
            keep_short(cache, probe.line, &probe.key, ids, count)
    elif find_large(<MediumEntry *>large.line, large.key) == NULL:
        keep_medium(cache, <const uint8_t *>large.key, large.key[MEDIUM_WORDS - 1] >> 56, large,
                    ids, count)


cdef inline UnknownPiece *make_merges(
    const Vocabulary *vocabulary, PieceCache *cache, UnknownPiece *pieces, UnknownPiece *end
) noexcept nogil:
    """Makes one merge of each piece, and keeps those that need no more.

    Returns:
        The end of the others, which lie without gaps.
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
    """Merges and keeps unknown pieces that are no tokens."""
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
    """Begins to merge a piece of 16 to MEDIUM_PIECE bytes that the cache does not know.

    Returns:
        Whether it has begun. If not, the piece is known, or a token and known now, or it has too
        many parts.
    """
    cdef uint32_t length = large.end - large.start
    cdef const uint8_t *piece = <const uint8_t *>large.probe.key
    cdef uint32_t index, token_id
    if (length > MEDIUM_PIECE
            or find_large(<MediumEntry *>large.probe.line, large.probe.key) != NULL):
        return False
    index = find_long(vocabulary, piece, length)
    if index != NO_TOKEN:
        token_id = id_of(vocabulary, index)
        keep_medium(cache, piece, length, &large.probe, &token_id, 1)
        return False
    unknown.probe = NULL
    unknown.large = &large.probe
    return begin_long_merge(vocabulary, &unknown.merge, piece, length)


cdef inline void learn_large(
    const Vocabulary *vocabulary, PieceCache *cache, const LargePiece *large,
    const LargePiece *last
) noexcept nogil:
    """Keeps those of some pieces of 16 bytes or more that the cache does not know."""
    cdef UnknownPiece pieces[PIECES_TOGETHER]
    cdef UnknownPiece *end
    while large < last:
        end = pieces
        while end < pieces + PIECES_TOGETHER and large < last:
            end += begin_large(vocabulary, cache, large, end)
            large += 1
        merge_in_step(vocabulary, cache, pieces, end)


cdef inline size_t learn_pieces(
    const Vocabulary *vocabulary, PieceCache *cache, const Probes *probes
) noexcept nogil:
    """Keeps the pieces of a batch that the cache does not know.

    Returns:
        How many of up to 15 bytes there were.
    """
    cdef UnknownKey unknown[LEARNING_PIECES]
    cdef size_t others
    cdef size_t count = find_unknown(vocabulary, probes.pieces, probes.end - probes.pieces, unknown)
    cdef size_t learned = learn_tokens(vocabulary, cache, unknown, count, &others)
    learn_merged(vocabulary, cache, unknown, others)
    learn_large(vocabulary, cache, probes.large, probes.large_end)
    return learned + others
