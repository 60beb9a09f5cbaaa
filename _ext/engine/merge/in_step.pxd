# Merges many pieces in step, so that one's cache misses hide behind the others' work.
#
# Merging one piece (merge/merge.pxd) is a chain: each look-up of a pair waits for the merge before it,
# and the table of pairs is larger than the second-level cache. Here every piece takes one merge at
# a time: the two lines it will need next are asked for, and are read when its turn comes again.
#
# The same algorithm as `merge_by_scan`, for pieces of up to 15 first parts: which of these are
# left is a word of bits, in which a part's neighbours are found by counting zeros. Nothing that a
# merge does depends on a branch: where a part has no neighbour, the neighbour is a part that merges
# with nothing, looked up in an empty line. Time: as `merge_by_scan`; NOTES.md has the figures.
# Loses for a single piece, whose turn comes again at once.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.merge.merge cimport (
    NO_CANDIDATE, SCAN_POSITION_BITS, begin_parts, least_of_8, least_of_16, packed_candidate)
from engine.base.types cimport MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, check, computed, prefetch
from engine.vocab.tables cimport (
    PAIR_PROBE_LIMIT, PairBucket, Vocabulary, find_merge, find_merge_in, first_bit, pair_bucket)

cdef enum:
    PIECES_TOGETHER = 16
    PLACES = SHORT_PIECE + 2        # of parts, and one before the first and behind the last
    POSITION_MASK = (1 << SCAN_POSITION_BITS) - 1

cdef extern from *:
    int last_zeros "__builtin_clz" (uint32_t word) noexcept nogil

cdef struct MergeState:
    uint32_t parts[PLACES]          # token indices, the first at 1; NO_TOKEN at both ends
    int32_t candidates[PLACES]      # by place of the left part, as in merge/merge.pxd
    uint32_t alive                  # a bit for each place where there is a part, or an end
    uint32_t count                  # parts at first
    uint32_t merged                 # place of the last merge's part
    uint32_t before, behind         # those of its neighbours
    const PairBucket *bucket_before     # where its pairs with them may be
    const PairBucket *bucket_after


cdef inline const PairBucket *await_pair(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right, bint possible
) noexcept nogil:
    """Asks for the line of a pair, or for the empty one if it is not possible; returns it."""
    cdef uint64_t line = vocabulary.pair_bucket_count + PAIR_PROBE_LIMIT - 1
    cdef uint64_t changed = line ^ pair_bucket(vocabulary, left, right)
    cdef const PairBucket *place
    line ^= changed & -<uint64_t>computed(possible)
    place = vocabulary.pair_buckets + line
    prefetch(place)
    return place


cdef inline void add_ends(MergeState *merge) noexcept nogil:
    """Begins to merge the first parts that a piece has."""
    cdef uint32_t i
    for i in range(PLACES):
        merge.candidates[i] = NO_CANDIDATE
    merge.parts[0] = NO_TOKEN
    merge.parts[merge.count + 1] = NO_TOKEN
    merge.alive = (<uint32_t>4 << merge.count) - 1


cdef inline void begin_merge(
    const Vocabulary *vocabulary, MergeState *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge a piece of 1 to 15 bytes; one of a single byte finds nothing.

    Args:
        piece: 15 bytes can be read.
    """
    check(1 <= length <= SHORT_PIECE)
    merge.count = begin_parts(vocabulary, piece, length, SHORT_PIECE, merge.parts + 1)
    add_ends(merge)


cdef inline bint begin_long_merge(
    const Vocabulary *vocabulary, MergeState *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge a piece of up to MEDIUM_PIECE bytes, unless it has too many first parts;
    returns whether it has not."""
    cdef uint32_t parts[MEDIUM_PIECE]
    check(1 <= length <= MEDIUM_PIECE)
    merge.count = begin_parts(vocabulary, piece, length, length, parts)
    if merge.count > SHORT_PIECE:
        return False
    memcpy(merge.parts + 1, parts, SHORT_PIECE * sizeof(uint32_t))
    add_ends(merge)
    return True


cdef inline void look_up_first(const Vocabulary *vocabulary, MergeState *merge) noexcept nogil:
    """Looks up the pairs of all parts."""
    cdef uint32_t i
    for i in range(1, merge.count):
        merge.candidates[i] = packed_candidate(
            find_merge(vocabulary, merge.parts[i], merge.parts[i + 1]), i)


cdef inline void look_up_last(MergeState *merge) noexcept nogil:
    """Looks up the pairs of the last merge's part."""
    cdef uint32_t part = merge.parts[merge.merged]
    merge.candidates[merge.merged] = packed_candidate(
        find_merge_in(merge.bucket_after, part, merge.parts[merge.behind]), merge.merged)
    merge.candidates[merge.before] = packed_candidate(
        find_merge_in(merge.bucket_before, merge.parts[merge.before], part), merge.before)


cdef inline bint make_merge(const Vocabulary *vocabulary, MergeState *merge) noexcept nogil:
    """Makes the next merge and asks for its lines; returns whether there was one."""
    cdef uint32_t place, absorbed, alive
    cdef int32_t best
    if merge.count <= 8:
        best = least_of_8(merge.candidates + 1)
    else:
        best = least_of_16(merge.candidates + 1)
    if best >= NO_CANDIDATE:
        return False
    place = best & POSITION_MASK
    alive = merge.alive >> (place + 1)
    absorbed = place + 1 + first_bit(alive)
    merge.behind = place + 1 + first_bit(alive & (alive - 1))
    merge.before = 31 - last_zeros(merge.alive & ((<uint32_t>1 << place) - 1))
    merge.alive ^= <uint32_t>1 << absorbed
    merge.merged = place
    merge.parts[place] = best >> SCAN_POSITION_BITS
    merge.candidates[absorbed] = NO_CANDIDATE
    merge.bucket_after = await_pair(
        vocabulary, merge.parts[place], merge.parts[merge.behind], merge.behind <= merge.count)
    merge.bucket_before = await_pair(
        vocabulary, merge.parts[merge.before], merge.parts[place], merge.before != 0)
    return True


cdef inline size_t write_merged(const MergeState *merge, uint32_t *parts) noexcept nogil:
    """Writes the token indices of a piece's parts; returns how many there are."""
    cdef uint32_t alive = merge.alive & (((<uint32_t>2 << merge.count) - 1) ^ 1)
    cdef size_t count = 0
    while alive:
        parts[count] = merge.parts[first_bit(alive)]
        count += 1
        alive &= alive - 1
    return count
