# Merges a short piece: a scan finds the next merge.
#
# The first parts are what bytes certainly merge into (merge/certain.pxd). They are a doubly linked
# list over the places of the first parts; no element ever moves to close a gap. The candidates are
# an array with one word per place, whose minimum is taken (dead places hold NO_CANDIDATE). Time:
# O(n^2) with a tiny constant. Loses to merge/in_step.pxd where there are several pieces.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from engine.base.types cimport NO_TOKEN, check, computed
from engine.merge.certain cimport certainly_merges, merged_of, pair_of_bytes
from engine.vocab.tables cimport Vocabulary, find_merge, prefetch_pair

cdef extern from *:
    """
    /* The least of some numbers, by a tree of conditional moves. A vector instruction would have to
     * wait until the candidates just written have reached the cache. */
    #define BPECORE_LESSER(a, b) ((a) < (b) ? (a) : (b))
    static inline int32_t bpecore_least_of_4(const int32_t *items) {
        int32_t a = items[0], b = items[1], c = items[2], d = items[3];
        int32_t first = BPECORE_LESSER(a, b), second = BPECORE_LESSER(c, d);
        return BPECORE_LESSER(first, second);
    }
    static inline int32_t bpecore_least_of_8(const int32_t *items) {
        int32_t a = bpecore_least_of_4(items), b = bpecore_least_of_4(items + 4);
        return BPECORE_LESSER(a, b);
    }
    static inline int32_t bpecore_least_of_16(const int32_t *items) {
        int32_t a = bpecore_least_of_8(items), b = bpecore_least_of_8(items + 8);
        return BPECORE_LESSER(a, b);
    }
    static inline int32_t bpecore_least_of_32(const int32_t *items) {
        int32_t a = bpecore_least_of_16(items), b = bpecore_least_of_16(items + 16);
        return BPECORE_LESSER(a, b);
    }
    """
    int32_t least_of_8 "bpecore_least_of_8" (const int32_t *items) noexcept nogil
    int32_t least_of_16 "bpecore_least_of_16" (const int32_t *items) noexcept nogil
    int32_t least_of_32 "bpecore_least_of_32" (const int32_t *items) noexcept nogil

cdef enum:
    SCAN_LIMIT = 128              # bytes; places of parts fit the low 7 bits of a candidate
    SCAN_POSITION_BITS = 7
    NO_CANDIDATE = NO_TOKEN << SCAN_POSITION_BITS


cdef inline int32_t packed_candidate(uint32_t merged, uint32_t position) noexcept nogil:
    """Returns a candidate, lower the sooner it merges; NO_CANDIDATE or more for NO_TOKEN."""
    return <int32_t>((merged << SCAN_POSITION_BITS) | position)


cdef inline uint32_t begin_parts(
    const Vocabulary *vocabulary, const uint8_t *piece, uint32_t length, uint32_t positions,
    uint32_t limit, uint32_t *parts, uint32_t *end
) noexcept nogil:
    """Makes the first parts of a piece, each two bytes that certainly merge, or a byte.

    Branchless, because whether two bytes merge is unpredictable. Prefetches the buckets where
    neighbouring parts will be looked up.

    Args:
        length: bytes of the piece, 1 to `positions`.
        positions: readable bytes, at most SCAN_LIMIT.
        limit: of the number of parts.
        parts: receives the parts.
        end: receives the byte after the last part.

    Returns:
        The number of parts.
    """
    cdef uint64_t pairs[SCAN_LIMIT + 2]     # by the first byte's position, + 1
    cdef uint8_t merging[SCAN_LIMIT + 1]    # whether a byte certainly merges with the next one
    cdef uint32_t i, merges, part, before = NO_TOKEN, count = 0, start = 0
    pairs[0] = 0
    for i in range(positions - 1):
        pairs[i + 1] = vocabulary.byte_pairs[pair_of_bytes(piece + i)] & -<uint64_t>computed(
            i + 1 < length)
    pairs[positions] = 0
    for i in range(1, positions):
        merging[i - 1] = certainly_merges(vocabulary, pairs[i - 1], pairs[i], pairs[i + 1])
    merging[positions - 1] = 0
    while start < length and count < limit:
        merges = computed(merging[start])
        part = vocabulary.byte_indices[piece[start]]
        part ^= (part ^ merged_of(pairs[start + 1])) & -merges
        parts[count] = part
        prefetch_pair(vocabulary, before, part)
        before = part
        start += 1 + merges
        count += 1
    end[0] = start
    return count


