# Merges many pieces in step, so that the cache misses of one hide behind the work on the others.
#
# Merging one piece (merge/scan.pxd) is a chain: each look-up of a pair waits for the merge before
# it, and the table of pairs is larger than the second-level cache. Here every piece takes one merge
# at a time: the two buckets that it needs next are prefetched, and read at its next turn.
#
# The algorithm is that of `merge_by_scan`, for pieces of up to 15 first parts: a word of bits says
# which of these are left, and a part's neighbours are found by counting zeros. No branch depends on
# what a merge does: where a part has no neighbour, it is looked up in an empty bucket. Time: as
# `merge_by_scan` (figures: docs/decisions/merging.md). Loses for a single piece, whose next turn
# comes at once.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from engine.base.types cimport (
    MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, check, computed, highest_one, lowest_one, prefetch)
from engine.merge.scan cimport (
    NO_CANDIDATE, SCAN_POSITION_BITS, begin_parts, least_of_8, least_of_16, packed_candidate)
from engine.simd.vectors cimport least_word
from engine.vocab.tables cimport (
    PAIR_PROBE_LIMIT, PairBucket, Vocabulary, find_merge, find_merge_in, pair_bucket)

cdef enum:
    PIECES_TOGETHER = 16
    HALF_PIECE = 8
    PLACES = SHORT_PIECE + 2        # of parts, and one at either end
    WINDOW_PARTS = 62
    WINDOW_PLACES = WINDOW_PARTS + 3
    POSITION_MASK = (1 << SCAN_POSITION_BITS) - 1

cdef struct MergeState:
    uint32_t parts[PLACES]          # token indices from place 1 on; NO_TOKEN at both ends
    int32_t candidates[PLACES]      # by place of the left part, as in merge/scan.pxd
    uint64_t alive                  # a bit for each place that holds a part, or an end
    uint32_t count                  # parts at first
    uint32_t merged                 # place of the part that the last merge made
    uint32_t before, after          # places of its neighbours
    const PairBucket *bucket_before     # where its pairs with them may be
    const PairBucket *bucket_after

cdef struct WindowState:            # the same for up to WINDOW_PARTS first parts
    uint32_t parts[WINDOW_PLACES]
    int32_t candidates[WINDOW_PLACES]
    uint64_t alive
    uint32_t count
    uint32_t merged
    uint32_t before, after
    const PairBucket *bucket_before
    const PairBucket *bucket_after

ctypedef fused AnyState:
    MergeState
    WindowState


cdef inline const PairBucket *prefetch_bucket(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right, bint possible
) noexcept nogil:
    """Prefetches and returns the bucket of a pair, or the empty one if the pair is not possible."""
    cdef uint64_t number = vocabulary.pair_bucket_count + PAIR_PROBE_LIMIT - 1
    cdef uint64_t changed = number ^ pair_bucket(vocabulary, left, right)
    cdef const PairBucket *bucket
    number ^= changed & -<uint64_t>computed(possible)
    bucket = vocabulary.pair_buckets + number
    prefetch(bucket)
    return bucket


