"""Shared memory whose name lives for a moment only.

A segment has a name in the file system (Linux: `/dev/shm`) until it is unlinked, and its memory
lives until the last process that has it open is gone, however that ends. So the process that makes
a segment sends its name to the one other process that needs it, and unlinks it once that has opened
it. From then on nothing can be left behind. If a process is killed in the moment before, `sweep`
removes the name.

Linux gives a segment its pages when they are first written, and kills a process that writes where
there is no room for more (SIGBUS). So all pages are allocated when a segment is made: containers
have 64 MB by default, sixteen pairs of a client and a worker.

Not `multiprocessing.shared_memory`: before Python 3.13 its resource tracker counts a segment that
is merely opened as one that was made (bpo-38119), unlinks what others still use, and complains
about names that are gone.
"""

from __future__ import annotations

import _posixshmem  # type: ignore[import-not-found,unused-ignore]
import errno
import gc
import mmap
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "bpecore-"
FOLDER = Path("/dev/shm")

YOUNG_SECONDS = 10.0
"""Grace period before removing a name whose creator looks dead: it may be alive in a container that
numbers processes differently."""

ROOM_SECONDS = 1.0
"""How long to wait for room: a client that has just left keeps its memory until its workers have
noticed, which takes them one request at most."""

ROOM_STEP = 1 << 20
"""Bytes allocated per call. A signal may undo the call that it interrupts; repeated signals would
do so for ever to a call for many bytes."""

NOT_SUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
"""Errors of systems that cannot allocate pages in advance; there they come as they are written."""

NAME = re.compile(PREFIX + r"(?P<owner>(?P<process>\d+)-[0-9a-f]{6})-[0-9a-f]{6}")


class Segment:
    """An open segment.

    Args:
        name: its name.
        size: bytes of a new segment of zeros; None: opens one that another process has made.

    Raises:
        OSError: there is no such segment, or no descriptor.

    Attributes:
        name: its name.
        buf: its memory.
    """

    def __init__(self, name: str, size: int | None = None) -> None:
        self.name = name
        flags = os.O_RDWR if size is None else os.O_RDWR | os.O_CREAT | os.O_EXCL
        descriptor = _posixshmem.shm_open(f"/{name}", flags, 0o600)
        try:
            if size is not None:
                os.ftruncate(descriptor, size)
            self._memory = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        except BaseException:
            if size is not None:
                self.unlink()
            raise
        finally:
            os.close(descriptor)
        self.buf = memoryview(self._memory)

    def close(self) -> None:
        """Closes the segment. No view of it should remain.

        An exception that is kept somewhere may hold a view in its traceback. If a garbage
        collection does not free that, the memory stays until the process ends, without an error.
        """
        try:
            self._release()
        except BufferError:
            gc.collect()
            with suppress(BufferError):
                self._release()

    def _release(self) -> None:
        self.buf.release()
        self._memory.close()

    def unlink(self) -> None:
        """Removes the segment's name, if it still has one; its memory stays until it is closed."""
        with suppress(FileNotFoundError):
            _posixshmem.shm_unlink(f"/{self.name}")


def new_owner() -> str:
    """Returns a name for the owner of segments: no other pool or client has the same.

    It begins with the process's number. macOS allows 30 characters for a segment's whole name.
    """
    return f"{os.getpid()}-{secrets.token_hex(3)}"


def create_segment(size: int, owner: str, patience: float = 0.0) -> Segment:
    """Makes a segment of zeros.

    Args:
        size: bytes.
        owner: what `new_owner` returned, for `sweep`.
        patience: seconds to wait for room at most.

    Returns:
        The segment. Unlink its name as soon as the other process has opened it.

    Raises:
        OSError: there is no room for it, or no descriptor.
    """
    segment = Segment(f"{PREFIX}{owner}-{secrets.token_hex(3)}", size)
    try:
        if FOLDER.is_dir():  # Linux
            _allocate(FOLDER / segment.name, size, time.monotonic() + patience)
    except BaseException:
        segment.unlink()
        segment.close()
        raise
    return segment


def _allocate(path: Path, size: int, deadline: float) -> None:
    """Allocates all pages of a segment."""
    with path.open("r+b") as file:
        start = 0
        while start < size:
            try:
                _check_room(size - start)
                os.posix_fallocate(file.fileno(), start, min(ROOM_STEP, size - start))
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
    """Raises the system's error before everything is allocated, which others need as well."""
    system = os.statvfs(FOLDER)
    if system.f_blocks and size > system.f_bavail * system.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def open_segment(name: str) -> Segment:
    """Opens a segment that another process has made.

    Raises:
        FileNotFoundError: there is none of that name.
        ValueError: the name is not one of a pool.
    """
    if not name.startswith(PREFIX):
        raise ValueError(f"not the name of a pool's segment: {name!r}")
    return Segment(name)


def sweep(owner: str | None = None) -> int:
    """Removes the names that killed processes have left behind.

    Args:
        owner: an owner that has ended, all of whose names go; None: the names of dead processes.

    Returns:
        How many there were.
    """
    removed = 0
    with suppress(OSError):  # not Linux: the names cannot be listed
        for name in os.listdir(FOLDER):
            with suppress(OSError):  # it is gone, or another user's
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