cdef inline int32_t candidate(
    const Vocabulary *vocabulary, const uint32_t *parts, uint32_t merged, uint32_t before,
    uint32_t position, uint32_t after, uint32_t count
) noexcept nogil:
    """Returns the packed candidate for merging the part at `position` with the next one.

    Prefetches the buckets where the merged token would be looked up with its neighbours, because
    most candidates become merges, which would wait for the memory otherwise.

    Args:
        merged: what the two merge into, or NO_TOKEN.
        before, after: positions of the part before the two (`count` or more if there is none) and
            of the one after them (`count` at the end).
        count: parts at first.
    """
    if merged == NO_TOKEN:
        return NO_CANDIDATE
    if before < count:
        prefetch_pair(vocabulary, parts[before], merged)
    if after < count:
        prefetch_pair(vocabulary, merged, parts[after])
    return packed_candidate(merged, position)


cdef inline size_t merge_by_scan(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t length, uint32_t *out
) noexcept nogil:
    """Merges a piece of 1 to SCAN_LIMIT bytes; writes the parts' indices, returns their number."""
    cdef uint32_t parts[SCAN_LIMIT]
    cdef int32_t candidates[SCAN_LIMIT]
    cdef uint8_t following[SCAN_LIMIT]     # position of the next part; `count` at the end
    cdef uint8_t preceding[SCAN_LIMIT]     # position of the part before; 255 at the start
    cdef size_t padded
    cdef uint32_t i, position, after, before
    cdef uint32_t count    # parts at first
    cdef uint32_t end
    cdef int32_t best
    check(0 < length <= SCAN_LIMIT)
    count = begin_parts(vocabulary, piece, <uint32_t>length, <uint32_t>length,
                        SCAN_LIMIT, parts, &end)
    for i in range(count):
        following[i] = <uint8_t>(i + 1)
        preceding[i] = <uint8_t>(i - 1)
    for i in range(count - 1):
        candidates[i] = candidate(vocabulary, parts, find_merge(vocabulary, parts[i], parts[i + 1]),
                                  i - 1, i, i + 2, count)
    padded = (count + 15) & ~<size_t>15
    for i in range(count - 1, padded):
        candidates[i] = NO_CANDIDATE
    while True:
        if padded == 16:
            best = least_of_16(candidates)
        else:
            best = NO_CANDIDATE
            for i in range(padded):
                best = candidates[i] if candidates[i] < best else best
        if best >= NO_CANDIDATE:
            break
        position = best & (SCAN_LIMIT - 1)
        parts[position] = best >> SCAN_POSITION_BITS
        after = following[position]
        candidates[after] = NO_CANDIDATE
        after = following[after]
        following[position] = <uint8_t>after
        before = preceding[position]
        if after < count:
            preceding[after] = <uint8_t>position
            candidates[position] = candidate(
                vocabulary, parts, find_merge(vocabulary, parts[position], parts[after]), before,
                position, following[after], count)
        else:
            candidates[position] = NO_CANDIDATE
        if position:
            candidates[before] = candidate(
                vocabulary, parts, find_merge(vocabulary, parts[before], parts[position]),
                preceding[before], before, after, count)
    position = 0
    i = 0
    while position < count:
        out[i] = parts[position]
        i += 1
        position = following[position]
    return i
