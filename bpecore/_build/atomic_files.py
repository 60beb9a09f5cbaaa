"""Writes files so that a reader sees the old contents or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os


def write_atomically(path: str, contents: bytes) -> None:
    """Writes a file under another name and renames it; missing folders are made.

    Any number of processes may do so at once; one of their files remains.

    Args:
        path: the file.
        contents: its bytes.

    Raises:
        OSError: the file cannot be written; nothing is left behind.
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
        os.replace(temporary_path, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary_path)
        raise
