# Whether an object is in use: by another thread, or by the same one, whose call runs a user's code
# (an id's `__index__`, a codec's error handler, a handler of signals) that calls the object again.
# A call that finds it in use has to be refused: it would change buffers that the first one reads.
#
# With the GIL a plain flag does. Without, the flag is exchanged atomically: who finds it clear has
# the object, and acquires what the one before has released.

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
        #define bpecore_enter(flag) (!__atomic_exchange_n(flag, 1, __ATOMIC_ACQUIRE))
        #define bpecore_leave(flag) __atomic_store_n(flag, 0, __ATOMIC_RELEASE)
    #else
        #define bpecore_enter(flag) (*(flag) ? 0 : (*(flag) = 1))
        #define bpecore_leave(flag) ((void)(*(flag) = 0))
    #endif
    """
    # Takes an object by its flag; whether it was free.
    bint enter "bpecore_enter" (bint *flag) noexcept nogil
    # Frees it. Precondition: the caller has it.
    void leave "bpecore_leave" (bint *flag) noexcept nogil
