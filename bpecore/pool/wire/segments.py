"""Shared memory whose name lives for a moment only.

A segment has a name in the file system (Linux: `/dev/shm`) until it is unlinked, and its memory
lives on until the last process that has it open is gone, however that ends. So whoever makes a
segment tells its name to the one other process that needs it, and unlinks it as soon as that has
opened it. From then on nothing can be left behind. What is left of the moment before, if a process
is killed in it, `sweep` finds.

Linux gives a segment its pages when they are first written, and kills who writes where there is no
room for more (SIGBUS). So all are asked for when a segment is made: containers have 64 MB by
default, sixteen pairs of a client and a worker.

Python's resource tracker is kept out of it. Before Python 3.13 it counts a segment that is merely
opened as one that was made (bpo-38119), unlinks what other processes still use, and complains about
names that are gone.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

PREFIX = "bpecore-"
FOLDER = Path("/dev/shm")

YOUNG_SECONDS = 10.0
"""How long a name is left alone whose maker does not seem to live: it may live where processes are
numbered anew."""

ROOM_SECONDS = 1.0
"""How long to wait for room: a client that has just left has its memory until its workers have seen
that, which takes them a request at most."""

ROOM_STEP = 1 << 20
"""Bytes that are asked for at once. A signal may undo the call that it interrupts; one that comes
again and again would do so for ever with a large one."""

NOT_SUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""What a system says that cannot set pages aside; there they come as they are written."""

NAME = re.compile(PREFIX + r"(?P<owner>(?P<process>\d+)-[0-9a-f]{6})-[0-9a-f]{6}")

_tracker_lock = threading.Lock()

_REGISTER: Any = resource_tracker.register
_UNREGISTER: Any = resource_tracker.unregister


@contextmanager
def _untracked() -> Iterator[dict[str, bool]]:
    """Gives the arguments that keep a segment of ours from the resource tracker."""
    if sys.version_info >= (3, 13):
        yield {"track": False}
        return
    tracker: Any = resource_tracker
    with _tracker_lock:

        def register_others(name: str, kind: str) -> None:
            if not name.lstrip("/").startswith(PREFIX):  # another thread's
                _REGISTER(name, kind)

        def unregister_others(name: str, kind: str) -> None:
            if not name.lstrip("/").startswith(PREFIX):
                _UNREGISTER(name, kind)

        tracker.register, tracker.unregister = register_others, unregister_others
        try:
            yield {}
        finally:
            tracker.register, tracker.unregister = _REGISTER, _UNREGISTER


def new_owner() -> str:
    """Returns a name for who makes segments: no other pool or client has the same.

    It begins with the process's number. macOS allows 30 characters for all of a segment's name.
    """
    return f"{os.getpid()}-{secrets.token_hex(3)}"


def create_segment(size: int, owner: str, patience: float = 0.0) -> SharedMemory:
    """Makes a segment of zeros.

    Args:
        size: bytes.
        owner: what `new_owner` returned, for `sweep`.
        patience: seconds to wait for room at most.

    Returns:
        The segment; its name is to be unlinked as soon as it is open at the other end.

    Raises:
        OSError: there is no room for it, or no descriptor.
    """
    name = f"{PREFIX}{owner}-{secrets.token_hex(3)}"
    with _untracked() as arguments:
        segment = SharedMemory(name, create=True, size=size, **arguments)
    try:
        if FOLDER.is_dir():  # Linux
            _set_aside(FOLDER / name, size, time.monotonic() + patience)
    except BaseException:
        unlink_segment(segment)
        close_segment(segment)
        raise
    return segment


def _set_aside(file: Path, size: int, deadline: float) -> None:
    """Asks for all pages of a segment."""
    with file.open("r+b") as segment:
        start = 0
        while start < size:
            try:
                _check_room(size - start)
                os.posix_fallocate(segment.fileno(), start, min(ROOM_STEP, size - start))
            except OSError as error:
                if error.errno in NOT_SUPPORTED:
                    return
                if error.errno not in (errno.ENOSPC, errno.ENOMEM):
                    raise
                if time.monotonic() > deadline:
                    raise OSError(
                        error.errno,
                        f"there are no {size} bytes of shared memory in {FOLDER} "
                        f"({error.strerror}): a pool needs twice its `ring_bytes` for each client "
                        f"and worker",
                    ) from None
                time.sleep(0.002)
            else:
                start += ROOM_STEP


def _check_room(size: int) -> None:
    """Raises what the system would once it had given all that there is: others need that, too."""
    system = os.statvfs(FOLDER)
    if system.f_blocks and size > system.f_bavail * system.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def open_segment(name: str) -> SharedMemory:
    """Opens a segment that another process has made.

    Raises:
        FileNotFoundError: there is none of that name.
        ValueError: the name is not one of ours.
    """
    if not name.startswith(PREFIX):
        raise ValueError(f"not the name of a pool's segment: {name!r}")
    with _untracked() as arguments:
        return SharedMemory(name, **arguments)


def close_segment(segment: SharedMemory) -> None:
    """Closes a segment, of which no view should be left.

    An exception that somebody keeps may hold a view in its traceback. If a collection does not free
    that, the memory is left to the end of the process: nobody is to be stopped by it.
    """
    try:
        segment.close()
    except BufferError:
        gc.collect()
        try:
            segment.close()
        except BufferError:
            # Its `__del__` would try once more, and print that it could not.
            segment.close = _do_nothing  # type: ignore[method-assign]


def _do_nothing() -> None:
    pass


def unlink_segment(segment: SharedMemory) -> None:
    """Takes a segment's name away, if it still has one; its memory stays until it is closed."""
    with _untracked(), suppress(FileNotFoundError):
        segment.unlink()


def sweep(owner: str | None = None) -> int:
    """Removes the names that killed processes have left behind.

    Args:
        owner: one that has ended, whose names all go; None: names of processes that have ended.

    Returns:
        How many there were.
    """
    removed = 0
    with suppress(OSError):  # no Linux: the names cannot be listed
        for name in os.listdir(FOLDER):
            with suppress(OSError):  # gone meanwhile, or another user's
                if _is_left_behind(name, owner):
                    (FOLDER / name).unlink()
                    removed += 1
    return removed


def _is_left_behind(name: str, owner: str | None) -> bool:
    found = NAME.fullmatch(name)
    if found is None or owner is not None:
        return found is not None and found["owner"] == owner
    age = time.time() - (FOLDER / name).stat().st_mtime
    return age > YOUNG_SECONDS and not _lives(int(found["process"]))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _renew() -> None:
    """In a child of a fork: another thread may have been in the midst of `_untracked`."""
    global _tracker_lock
    _tracker_lock = threading.Lock()
    tracker: Any = resource_tracker
    tracker.register, tracker.unregister = _REGISTER, _UNREGISTER


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
