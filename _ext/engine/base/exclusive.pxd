# A flag that says whether an object is in use.
#
# The user may be another thread, or the same one: a call can run user code (an id's `__index__`, a
# codec's error handler, a signal handler) that calls the object again. A second call is refused,
# because it would change buffers that the first one reads.
#
# With the GIL a plain flag suffices. Without it the flag is exchanged atomically: the thread that
# finds it clear owns the object and acquires what the previous owner released.

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #ifdef Py_GIL_DISABLED
        #define bpecore_enter(flag) (!bpecore_exchange_acquire(flag, 1))
        #define bpecore_leave(flag) bpecore_store_release(flag, 0)
    #else
        #define bpecore_enter(flag) (*(flag) ? 0 : (*(flag) = 1))
        #define bpecore_leave(flag) ((void)(*(flag) = 0))
    #endif
    """
    # Sets an object's flag; returns whether it was free.
    bint enter "bpecore_enter" (bint *flag) noexcept nogil
    # Clears the flag. Precondition: the caller owns the object.
    void leave "bpecore_leave" (bint *flag) noexcept nogil
