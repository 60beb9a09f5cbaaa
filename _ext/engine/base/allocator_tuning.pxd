# Hints to the C library's allocator; it may ignore them.

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #define BPECORE_LEARNT_AT_MOST ((size_t)31 << 20)
    static void bpecore_expect_again(size_t size) {
        static size_t expected = 1 << 17;
        if (size > BPECORE_LEARNT_AT_MOST)
            size = BPECORE_LEARNT_AT_MOST;
        if (size <= bpecore_load_relaxed(&expected))
            return;
        bpecore_store_relaxed(&expected, size);
        bpecore_show_allocator(size);
    }
    """
    # Announces that blocks of `size` bytes in total are freed and allocated again, so that the
    # library keeps the memory instead of returning it to the system and faulting it in each time.
    void expect_again "bpecore_expect_again" (size_t size) noexcept nogil
    void huge_pages_for "bpecore_prefer_huge_pages" (const void *memory, size_t size) noexcept nogil
    # Loads the pages of free memory from which blocks of `size` bytes in total will be allocated.
    void load_free_memory "bpecore_load_free_memory" (size_t size) noexcept nogil

cdef enum:
    MAPPED_ALONE = 32 << 20    # bytes from which the C library maps each block by itself
    READY_FROM = 4 << 20       # bytes of blocks from which it pays to make memory ready
    READY_BYTES = 8 << 20      # that are made ready at a time


cdef inline void prefer_huge_pages(const void *memory, size_t size) noexcept nogil:
    """Requests huge pages for a block of the C library's that is large enough to be mapped alone.

    It slows down a block that grows afterwards, because moving it splits the pages.
    """
    if size >= MAPPED_ALONE:
        huge_pages_for(memory, size)


cdef inline size_t make_ready(size_t size) noexcept nogil:
    """Prepares the allocation of many blocks: a page fault for every 4 KB of them costs more than
    filling a list of ids.

    Args:
        size: bytes of all blocks to come.

    Returns:
        After how many of them the next ones have to be prepared.
    """
    if size < READY_FROM:
        return size
    size = min(size, <size_t>READY_BYTES)
    expect_again(size)
    load_free_memory(size)
    return size
