"""The thread that runs Python's signal handlers."""

import os
import threading

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef unsigned long main_thread = threading.main_thread().ident


def _find_main_thread() -> None:
    """Records the main thread; in a forked child it is the thread that forked."""
    global main_thread
    main_thread = threading.main_thread().ident


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_find_main_thread)


cdef inline bint handles_signals():
    """Returns whether the calling thread runs signal handlers."""
    return PyThread_get_thread_ident() == main_thread
