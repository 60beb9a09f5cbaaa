# The merge candidates of one long piece, next one first: lowest rank, then leftmost.
#
# Candidates of one rank are mostly found from left to right: those of the whole text at first, and
# those that a pass over equal pairs leaves. So they are queued in *runs*, each of one rank and with
# growing positions, and a heap with four children per node holds the runs by their first
# candidates. A text of one repeated character makes one run per rank, a text of random letters one
# per pair of letters: the heap stays in the first-level cache, where a heap of single candidates
# would exceed the second-level cache.
#
# A candidate that comes out of order, or whose rank has no place among the OPEN_RUNS that can be
# appended to, starts its own run. Time: O(log runs) per candidate taken, O(1) per candidate
# appended to a run. Space: 8 bytes per candidate, 16 per run.
# Reference: natural runs, as in D. E. Knuth, The Art of Computer Programming 3, section 5.2.4.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from engine.base.heap cimport ByteBuffer, grow_bytes, release
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, check

cdef enum:
    OPEN_RUNS = 1024          # runs that can be appended to, by rank; a power of two

cdef extern from *:
    const uint32_t NO_PLACE "UINT32_MAX"

cdef struct Queued:
    uint32_t position
    uint32_t following    # the place of the next one of its run, or NO_PLACE; of a free place, the
    #                       next free one

cdef struct Run:
    uint64_t key          # of its first candidate: token index << 32 | position
    uint64_t first        # that candidate's place in `queued`

cdef struct OpenRun:
    uint32_t merged       # token index; NO_TOKEN: none
    uint32_t last         # the place of its last candidate

cdef struct MergeMemory:
    ByteBuffer parts      # the list of parts of merge_by_queue
    ByteBuffer queued     # of a MergeQueue
    ByteBuffer runs       # of a MergeQueue
    ByteBuffer shortened  # the piece that merge_repeats merges instead of a longer one
    ByteBuffer repeats    # what it left out
    ByteBuffer stretch    # tokens of a stretch that merge_by_windows merges
    ByteBuffer lanes      # tokens of its lanes

cdef struct MergeQueue:
    MergeMemory *memory   # borrowed: holds `runs` and `queued`
    Run *runs             # a heap
    Queued *queued
    size_t run_count
    uint32_t used         # places in `queued` used so far
    uint32_t free         # the first of them that is free again, or NO_PLACE
    OpenRun open[OPEN_RUNS]


cdef inline void free_merge_memory(MergeMemory *memory) noexcept nogil:
    release(memory.parts.data)
    release(memory.queued.data)
    release(memory.runs.data)
    release(memory.shortened.data)
    release(memory.repeats.data)
    release(memory.stretch.data)
    release(memory.lanes.data)
    memset(memory, 0, sizeof(MergeMemory))


cdef inline size_t merge_memory_size(const MergeMemory *memory) noexcept nogil:
    """Returns its size in bytes."""
    return (memory.parts.capacity + memory.queued.capacity + memory.runs.capacity
            + memory.shortened.capacity + memory.repeats.capacity + memory.stretch.capacity
            + memory.lanes.capacity)


cdef inline int open_queue(
    MergeQueue *queue, MergeMemory *memory, size_t expected
) noexcept nogil:
    """Makes an empty queue.

    Args:
        memory: borrowed while the queue is in use.
        expected: room for this many candidates at first.
    """
    cdef size_t i
    if (grow_bytes(&memory.queued, expected * sizeof(Queued)) != STATUS_OK
            or grow_bytes(&memory.runs, OPEN_RUNS * sizeof(Run)) != STATUS_OK):
        return STATUS_NO_MEMORY
    queue.memory = memory
    queue.queued = <Queued *>memory.queued.data
    queue.runs = <Run *>memory.runs.data
    queue.run_count = 0
    queue.used = 0
    queue.free = NO_PLACE
    for i in range(OPEN_RUNS):
        queue.open[i].merged = NO_TOKEN
    return STATUS_OK


cdef inline OpenRun *open_run(MergeQueue *queue, uint32_t merged) noexcept nogil:
    return queue.open + (merged & (OPEN_RUNS - 1))


