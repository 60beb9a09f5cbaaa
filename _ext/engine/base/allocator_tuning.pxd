# Hints to the C library's allocator; it may ignore them.

from engine.base.mappings cimport advise

cdef extern from *:
    """
    #ifdef MADV_HUGEPAGE
    #define BPECORE_HUGE_PAGE_ADVICE MADV_HUGEPAGE
    #else
    #define BPECORE_HUGE_PAGE_ADVICE MADV_NORMAL
    #endif
    /* glibc sizes its mapping and trimming thresholds by the largest block of up to 32 MB that is
     * freed (mallopt(3), M_MMAP_THRESHOLD). Freeing many smaller blocks does not raise them. */
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
    """
    const int HUGE_PAGE_ADVICE "BPECORE_HUGE_PAGE_ADVICE"
    # Announces that blocks of `size` bytes in total are freed and allocated again, so that the
    # library keeps the memory instead of returning it to the system and faulting it in each time.
    void expect_again "bpecore_expect_again" (size_t size) noexcept nogil

cdef enum:
    MAPPED_ALONE = 32 << 20    # bytes from which the C library maps each block by itself


cdef inline void prefer_huge_pages(const void *memory, size_t size) noexcept nogil:
    """Requests huge pages for a block of the C library's that is large enough to be mapped alone.

    It slows down a block that grows afterwards, because moving it splits the pages.
    """
    if size >= MAPPED_ALONE:
        advise(memory, size, HUGE_PAGE_ADVICE)
