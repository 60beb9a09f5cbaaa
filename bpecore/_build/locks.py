"""The locks of this process, in the order in which a thread takes them, and how they survive a fork.

Only the forking thread lives on in a child of `os.fork`, so a lock that another thread held would
stay locked there for ever. A fork therefore waits until the locks are free, so that what they guard
is consistent. It does not wait for ever, because a thread that holds a lock may itself wait for the
fork: after `FORK_WAIT_SECONDS` it goes on, and that lock is free in the child.
"""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

FORK_WAIT_SECONDS = 5.0
"""How long a fork waits for a lock: far longer than loading an encoding from the package takes."""

registry_lock = threading.RLock()
dropin_lock = threading.RLock()
pattern_lock = threading.RLock()
vocabulary_lock = threading.RLock()
ranks_lock = threading.RLock()

# `Any`: to type checkers RLock is no class, and their stubs lack the reset for a child.
_IN_ORDER: tuple[Any, ...] = (registry_lock, dropin_lock, pattern_lock, vocabulary_lock, ranks_lock)
_taken: dict[int, list[Any]] = {}
"""The locks that each forking thread took for its fork, by the thread's number."""


def _before_fork() -> None:
    _taken[threading.get_ident()] = [
        lock for lock in _IN_ORDER if lock.acquire(timeout=FORK_WAIT_SECONDS)
    ]


def _after_fork_in_parent() -> None:
    for lock in _taken.pop(threading.get_ident(), []):
        lock.release()


def _after_fork_in_child() -> None:
    # The forking thread keeps its number, and each lock that it held before.
    taken = _taken.pop(threading.get_ident(), [])
    _taken.clear()
    for lock in _IN_ORDER:
        if lock in taken:
            lock.release()
        else:
            lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
