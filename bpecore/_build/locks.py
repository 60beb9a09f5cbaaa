"""The locks of this process in the order in which a thread takes them, and how they survive a fork.

Only the forking thread lives on in a child of `os.fork`, so a lock that another thread held would
stay locked there for ever. A fork therefore waits until the locks are free, so that what they guard
is consistent. It does not wait for ever, because a thread that holds a lock may itself wait for the
fork: after `FORK_WAIT_SECONDS` it goes on, and that lock is free in the child.
"""

from __future__ import annotations

import threading

from bpecore._core import free_at_forks

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

FORK_WAIT_SECONDS = 5.0
"""How long a fork waits for a lock: far longer than loading an encoding from the package takes."""

# `Any`: to type checkers RLock is not a class.
registry_lock: Any = threading.RLock()
dropin_lock: Any = threading.RLock()
pattern_lock: Any = threading.RLock()
vocabulary_lock: Any = threading.RLock()
ranks_lock: Any = threading.RLock()

_IN_ORDER: tuple[Any, ...] = (registry_lock, dropin_lock, pattern_lock, vocabulary_lock, ranks_lock)

free_at_forks(_IN_ORDER, lambda: FORK_WAIT_SECONDS)
