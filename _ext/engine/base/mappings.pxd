# Memory mapped from the system in pages: large tables and buffers, in huge pages where possible.
#
# Tests can make any allocation fail (base/allocation_watch.pxd). Sanitizer builds take the memory
# from the heap, so that they know where it ends and whether it is still held.

from libc.stdint cimport SIZE_MAX

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.heap cimport allocate_zeroed, count_allocated, release

cdef enum:
    HUGE_PAGE = 1 << 21

cdef extern from "engine/base/platform.h" nogil:
    void *map_pages "bpecore_map_pages" (size_t size, size_t alignment) noexcept
    void *reserve_pages "bpecore_reserve_pages" (size_t size) noexcept
    void unmap_pages "bpecore_unmap_pages" (void *memory, size_t size) noexcept
    # Unmaps the pages of `map_zeroed` after the first `kept` bytes, a multiple of the page size;
    # returns the remaining size.
    size_t unmap_tail "bpecore_unmap_tail" (void *memory, size_t size, size_t kept) noexcept
    # Loads the pages that lie entirely in some memory, for reading or for writing: cheaper than a
    # page fault for each. Only a hint; older kernels and other systems than Linux ignore it.
    void populate "bpecore_populate" (const void *memory, size_t size, bint for_writing) noexcept


cdef inline void *map_zeroed(size_t size) noexcept nogil:
    """Returns zeroed pages, or NULL; from 2 MB on in huge pages if possible.

    Args:
        size: bytes, a multiple of the page size.
    """
    return NULL if must_fail() else count_allocated(map_pages(size, HUGE_PAGE))


cdef inline void unmap(void *memory, size_t size) noexcept nogil:
    """Unmaps pages of `map_zeroed`."""
    count_held(-1)
    unmap_pages(memory, size)


cdef inline void *reserve_zeroed(size_t size) noexcept nogil:
    """Returns address space whose zeroed pages become memory when first written, or NULL.

    It is never freed, and not counted as held.
    """
    return NULL if must_fail() else reserve_pages(size)


cdef inline size_t size_in_pages(size_t bytes) noexcept nogil:
    """Returns the size of a table in huge pages, or 0 if it is too small for them."""
    return (bytes + HUGE_PAGE - 1) // HUGE_PAGE * HUGE_PAGE if bytes >= HUGE_PAGE // 2 else 0


cdef inline void *allocate_table(size_t count, size_t size) noexcept nogil:
    """Returns zeroed room for `count` items of `size` bytes, or NULL.

    Tables of 1 MB or more get huge pages: in small pages a table that is read before it is written
    costs two page faults per 4 KB.
    """
    if size and count > (SIZE_MAX - HUGE_PAGE) // size:
        return NULL
    if size_in_pages(count * size):
        return map_zeroed(size_in_pages(count * size))
    return allocate_zeroed(count, size)


cdef inline void release_table(void *table, size_t count, size_t size) noexcept nogil:
    """Frees a table that `allocate_table` returned for the same count and size, or NULL."""
    if table != NULL and size_in_pages(count * size):
        unmap(table, size_in_pages(count * size))
    else:
        release(table)