cdef inline void add_ends(AnyState *merge) noexcept nogil:
    """Begins to merge, given the piece's first parts."""
    cdef uint32_t i
    for i in range(sizeof(merge.candidates) // sizeof(int32_t)):
        merge.candidates[i] = NO_CANDIDATE
    merge.parts[0] = NO_TOKEN
    merge.parts[merge.count + 1] = NO_TOKEN
    merge.alive = (<uint64_t>4 << merge.count) - 1


cdef inline void begin_merge(
    const Vocabulary *vocabulary, MergeState *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge a piece of 1 to 15 bytes.

    Args:
        piece: 15 bytes are readable.
    """
    cdef uint32_t end
    check(1 <= length <= SHORT_PIECE)
    # The compiler unrolls both.
    if length <= HALF_PIECE:
        merge.count = begin_parts(
            vocabulary, piece, length, HALF_PIECE, SHORT_PIECE, merge.parts + 1, &end)
    else:
        merge.count = begin_parts(
            vocabulary, piece, length, SHORT_PIECE, SHORT_PIECE, merge.parts + 1, &end)
    add_ends(merge)


cdef inline bint begin_long_merge(
    const Vocabulary *vocabulary, MergeState *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge a piece of 1 to MEDIUM_PIECE bytes; returns False if it has too many first
    parts."""
    cdef uint32_t end
    check(1 <= length <= MEDIUM_PIECE)
    merge.count = begin_parts(
        vocabulary, piece, length, length, SHORT_PIECE, merge.parts + 1, &end)
    add_ends(merge)
    return end == length


cdef inline uint32_t begin_window(
    const Vocabulary *vocabulary, WindowState *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge the first bytes of a piece, as many as have WINDOW_PARTS first parts.

    Args:
        length: bytes of the piece, 1 to SCAN_LIMIT.

    Returns:
        How many bytes these are.
    """
    cdef uint32_t end
    merge.count = begin_parts(
        vocabulary, piece, length, length, WINDOW_PARTS, merge.parts + 1, &end)
    add_ends(merge)
    return end


cdef inline void look_up_first(const Vocabulary *vocabulary, AnyState *merge) noexcept nogil:
    """Looks up the pairs of all parts."""
    cdef uint32_t i
    for i in range(1, merge.count):
        merge.candidates[i] = packed_candidate(
            find_merge(vocabulary, merge.parts[i], merge.parts[i + 1]), i)


cdef inline void look_up_last(AnyState *merge) noexcept nogil:
    """Looks up the pairs of the part that the last merge made."""
    cdef uint32_t part = merge.parts[merge.merged]
    merge.candidates[merge.merged] = packed_candidate(
        find_merge_in(merge.bucket_after, part, merge.parts[merge.after]), merge.merged)
    merge.candidates[merge.before] = packed_candidate(
        find_merge_in(merge.bucket_before, merge.parts[merge.before], part), merge.before)


cdef inline bint make_merge(const Vocabulary *vocabulary, AnyState *merge) noexcept nogil:
    """Makes the next merge and prefetches its buckets; returns whether there was one."""
    cdef uint32_t place, absorbed
    cdef uint64_t alive
    cdef int32_t best
    if AnyState is WindowState:
        best = least_word(merge.candidates + 1, (merge.count + 15) & ~<size_t>15)
    elif merge.count <= 8:
        best = least_of_8(merge.candidates + 1)
    else:
        best = least_of_16(merge.candidates + 1)
    if best >= NO_CANDIDATE:
        return False
    place = best & POSITION_MASK
    alive = merge.alive >> (place + 1)
    absorbed = place + 1 + <uint32_t>lowest_one(alive)
    merge.after = place + 1 + <uint32_t>lowest_one(alive & (alive - 1))
    merge.before = <uint32_t>highest_one(merge.alive & ((<uint64_t>1 << place) - 1))
    merge.alive ^= <uint64_t>1 << absorbed
    merge.merged = place
    merge.parts[place] = best >> SCAN_POSITION_BITS
    merge.candidates[absorbed] = NO_CANDIDATE
    merge.bucket_after = prefetch_bucket(
        vocabulary, merge.parts[place], merge.parts[merge.after], merge.after <= merge.count)
    merge.bucket_before = prefetch_bucket(
        vocabulary, merge.parts[merge.before], merge.parts[place], merge.before != 0)
    return True


cdef inline size_t write_merged(const AnyState *merge, uint32_t *parts) noexcept nogil:
    """Writes the token indices of a piece's parts; returns how many there are."""
    cdef uint64_t alive = merge.alive & (((<uint64_t>2 << merge.count) - 1) ^ 1)
    cdef size_t count = 0
    while alive:
        parts[count] = merge.parts[lowest_one(alive)]
        count += 1
        alive &= alive - 1
    return count
