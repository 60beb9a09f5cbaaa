# Ends a call early: Ctrl-C in the main thread, or another thread of the same call that has failed.
#
# Python's signal handlers run in the main thread alone, and only with the GIL. So a call of the
# main thread takes the GIL every WATCH_NANOSECONDS to let them run; other threads never do.
# The clock is read once in WORK_BETWEEN_LOOKS bytes of work: 64 KB take 0.1 ms, and 10 ms where
# each byte is a merge.

from libc.stdint cimport uint64_t

from engine.base.types cimport STATUS_INTERRUPTED, STATUS_OK, likely

cdef enum:
    WORK_BETWEEN_LOOKS = 1 << 16    # bytes of text, or steps of a merge
    WATCH_NANOSECONDS = 50_000_000  # Ctrl-C shall work within 0.2 s

cdef struct Watch:
    bint signals         # whether this thread handles signals
    const int *stop      # borrowed; set by another thread to end this one's work; NULL = nobody
    size_t work          # bytes since the last look
    uint64_t next_look   # when the handlers get their turn, in nanoseconds; 0 = not set

cdef extern from *:
    """
    #include <time.h>
    static inline uint64_t bpecore_nanoseconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    }
    #define bpecore_load(place) __atomic_load_n(place, __ATOMIC_RELAXED)
    """
    uint64_t nanoseconds "bpecore_nanoseconds" () noexcept nogil
    int load_flag "bpecore_load" (const int *place) noexcept nogil

cdef extern from "Python.h":
    # Runs the signal handlers; not 0: one has raised, and its exception is set.
    int run_signal_handlers "PyErr_CheckSignals" () noexcept


cdef inline void start_watch(Watch *watch, bint signals, const int *stop) noexcept nogil:
    watch.signals = signals
    watch.stop = stop
    watch.work = 0
    watch.next_look = 0


cdef inline int look(Watch *watch) noexcept nogil:
    """Returns STATUS_INTERRUPTED if the call shall end; of a signal's handler the exception is set.
    """
    cdef uint64_t now
    cdef int raised
    watch.work = 0
    if watch.stop != NULL and load_flag(watch.stop):
        return STATUS_INTERRUPTED
    if watch.signals:
        now = nanoseconds()
        if watch.next_look == 0:
            watch.next_look = now + WATCH_NANOSECONDS
        elif now >= watch.next_look:
            with gil:
                raised = run_signal_handlers()
            if raised:
                return STATUS_INTERRUPTED
            watch.next_look = nanoseconds() + WATCH_NANOSECONDS
    return STATUS_OK


cdef inline int count_work(Watch *watch, size_t work) noexcept nogil:
    """Counts bytes of work, and looks around when there were many since the last time."""
    watch.work += work
    if likely(watch.work < WORK_BETWEEN_LOOKS):
        return STATUS_OK
    return look(watch)
