# Memory mapped from the system in pages: large tables and buffers, in huge pages where possible.
#
# Tests can make any allocation fail (base/allocation_watch.pxd). Sanitizer builds take the memory
# from the heap, so that they know where it ends and whether it is still held.

from libc.stdint cimport SIZE_MAX

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.heap cimport allocate_zeroed, count_allocated, release

cdef extern from *:
    """
    #include <errno.h>
    #include <sys/mman.h>
    #include <unistd.h>
    #ifndef MAP_ANONYMOUS
    #define MAP_ANONYMOUS MAP_ANON
    #endif
    #define BPECORE_HUGE_PAGE ((size_t)2 << 20)
    #ifdef BPECORE_SANITIZE
    static void *bpecore_map_zeroed(size_t size) {
        void *memory = NULL;
        return posix_memalign(&memory, 4096, size) ? NULL : memset(memory, 0, size);
    }
    #define bpecore_reserve_zeroed(size) bpecore_map_zeroed(size)
    #define bpecore_unmap(memory, size) free(memory)
    #define bpecore_unmap_tail(memory, size, kept) (size)
    #else
    static void *bpecore_reserve_zeroed(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0);
        return memory == MAP_FAILED ? NULL : memory;
    }
    static void *bpecore_map_zeroed(size_t size) {
        size_t extra = size < BPECORE_HUGE_PAGE ? 0 : BPECORE_HUGE_PAGE, before;
        char *memory = bpecore_reserve_zeroed(size + extra);
        if (memory == NULL || extra == 0)
            return memory;
        before = -(size_t)memory & (BPECORE_HUGE_PAGE - 1);
        if (before)
            munmap(memory, before);
        munmap(memory + before + size, extra - before);
    #ifdef MADV_HUGEPAGE
        madvise(memory + before, size, MADV_HUGEPAGE);
    #endif
        return memory + before;
    }
    #define bpecore_unmap(memory, size) ((void)munmap(memory, size))
    #define bpecore_unmap_tail(memory, size, kept) \\
        (munmap((char *)(memory) + (kept), (size) - (kept)) ? (size) : (kept))
    #endif
    /* Linux 5.14 and later; the C library's headers may be older than the kernel. */
    #ifndef MADV_POPULATE_READ
    #define MADV_POPULATE_READ 22
    #define MADV_POPULATE_WRITE 23
    #endif
    static void bpecore_advise(const void *memory, size_t size, int advice) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t first = ((size_t)memory + page - 1) & ~(page - 1);
        size_t end = ((size_t)memory + size) & ~(page - 1);
        int before = errno;
        if (first < end)
            madvise((void *)first, end - first, advice);
        errno = before;
    }
    #ifdef __linux__
    #define bpecore_populate(memory, size, for_writing) \\
        bpecore_advise(memory, size, (for_writing) ? MADV_POPULATE_WRITE : MADV_POPULATE_READ)
    #else
    #define bpecore_populate(memory, size, for_writing) ((void)0)
    #endif
    """
    const size_t HUGE_PAGE "BPECORE_HUGE_PAGE"
    void *map_pages "bpecore_map_zeroed" (size_t size) noexcept nogil
    void *reserve_pages "bpecore_reserve_zeroed" (size_t size) noexcept nogil
    void unmap_pages "bpecore_unmap" (void *memory, size_t size) noexcept nogil
    # Unmaps the pages of `map_zeroed` after the first `kept` bytes, a multiple of the page size;
    # returns the remaining size.
    size_t unmap_tail "bpecore_unmap_tail" (void *memory, size_t size, size_t kept) noexcept nogil
    # Gives the system's advice on the pages that lie entirely in some memory.
    void advise "bpecore_advise" (const void *memory, size_t size, int advice) noexcept nogil
    # Loads the pages that lie entirely in some memory, for reading or for writing: cheaper than a
    # page fault for each. Only a hint; older kernels ignore it.
    void populate "bpecore_populate" (
        const void *memory, size_t size, bint for_writing) noexcept nogil


cdef inline void *map_zeroed(size_t size) noexcept nogil:
    """Returns zeroed pages, or NULL; from 2 MB on, aligned to huge pages and preferably in them.

    Args:
        size: bytes, a multiple of the page size.
    """
    return NULL if must_fail() else count_allocated(map_pages(size))


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
