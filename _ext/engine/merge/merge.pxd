# Byte pair encoding of one piece: of all neighbouring parts, the two whose concatenation has the
# lowest rank become one part, leftmost first, until no two neighbours make a token.
#
# - Up to SCAN_LIMIT bytes, the first parts are what bytes certainly merge into (merge/certain.pxd).
#   They are a doubly linked list over the places of the first parts; no element ever moves to close
#   a gap. The candidates are an array with one word per place, whose minimum is taken (dead places
#   hold NO_CANDIDATE). O(n^2) with a tiny constant.
# - Longer pieces keep the candidates in a priority queue (merge/by_queue.pxd). O(n log n).
# - Of what repeats within a long piece, only the beginning is merged (merge/repeats.pxd).
#
# Reference: tiktoken's byte_pair_merge; bpecore/fuzzing/reference.py is the slow twin.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from engine.base.interrupt cimport Interrupt
from engine.base.types cimport NO_TOKEN, STATUS_MISSING_BYTE, STATUS_OK, check, computed
from engine.merge.by_queue cimport merge_by_queue
from engine.merge.certain cimport certainly_merges, merged_of, pair_of_bytes
from engine.merge.queue cimport MergeMemory
from engine.merge.repeats cimport REPEAT_LEAST, merge_repeats
from engine.vocab.tables cimport Vocabulary, prefetch_pair, find_merge, id_of

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
    """
    int32_t least_of_8 "bpecore_least_of_8" (const int32_t *items) noexcept nogil
    int32_t least_of_16 "bpecore_least_of_16" (const int32_t *items) noexcept nogil

cdef enum:
    SCAN_LIMIT = 128              # bytes; places of parts fit the low 7 bits of a candidate
    SCAN_POSITION_BITS = 7
    NO_CANDIDATE = NO_TOKEN << SCAN_POSITION_BITS


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


cdef inline int32_t packed_candidate(uint32_t merged, uint32_t position) noexcept nogil:
    """Returns a candidate, lower the sooner it merges; NO_CANDIDATE or more for NO_TOKEN."""
    return <int32_t>((merged << SCAN_POSITION_BITS) | position)


cdef inline uint32_t begin_parts(
    const Vocabulary *vocabulary, const uint8_t *piece, uint32_t length, uint32_t positions,
    uint32_t *parts
) noexcept nogil:
    """Makes the first parts of a piece, each two bytes that certainly merge, or a byte.

    Branchless, because whether two bytes merge is unpredictable. Prefetches the buckets where
    neighbouring parts will be looked up.

    Args:
        length: bytes of the piece, 1 to `positions`.
        positions: readable bytes, at most SCAN_LIMIT.
        parts: receives the parts.

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
    while start < length:
        merges = computed(merging[start])
        part = vocabulary.byte_indices[piece[start]]
        part ^= (part ^ merged_of(pairs[start + 1])) & -merges
        parts[count] = part
        prefetch_pair(vocabulary, before, part)
        before = part
        start += 1 + merges
        count += 1
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
    cdef int32_t best
    check(0 < length <= SCAN_LIMIT)
    count = begin_parts(vocabulary, piece, <uint32_t>length, <uint32_t>length, parts)
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
    if length > SCAN_LIMIT:
        if length >= REPEAT_LEAST:
            return merge_repeats(vocabulary, memory, interrupt, piece, length, parts, count)
        return merge_by_queue(vocabulary, memory, interrupt, piece, length, parts, count)
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
