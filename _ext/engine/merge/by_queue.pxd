# Merges a long piece, with its candidates in a priority queue (merge/queue.pxd).
#
# The parts are a doubly linked list over the piece's bytes; no element ever moves to close a gap. A
# candidate that a later merge has made stale is recognised when it is taken: its part no longer
# merges into that token. Time: O(n log n). Space: 24 bytes per byte of the piece. Loses to
# `merge_by_scan` (merge/merge.pxd) up to 128 bytes.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.heap cimport grow_bytes
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.mappings cimport populate
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, prefetch
from engine.merge.certain cimport merge_of_bytes
from engine.merge.queue cimport (
    MergeMemory, MergeQueue, open_queue, position_soon, queue_candidate, take_candidate)
from engine.vocab.tables cimport Vocabulary, find_merge

cdef enum:
    QUEUE_PIECE_LIMIT = 0x7FFFFFF0  # bytes of the longest piece: positions fit 31 bits
    READY_LENGTH = 1 << 13          # bytes of a piece from which its list of parts is populated

cdef extern from *:
    const uint32_t NO_PART "UINT32_MAX"

cdef struct Part:
    uint32_t index        # of its token
    uint32_t merged       # what it and the next part merge into, or NO_TOKEN
    uint32_t following    # position of the next part; `length` at the end
    uint32_t preceding    # position of the part before; NO_PART at the start


cdef inline int list_bytes(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t length, Interrupt *interrupt,
    Part *parts, MergeQueue *queue
) noexcept nogil:
    """Makes a part of each byte of a piece, and queues what can be merged."""
    cdef size_t i
    cdef int status
    for i in range(length):
        parts[i].index = vocabulary.byte_indices[piece[i]]
        parts[i].merged = NO_TOKEN
        parts[i].following = <uint32_t>(i + 1)
        parts[i].preceding = <uint32_t>i - 1
        status = count_work(interrupt, 1)
        if status == STATUS_OK and i + 1 < length:
            parts[i].merged = merge_of_bytes(vocabulary, piece + i)
            if parts[i].merged != NO_TOKEN:
                status = queue_candidate(queue, parts[i].merged, <uint32_t>i)
        if status != STATUS_OK:
            return status
    return STATUS_OK


cdef inline int queue_pair(
    const Vocabulary *vocabulary, Part *parts, uint32_t position, MergeQueue *queue
) noexcept nogil:
    """Looks up what the part at a position and the next one merge into, and queues that."""
    cdef Part *part = parts + position
    part.merged = find_merge(vocabulary, part.index, parts[part.following].index)
    if part.merged == NO_TOKEN:
        return STATUS_OK
    return queue_candidate(queue, part.merged, position)


cdef inline int merge_by_queue(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Merges a piece of any length; writes the parts' indices and their number.

    Args:
        memory: scratch memory, grown to 24 bytes or more per byte of the piece.
    """
    cdef Part *parts
    cdef Part *part
    cdef MergeQueue queue
    cdef uint64_t key
    cdef uint32_t position, after
    cdef int status
    if length > QUEUE_PIECE_LIMIT:
        return STATUS_NO_MEMORY
    if (grow_bytes(&memory.parts, sizeof(Part) * length) != STATUS_OK
            or open_queue(&queue, memory, length) != STATUS_OK):
        return STATUS_NO_MEMORY
    parts = <Part *>memory.parts.data
    if length >= READY_LENGTH:
        populate(parts, sizeof(Part) * length, True)
    status = list_bytes(vocabulary, piece, length, interrupt, parts, &queue)
    while status == STATUS_OK and queue.run_count:
        key = take_candidate(&queue)
        position = <uint32_t>key
        part = parts + position
        if queue.run_count:
            prefetch(parts + position_soon(&queue))
        status = count_work(interrupt, 1)
        if part.merged != key >> 32:
            continue
        part.index = part.merged
        part.merged = NO_TOKEN
        parts[part.following].merged = NO_TOKEN
        after = parts[part.following].following
        part.following = after
        if after < length:
            parts[after].preceding = position
            if status == STATUS_OK:
                status = queue_pair(vocabulary, parts, position, &queue)
        if part.preceding != NO_PART and status == STATUS_OK:
            status = queue_pair(vocabulary, parts, part.preceding, &queue)
    if status != STATUS_OK:
        return status
    count[0] = 0
    position = 0
    while position < length:
        out[count[0]] = parts[position].index
        count[0] += 1
        position = parts[position].following
    return STATUS_OK
