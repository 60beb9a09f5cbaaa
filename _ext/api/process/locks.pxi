"""Functions that hold a lock while they run, even if a signal handler raises.

`with lock:` is several steps of the interpreter, and a signal handler that raises may run between
two of them: after the lock is taken and before the block begins (CPython 3.14: its issue 148874),
or after the block and before the lock is released (3.9: bpo-29988). Then nobody releases it.
Here these steps are C, and no handler runs between them. One may raise while a thread waits for the
lock, which is then not taken, and inside the function, after which the lock is released.

The locks are those of `threading`, whose methods are C as well.
"""

import os
import threading
from functools import wraps


def holding(lock):
    """Returns a decorator that makes a function hold a lock while it runs.

    Args:
        lock: a `threading.Lock` or `threading.RLock`.
    """
    def decorate(function):
        @wraps(function)
        def hold(*args):
            lock.acquire()
            try:
                return function(*args)
            finally:
                lock.release()
        return hold
    return decorate


def locked(method):
    """Makes a method hold its object's `_lock` while it runs; its arguments are positional."""
    @wraps(method)
    def hold(self, *args):
        lock = self._lock
        lock.acquire()
        try:
            return method(self, *args)
        finally:
            lock.release()
    return hold


def free_at_forks(locks, patience) -> None:
    """Makes forks wait for locks, and frees in a child those that other threads hold.

    Args:
        locks: `threading.RLock`s, in the order in which threads take them.
        patience: returns how many seconds to wait for each.
    """
    taken = {}  # the locks that each forking thread took for its fork, by the thread's number

    def before():
        noted = taken[threading.get_ident()] = []
        seconds = patience()
        for lock in locks:
            if lock.acquire(timeout=seconds):
                noted.append(lock)

    def in_parent():
        for lock in taken.pop(threading.get_ident(), ()):
            lock.release()

    def in_child():
        # The forking thread keeps its number, and each lock that it held before.
        noted = taken.pop(threading.get_ident(), ())
        taken.clear()
        for lock in locks:
            if lock in noted:
                lock.release()
            else:
                lock._at_fork_reinit()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
