"""Writes files so that a reader sees the old contents or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os

IN_USE_SECONDS = 1.0
"""How long to wait for a file that is open elsewhere, which Windows does not replace: a reader or a
virus scanner is done in a moment, but a mapped file stays."""


def write_atomically(path: str, contents: bytes) -> None:
    """Writes a file under another name and renames it; missing folders are made.

    Any number of processes may do so at once; one of their files remains.

    Args:
        path: the file.
        contents: its bytes.

    Raises:
        OSError: the file cannot be written; nothing is left behind. On Windows this is a
            `PermissionError` if another process keeps the old file open.
    """
    directory = os.path.dirname(path)
    if directory:
        os.makedirs(directory, exist_ok=True)
    # In the same directory, so that the replacement is a rename. Not by the tempfile module:
    # its files are private to their owner, and a cache may be shared.
    temporary_path = f"{path}.{os.urandom(8).hex()}.tmp"
    try:
        with open(temporary_path, "xb") as file:
            file.write(contents)
        _replace(temporary_path, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary_path)
        raise


def _replace(source: str, target: str) -> None:
    """Renames a file."""
    import time

    deadline = time.monotonic() + IN_USE_SECONDS
    while True:
        try:
            return os.replace(source, target)
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
        time.sleep(0.01)