cdef inline uint32_t store_candidate(MergeQueue *queue, uint32_t position) noexcept nogil:
    """Stores a candidate and returns its place, or NO_PLACE if there is no memory."""
    cdef uint32_t place = queue.free
    if place != NO_PLACE:
        queue.free = queue.queued[place].following
    else:
        place = queue.used
        if <size_t>place + 1 > queue.memory.queued.capacity // sizeof(Queued):
            if (place == NO_PLACE or grow_bytes(
                    &queue.memory.queued, 2 * queue.memory.queued.capacity) != STATUS_OK):
                return NO_PLACE
            queue.queued = <Queued *>queue.memory.queued.data
        queue.used += 1
    queue.queued[place].position = position
    queue.queued[place].following = NO_PLACE
    return place


cdef inline void sift_up(Run *runs, size_t place, Run run) noexcept nogil:
    cdef size_t parent
    while place:
        parent = (place - 1) // 4
        if runs[parent].key <= run.key:
            break
        runs[place] = runs[parent]
        place = parent
    runs[place] = run


cdef inline void sift_down(Run *runs, size_t count, Run run) noexcept nogil:
    """Replaces the first run by another one, and moves it down as far as needed."""
    cdef size_t place = 0, child, i, last
    while True:
        child = 4 * place + 1
        if child >= count:
            break
        last = child + 4 if child + 4 < count else count
        for i in range(child + 1, last):
            child = i if runs[i].key < runs[child].key else child
        if run.key <= runs[child].key:
            break
        runs[place] = runs[child]
        place = child
    runs[place] = run


cdef inline int start_run(
    MergeQueue *queue, uint32_t merged, uint32_t position, uint32_t place
) noexcept nogil:
    """Adds a run of one candidate, which can be appended to."""
    cdef Run run
    if queue.run_count == queue.memory.runs.capacity // sizeof(Run):
        if grow_bytes(&queue.memory.runs, 2 * queue.memory.runs.capacity) != STATUS_OK:
            return STATUS_NO_MEMORY
        queue.runs = <Run *>queue.memory.runs.data
    open_run(queue, merged).merged = merged
    open_run(queue, merged).last = place
    run.key = <uint64_t>merged << 32 | position
    run.first = place
    sift_up(queue.runs, queue.run_count, run)
    queue.run_count += 1
    return STATUS_OK


cdef inline int queue_candidate(
    MergeQueue *queue, uint32_t merged, uint32_t position
) noexcept nogil:
    """Adds a candidate for merging the part at a position with the next one into a token."""
    cdef uint32_t place = store_candidate(queue, position)
    cdef OpenRun *opened = open_run(queue, merged)
    if place == NO_PLACE:
        return STATUS_NO_MEMORY
    if opened.merged != merged or queue.queued[opened.last].position >= position:
        return start_run(queue, merged, position, place)
    queue.queued[opened.last].following = place
    opened.last = place
    return STATUS_OK


cdef inline uint64_t take_candidate(MergeQueue *queue) noexcept nogil:
    """Takes the next candidate; returns its key. Precondition: the queue is not empty."""
    cdef Run run = queue.runs[0]
    cdef uint64_t key = run.key
    cdef uint32_t place = <uint32_t>run.first
    cdef uint32_t following = queue.queued[place].following
    cdef OpenRun *opened
    check(queue.run_count > 0)
    queue.queued[place].following = queue.free
    queue.free = place
    if following != NO_PLACE:
        run.key = key >> 32 << 32 | queue.queued[following].position
        run.first = following
    else:
        opened = open_run(queue, <uint32_t>(key >> 32))
        if opened.last == place:
            opened.merged = NO_TOKEN
        queue.run_count -= 1
        if queue.run_count == 0:
            return key
        run = queue.runs[queue.run_count]
    sift_down(queue.runs, queue.run_count, run)
    return key


cdef inline uint32_t position_soon(const MergeQueue *queue) noexcept nogil:
    """Returns the position of the candidate after the next, if that one is in the same run and none
    is added; otherwise that of the next one. Precondition: the queue is not empty.
    """
    cdef const Queued *first = queue.queued + queue.runs[0].first
    return first.position if first.following == NO_PLACE else queue.queued[first.following].position
