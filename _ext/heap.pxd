# A min-heap of 64-bit keys with four children a node, in memory that the caller owns.
#
# A merge candidate is one key, `token index << 32 | position`: the smallest key is the lowest
# rank, and among equal ranks the leftmost. Time: O(log n) a push or pop, O(n) to build. Four
# children lie in one or two cache lines and halve the levels: 10 to 20 % faster than two on pieces
# of a million bytes (NOTES.md).

from libc.stdint cimport uint64_t

from interrupt cimport Watch, count_work
from types cimport STATUS_OK, check

cdef struct Heap:
    uint64_t *keys   # borrowed from the workspace
    size_t count
    size_t capacity


cdef inline void sift_down(uint64_t *keys, size_t count, size_t place) noexcept nogil:
    cdef uint64_t key = keys[place]
    cdef size_t child, i, last
    while True:
        child = 4 * place + 1
        if child >= count:
            break
        last = child + 4 if child + 4 < count else count
        for i in range(child + 1, last):
            child = i if keys[i] < keys[child] else child
        if key <= keys[child]:
            break
        keys[place] = keys[child]
        place = child
    keys[place] = key


cdef inline int heapify(Heap *heap, Watch *watch) noexcept nogil:
    """Turns the first `count` keys, in any order, into a heap."""
    cdef size_t place = heap.count // 4 + 1
    cdef int status
    if place > heap.count:
        place = heap.count
    while place:
        place -= 1
        sift_down(heap.keys, heap.count, place)
        status = count_work(watch, 1)
        if status != STATUS_OK:
            return status
    return STATUS_OK


cdef inline void heap_push(Heap *heap, uint64_t key) noexcept nogil:
    cdef size_t place = heap.count
    cdef size_t parent
    check(heap.count < heap.capacity)
    heap.count += 1
    while place:
        parent = (place - 1) // 4
        if heap.keys[parent] <= key:
            break
        heap.keys[place] = heap.keys[parent]
        place = parent
    heap.keys[place] = key


cdef inline uint64_t heap_pop(Heap *heap) noexcept nogil:
    """Removes and returns the smallest key. Precondition: the heap is not empty."""
    cdef uint64_t smallest = heap.keys[0]
    check(heap.count > 0)
    heap.count -= 1
    if heap.count:
        heap.keys[0] = heap.keys[heap.count]
        sift_down(heap.keys, heap.count, 0)
    return smallest
