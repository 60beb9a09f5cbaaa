# Merges many short pieces in step, so that one's cache misses hide behind the others' work.
#
# Merging one piece (merge.pxd) is a chain: each look-up of a pair waits for the merge before it,
# and the table of pairs is larger than the second-level cache. Here every piece takes one merge at
# a time: the two lines it will need next are asked for, and are read when its turn comes again.
#
# The same algorithm as `merge_by_scan`, for pieces of up to 15 bytes. Nothing that a merge does
# depends on a branch: where a part has no neighbour, the neighbour is a part that merges with
# nothing, looked up in an empty line. Time: as `merge_by_scan`; NOTES.md has the figures. Loses for
# a single piece, whose turn comes again at once.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from merge cimport NO_CANDIDATE, SCAN_POSITION_BITS, list_parts, packed_candidate
from types cimport NO_TOKEN, SHORT_PIECE, check, computed, prefetch
from vocab cimport (PAIR_PROBE_LIMIT, PairLine, Vocabulary, find_merge_from, merge_of_bytes,
                    pair_line)

cdef enum:
    PIECES_TOGETHER = 16
    POSITIONS = SHORT_PIECE + 1     # of a piece, and the one behind its end
    NOWHERE = POSITIONS             # the position before a piece's start
    POSITION_MASK = (1 << SCAN_POSITION_BITS) - 1

cdef extern from *:
    """
    typedef int32_t bpecore_four __attribute__((vector_size(16)));
    static inline bpecore_four bpecore_lesser_of_4(bpecore_four a, bpecore_four b) {
        bpecore_four less = a < b;
        return (a & less) | (b & ~less);
    }
    /* The least of 16 by vectors. Those who wrote single ones of them just before would wait. */
    static inline int32_t bpecore_least_candidate(const int32_t *items) {
        bpecore_four v[4];
        memcpy(v, items, sizeof v);
        v[0] = bpecore_lesser_of_4(bpecore_lesser_of_4(v[0], v[1]),
                                   bpecore_lesser_of_4(v[2], v[3]));
        v[1] = bpecore_lesser_of_4(v[0], (bpecore_four){v[0][2], v[0][3], v[0][0], v[0][1]});
        return v[1][0] < v[1][1] ? v[1][0] : v[1][1];
    }
    static const uint8_t bpecore_next_positions[16] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                       9, 10, 11, 12, 13, 14, 15, 16};
    static const uint8_t bpecore_earlier_positions[16] = {16, 0, 1, 2,  3,  4,  5,  6,
                                                          7,  8, 9, 10, 11, 12, 13, 14};
    """
    int32_t least_candidate "bpecore_least_candidate" (const int32_t *items) noexcept nogil
    const uint8_t[POSITIONS] NEXT_POSITIONS "bpecore_next_positions"
    const uint8_t[POSITIONS] EARLIER_POSITIONS "bpecore_earlier_positions"

cdef struct GrowingMerge:
    int32_t candidates[POSITIONS + 1]    # by position of the left part, as in merge.pxd
    uint32_t parts[POSITIONS + 1]        # token indices, by position; NO_TOKEN outside the piece
    uint8_t following[POSITIONS]         # position of the next part; `length` at the end
    uint8_t preceding[POSITIONS]         # position of the part before; NOWHERE at the start
    const PairLine *line_after           # where the pair of the last merge's part with the part
    const PairLine *line_before          # behind it may be, and with the one before it
    uint32_t merged                      # position of the last merge's part
    uint32_t length                      # bytes of the piece


cdef inline uint64_t empty_line(const Vocabulary *vocabulary) noexcept nogil:
    return vocabulary.pair_line_count + PAIR_PROBE_LIMIT - 1


cdef inline const PairLine *await_pair(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right, bint possible
) noexcept nogil:
    """Asks for the line of a pair, or for the empty one if it is not possible; returns it."""
    cdef uint64_t line = empty_line(vocabulary)
    cdef uint64_t changed = line ^ pair_line(vocabulary, left, right)
    cdef const PairLine *place
    line ^= changed & -<uint64_t>computed(possible)
    place = vocabulary.pair_lines + line
    prefetch(place)
    return place


cdef inline void begin_merge(
    const Vocabulary *vocabulary, GrowingMerge *merge, const uint8_t *piece, uint32_t length
) noexcept nogil:
    """Begins to merge a piece of 1 to 15 bytes; one of a single byte finds nothing.

    Args:
        piece: 16 bytes can be read.
    """
    cdef uint32_t i, merged
    check(1 <= length <= SHORT_PIECE)
    for i in range(SHORT_PIECE):
        merged = merge_of_bytes(vocabulary, piece + i)
        merge.parts[i] = vocabulary.byte_indices[piece[i]]
        merge.candidates[i] = packed_candidate(
            merged if i + 1 < length else <uint32_t>NO_TOKEN, i)
    merge.candidates[SHORT_PIECE] = NO_CANDIDATE
    merge.parts[length] = NO_TOKEN
    merge.parts[NOWHERE] = NO_TOKEN
    memcpy(merge.following, NEXT_POSITIONS, POSITIONS)
    memcpy(merge.preceding, EARLIER_POSITIONS, POSITIONS)
    merge.length = length
    # As if the part outside had just been merged: it finds nothing.
    merge.merged = length
    merge.line_after = vocabulary.pair_lines + empty_line(vocabulary)
    merge.line_before = merge.line_after


cdef inline bint advance_merge(const Vocabulary *vocabulary, GrowingMerge *merge) noexcept nogil:
    """Looks the last merge's pairs up and makes the next merge; returns whether there was one."""
    cdef uint32_t position = merge.merged
    cdef uint32_t before = merge.preceding[position], after = merge.following[position]
    cdef uint32_t absorbed
    cdef int32_t best
    merge.candidates[position] = packed_candidate(find_merge_from(
        merge.line_after, merge.parts[position], merge.parts[after]), position)
    merge.candidates[before] = packed_candidate(find_merge_from(
        merge.line_before, merge.parts[before], merge.parts[position]), before)
    best = least_candidate(merge.candidates)
    if best >= NO_CANDIDATE:
        return False
    position = best & POSITION_MASK
    absorbed = merge.following[position]
    after = merge.following[absorbed]
    before = merge.preceding[position]
    merge.merged = position
    merge.parts[position] = best >> SCAN_POSITION_BITS
    merge.candidates[absorbed] = NO_CANDIDATE
    merge.following[position] = <uint8_t>after
    merge.preceding[after] = <uint8_t>position
    merge.line_after = await_pair(
        vocabulary, merge.parts[position], merge.parts[after], after < merge.length)
    merge.line_before = await_pair(
        vocabulary, merge.parts[before], merge.parts[position], before != NOWHERE)
    return True


cdef inline size_t write_merged(const GrowingMerge *merge, uint32_t *parts) noexcept nogil:
    """Writes the token indices of a piece's parts; returns how many there are."""
    return list_parts(merge.parts, merge.following, merge.length, parts)
