# Every allocation of the engine passes through this file.
#
# Sizes are checked for overflow; a failure returns NULL or STATUS_NO_MEMORY and leaves what was
# there before usable, so that the owner can still free it. Tests can make any of them fail
# (base/allocation_watch.pxd).

from libc.stdint cimport uint8_t, uint64_t, SIZE_MAX
from libc.stdlib cimport calloc, free, malloc, realloc

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK

cdef struct ByteBuffer:
    uint8_t *data     # owned
    size_t capacity   # bytes


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
    /* From the heap, so that the sanitizers know where the memory ends and who still has it. */
    static void *bpecore_map_zeroed(size_t size) {
        void *memory = NULL;
        return posix_memalign(&memory, 4096, size) ? NULL : memset(memory, 0, size);
    }
    #define bpecore_reserve_zeroed(size) bpecore_map_zeroed(size)
    #define bpecore_unmap(memory, size) free(memory)
    #define bpecore_unmap_tail(memory, size, kept) (size)
    #else
    static void *bpecore_map_zeroed(size_t size) {
        size_t extra = size < BPECORE_HUGE_PAGE ? 0 : BPECORE_HUGE_PAGE;
        char *memory = mmap(NULL, size + extra, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t before;
        if (memory == MAP_FAILED)
            return NULL;
        if (extra == 0)
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
    static void *bpecore_reserve_zeroed(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0);
        return memory == MAP_FAILED ? NULL : memory;
    }
    #define bpecore_unmap(memory, size) ((void)munmap(memory, size))
    #define bpecore_unmap_tail(memory, size, kept) \\
        (munmap((char *)(memory) + (kept), (size) - (kept)) ? (size) : (kept))
    #endif
    /* Since Linux 5.14; older kernels refuse, and the pages come one by one. The C library's
     * headers may be older than the kernel. */
    #ifndef MADV_POPULATE_READ
    #define MADV_POPULATE_READ 22
    #define MADV_POPULATE_WRITE 23
    #endif
    /* Advises on the pages that lie in some memory as a whole, and on no other byte. */
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
    /* From this size on the C library maps each block by itself: advice is for this one alone. */
    #define BPECORE_MAPPED_ALONE ((size_t)32 << 20)
    static void bpecore_prefer_huge_pages(const void *memory, size_t size) {
    #ifdef MADV_HUGEPAGE
        if (size >= BPECORE_MAPPED_ALONE)
            bpecore_advise(memory, size, MADV_HUGEPAGE);
    #endif
    }
    /* glibc learns how much a program takes and drops from the largest block of up to 32 MB that
     * is freed (mallopt(3), M_MMAP_THRESHOLD). Many smaller blocks teach it nothing. */
    #define BPECORE_LEARNT_AT_MOST ((size_t)31 << 20)
    static void bpecore_expect_again(size_t size) {
        static size_t expected = 1 << 17;
        void *volatile block;
        if (size > BPECORE_LEARNT_AT_MOST)
            size = BPECORE_LEARNT_AT_MOST;
        if (size <= __atomic_load_n(&expected, __ATOMIC_RELAXED))
            return;
        __atomic_store_n(&expected, size, __ATOMIC_RELAXED);
        block = malloc(size);
        free(block);
    }
    #define bpecore_unmap_file(memory, size) ((void)munmap(memory, size))
    static void *bpecore_map_file(int descriptor, size_t size) {
        void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
        return memory == MAP_FAILED ? NULL : memory;
    }
    static Py_ssize_t bpecore_read_at(int descriptor, void *out, size_t size, uint64_t offset) {
        size_t done = 0;
        while (done < size) {
            ssize_t got = pread(descriptor, (char *)out + done, size - done,
                                (off_t)(offset + done));
            if (got < 0 && errno != EINTR)
                return -1;
            if (got == 0)
                break;
            if (got > 0)
                done += (size_t)got;
        }
        return (Py_ssize_t)done;
    }
    """
    const size_t HUGE_PAGE "BPECORE_HUGE_PAGE"
    void *map_pages "bpecore_map_zeroed" (size_t size) noexcept nogil
    void *reserve_pages "bpecore_reserve_zeroed" (size_t size) noexcept nogil
    void unmap_pages "bpecore_unmap" (void *memory, size_t size) noexcept nogil
    # Gives the pages of `map_zeroed` back that lie behind the first `kept` bytes, a multiple of the
    # page size; returns what size is left.
    size_t unmap_tail "bpecore_unmap_tail" (void *memory, size_t size, size_t kept) noexcept nogil
    # Makes the whole pages of some memory ready at once, for reading or for writing: a page fault
    # each would cost several times as much. A wish, which may not be granted.
    void populate "bpecore_populate" (
        const void *memory, size_t size, bint for_writing) noexcept nogil
    # Asks for huge pages for a block of the C library's, if it is so large that it has a mapping of
    # its own. A block that grows afterwards loses by it: moving it splits them (NOTES.md).
    void prefer_huge_pages "bpecore_prefer_huge_pages" (
        const void *memory, size_t size) noexcept nogil
    # Tells the C library that so many bytes in many blocks come and go, so that it does not give
    # them back to the system each time and fault them in again. A wish, which may not be granted.
    void expect_again "bpecore_expect_again" (size_t size) noexcept nogil
    # Returns the first `size` bytes of a file, read-only and shared by all processes, or NULL.
    void *map_file "bpecore_map_file" (int descriptor, size_t size) noexcept nogil
    void unmap_file "bpecore_unmap_file" (void *memory, size_t size) noexcept nogil
    # Reads from a place of a file; returns the bytes read, fewer at its end, or -1.
    Py_ssize_t read_at "bpecore_read_at" (
        int descriptor, void *out, size_t size, uint64_t offset) noexcept nogil


cdef inline void *held(void *memory) noexcept nogil:
    """Counts memory that has been allocated, if it has."""
    if memory != NULL:
        count_held(1)
    return memory


cdef inline void *map_zeroed(size_t size) noexcept nogil:
    """Returns zeroed pages, or NULL; from 2 MB on aligned to, and if possible in, huge pages.

    Args:
        size: a multiple of the page size.
    """
    return NULL if must_fail() else held(map_pages(size))


cdef inline void unmap(void *memory, size_t size) noexcept nogil:
    """Gives pages of `map_zeroed` back."""
    count_held(-1)
    unmap_pages(memory, size)


cdef inline void *reserve_zeroed(size_t size) noexcept nogil:
    """Returns address space whose zeroed pages become memory as they are written, or NULL.

    It is never given back.
    """
    return NULL if must_fail() else reserve_pages(size)


cdef inline void *allocate(size_t count, size_t size) noexcept nogil:
    """Returns room for `count` items of `size` bytes, or NULL."""
    if must_fail() or (size and count > SIZE_MAX // size):
        return NULL
    return held(malloc(count * size if count and size else 1))


cdef inline void *allocate_zeroed(size_t count, size_t size) noexcept nogil:
    if must_fail():
        return NULL
    return held(calloc(count if count else 1, size if size else 1))


cdef inline size_t size_in_pages(size_t bytes) noexcept nogil:
    """Returns the size of a table in huge pages, or 0 if it is too small for them."""
    return (bytes + HUGE_PAGE - 1) // HUGE_PAGE * HUGE_PAGE if bytes >= HUGE_PAGE // 2 else 0


cdef inline void *allocate_table(size_t count, size_t size) noexcept nogil:
    """Returns zeroed room for `count` items of `size` bytes, or NULL; if large, in huge pages.

    In small ones a table that is read before it is written costs two page faults for each 4 KB.
    """
    if size and count > (SIZE_MAX - HUGE_PAGE) // size:
        return NULL
    if size_in_pages(count * size):
        return map_zeroed(size_in_pages(count * size))
    return allocate_zeroed(count, size)


cdef inline void release_table(void *table, size_t count, size_t size) noexcept nogil:
    """Gives a table back that `allocate_table` made of as many items; it may be NULL."""
    if table != NULL and size_in_pages(count * size):
        unmap(table, size_in_pages(count * size))
    else:
        release(table)


cdef inline void release(void *memory) noexcept nogil:
    if memory != NULL:
        count_held(-1)
        free(memory)


cdef inline int grow(void **place, size_t size) noexcept nogil:
    """Makes memory `size` bytes large, at least 1, keeping what is in it."""
    cdef void *grown = NULL if must_fail() else realloc(place[0], size)
    if grown == NULL:
        return STATUS_NO_MEMORY
    if place[0] == NULL:
        count_held(1)
    place[0] = grown
    return STATUS_OK


cdef inline int grow_bytes(ByteBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` bytes, keeping what is there."""
    if capacity > buffer.capacity:
        if grow(<void **>&buffer.data, capacity) != STATUS_OK:
            return STATUS_NO_MEMORY
        buffer.capacity = capacity
    return STATUS_OK
