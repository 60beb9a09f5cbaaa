# Memory from the C library.
#
# The engine allocates through this file and base/mappings.pxd. Sizes are checked for overflow; a
# failure returns NULL or STATUS_NO_MEMORY and leaves what was there before usable, so that its
# owner can still free it. Tests can make any allocation fail (base/allocation_watch.pxd).

from libc.stdint cimport uint8_t, SIZE_MAX
from libc.stdlib cimport calloc, free, malloc, realloc

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK

cdef struct ByteBuffer:
    uint8_t *data     # owned
    size_t capacity   # bytes


cdef inline void *count_allocated(void *memory) noexcept nogil:
    """Counts a successful allocation for the tests; returns its memory, or NULL."""
    if memory != NULL:
        count_held(1)
    return memory


cdef inline void *allocate(size_t count, size_t size) noexcept nogil:
    """Returns room for `count` items of `size` bytes, or NULL."""
    if must_fail() or (size and count > SIZE_MAX // size):
        return NULL
    return count_allocated(malloc(count * size if count and size else 1))


cdef inline void *allocate_zeroed(size_t count, size_t size) noexcept nogil:
    """Returns zeroed room for `count` items of `size` bytes, or NULL."""
    if must_fail():
        return NULL
    return count_allocated(calloc(count if count else 1, size if size else 1))


cdef inline void release(void *memory) noexcept nogil:
    """Frees memory, which may be NULL."""
    if memory != NULL:
        count_held(-1)
        free(memory)


cdef inline int grow(void **place, size_t size) noexcept nogil:
    """Resizes memory to `size` bytes, at least 1, and keeps its contents."""
    cdef void *grown = NULL if must_fail() else realloc(place[0], size)
    if grown == NULL:
        return STATUS_NO_MEMORY
    if place[0] == NULL:
        count_held(1)
    place[0] = grown
    return STATUS_OK


cdef inline int grow_bytes(ByteBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` bytes and keeps the buffer's contents."""
    if capacity > buffer.capacity:
        if grow(<void **>&buffer.data, capacity) != STATUS_OK:
            return STATUS_NO_MEMORY
        buffer.capacity = capacity
    return STATUS_OK
