# Ends a call early: because of Ctrl-C, or because another thread of the same call has failed.
#
# Python runs signal handlers only in the main thread, and only with the GIL. So a call in the main
# thread takes the GIL every INTERRUPT_NANOSECONDS to let them run; other threads never do. The
# clock is read once per WORK_BETWEEN_CHECKS bytes of work: 64 KB take 0.1 ms, or 10 ms where each
# byte is a merge.

from libc.stdint cimport uint64_t

from engine.base.types cimport STATUS_INTERRUPTED, STATUS_OK, likely

cdef enum:
    WORK_BETWEEN_CHECKS = 1 << 16       # bytes of text, or merge steps
    INTERRUPT_NANOSECONDS = 50_000_000  # Ctrl-C has to work within 0.2 s

cdef struct Interrupt:
    bint signals          # whether this thread runs signal handlers
    const int *stop       # borrowed; another thread sets it to end this one's work; may be NULL
    size_t work           # bytes since the last check
    uint64_t next_check   # when to run the handlers next, in nanoseconds; 0 = not set

cdef extern from "engine/base/platform.h" nogil:
    # Returns the time since some moment, by a clock that nobody sets.
    uint64_t nanoseconds "bpecore_nanoseconds" () noexcept
    int load_flag "bpecore_load_relaxed" (const int *place) noexcept

cdef extern from "Python.h":
    # Runs the signal handlers; returns non-zero if one raised, with its exception set.
    int run_signal_handlers "PyErr_CheckSignals" () noexcept


cdef inline void set_interrupt(Interrupt *interrupt, bint signals, const int *stop) noexcept nogil:
    interrupt.signals = signals
    interrupt.stop = stop
    interrupt.work = 0
    interrupt.next_check = 0


cdef inline int check_interrupt(Interrupt *interrupt) noexcept nogil:
    """Returns STATUS_INTERRUPTED if the call has to end, with a signal handler's exception set."""
    cdef uint64_t now
    cdef int raised
    interrupt.work = 0
    if interrupt.stop != NULL and load_flag(interrupt.stop):
        return STATUS_INTERRUPTED
    if interrupt.signals:
        now = nanoseconds()
        if interrupt.next_check == 0:
            interrupt.next_check = now + INTERRUPT_NANOSECONDS
        elif now >= interrupt.next_check:
            with gil:
                raised = run_signal_handlers()
            if raised:
                return STATUS_INTERRUPTED
            interrupt.next_check = nanoseconds() + INTERRUPT_NANOSECONDS
    return STATUS_OK


cdef inline int count_work(Interrupt *interrupt, size_t work) noexcept nogil:
    """Adds bytes of work; checks for an interrupt once there were enough since the last check."""
    interrupt.work += work
    if likely(interrupt.work < WORK_BETWEEN_CHECKS):
        return STATUS_OK
    return check_interrupt(interrupt)
