# Watches the engine's allocations in tests: counts them, and makes a chosen one fail.
#
# When off, it costs one read of a flag per allocation or release. It belongs to the process; any
# number of threads may allocate meanwhile, because counts change atomically.

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #include "engine/base/platform.h"
    static struct {
        int on;
        int lasting;      /* whether all allocations after the failing one fail too */
        int64_t left;     /* allocations up to and including the failing one; 0 or less: past */
        int64_t asked;
        int64_t failed;
        int64_t held;
    } bpecore_watch;
    #define BPECORE_READ(field) bpecore_load_relaxed(&bpecore_watch.field)
    #define BPECORE_SET(field, value) bpecore_store_relaxed(&bpecore_watch.field, value)
    #define BPECORE_ADD(field, amount) bpecore_add_relaxed(&bpecore_watch.field, amount)
    #define BPECORE_WATCHED bpecore_unlikely(BPECORE_READ(on))

    static BPECORE_RARE int bpecore_ask_watch(void) {
        int64_t left = BPECORE_ADD(left, -1);
        BPECORE_ADD(asked, 1);
        if (left != 1 && (left > 1 || !BPECORE_READ(lasting)))
            return 0;
        BPECORE_ADD(failed, 1);
        return 1;
    }
    #define bpecore_must_fail() (BPECORE_WATCHED && bpecore_ask_watch())
    #define bpecore_count_held(change) \\
        do { if (BPECORE_WATCHED) BPECORE_ADD(held, change); } while (0)

    static void bpecore_set_failure(int64_t number, int lasting) {
        BPECORE_SET(lasting, lasting);
        BPECORE_SET(left, number);
    }
    static void bpecore_set_watch(int on) {
        BPECORE_SET(on, 0);
        bpecore_set_failure(0, 0);
        BPECORE_SET(asked, 0);
        BPECORE_SET(failed, 0);
        BPECORE_SET(held, 0);
        BPECORE_SET(on, on);
    }
    #define bpecore_is_watched() BPECORE_READ(on)
    #define bpecore_asked() BPECORE_READ(asked)
    #define bpecore_failed() BPECORE_READ(failed)
    #define bpecore_held() BPECORE_READ(held)
    """
    # Called before each allocation; returns whether it must fail.
    bint must_fail "bpecore_must_fail" () noexcept nogil
    # Called when memory is allocated (1) and freed (-1), not when it is resized.
    void count_held "bpecore_count_held" (int change) noexcept nogil

    # Starts to watch, with all counts at 0, or stops.
    void set_watch "bpecore_set_watch" (bint on) noexcept nogil
    # Makes an allocation fail, the next one being number 1; 0 = none.
    void set_failure "bpecore_set_failure" (int64_t number, bint lasting) noexcept nogil
    bint is_watched "bpecore_is_watched" () noexcept nogil
    # Since the start: allocations attempted, those made to fail, and allocations minus releases.
    int64_t allocations_asked "bpecore_asked" () noexcept nogil
    int64_t allocations_failed "bpecore_failed" () noexcept nogil
    int64_t allocations_held "bpecore_held" () noexcept nogil
