"""Functions that hold a lock while they run, whatever a signal handler raises.

`with lock:` is several steps of the interpreter, and a signal handler that raises may run between
two of them: after the lock is taken and before the block begins (CPython 3.14: its issue 148874),
or after the block and before the lock is released (3.9: bpo-29988). Then nobody releases it.
Here these steps are C, and no handler runs between them. One may raise while a thread waits for the
lock, which is then not taken, and inside the function, after which the lock is released.

The locks are those of `threading`, whose methods are C as well.
"""

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
