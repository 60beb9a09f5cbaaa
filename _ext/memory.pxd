# Every allocation of the engine passes through this file.
#
# Sizes are checked for overflow; a failure returns NULL or STATUS_NO_MEMORY and leaves what was
# there before usable, so that the owner can still free it.

from libc.stdint cimport uint8_t, uint32_t, SIZE_MAX
from libc.stdlib cimport calloc, free, malloc, realloc

from types cimport STATUS_NO_MEMORY, STATUS_OK

cdef struct ByteBuffer:
    uint8_t *data     # owned
    size_t capacity   # bytes

cdef struct IdBuffer:
    uint32_t *data    # owned
    size_t length     # ids written
    size_t capacity   # ids there is room for


cdef inline void *allocate(size_t count, size_t size) noexcept nogil:
    """Returns room for `count` items of `size` bytes, or NULL."""
    if size and count > SIZE_MAX // size:
        return NULL
    return malloc(count * size if count and size else 1)


cdef inline void *allocate_zeroed(size_t count, size_t size) noexcept nogil:
    return calloc(count if count else 1, size if size else 1)


cdef inline void release(void *memory) noexcept nogil:
    free(memory)


cdef inline int grow(void **place, size_t size) noexcept nogil:
    """Makes memory `size` bytes large, keeping what is in it."""
    cdef void *grown = realloc(place[0], size)
    if grown == NULL:
        return STATUS_NO_MEMORY
    place[0] = grown
    return STATUS_OK


cdef inline int grow_bytes(ByteBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` bytes, keeping what is there."""
    if capacity > buffer.capacity:
        if grow(<void **>&buffer.data, capacity) != STATUS_OK:
            return STATUS_NO_MEMORY
        buffer.capacity = capacity
    return STATUS_OK


cdef inline int grow_ids(IdBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` ids, keeping what is there; at least doubles."""
    if capacity <= buffer.capacity:
        return STATUS_OK
    if capacity < 2 * buffer.capacity:
        capacity = 2 * buffer.capacity
    if (capacity > SIZE_MAX // sizeof(uint32_t)
            or grow(<void **>&buffer.data, capacity * sizeof(uint32_t)) != STATUS_OK):
        return STATUS_NO_MEMORY
    buffer.capacity = capacity
    return STATUS_OK
