"""Opens inputs: local files, and remote ones through fsspec."""

from __future__ import annotations

import os
from typing import IO, Any, NamedTuple

from bpecore.corpus.errors import CorpusError, InputError
from bpecore.corpus.extra import library

STANDARD_INPUT = "-"


class Status(NamedTuple):
    """What is known of a file without reading it.

    Attributes:
        size: bytes.
        version: its time of modification in nanoseconds, or what a remote store has for it.
    """

    size: int
    version: str


def is_remote(path: str) -> bool:
    """Returns whether a path is for fsspec."""
    return "://" in path


def file_system(url: str) -> tuple[Any, str]:
    """Returns the file system of a URL, and the path there.

    Raises:
        CorpusError: fsspec, or what it needs for this URL, is not installed.
        InputError: the URL is not one.
    """
    core = library("fsspec.core", f"{url}: a remote path")
    try:
        found: tuple[Any, str] = core.url_to_fs(url)
    except ImportError as error:
        raise CorpusError(f"{url}: {error}") from None
    except Exception as error:
        raise InputError(f"{url}: {error}") from None
    return found


def status_of(path: str) -> Status:
    """Returns what is known of a file without reading it.

    Raises:
        InputError: there is no such file, or it is none.
    """
    if is_remote(path):
        system, inside = file_system(path)
        try:
            return Status(int(system.info(inside)["size"]), str(system.ukey(inside)))
        except Exception as error:
            raise InputError(f"{path}: {reason_of(error)}") from None
    try:
        found = os.stat(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return Status(found.st_size, str(found.st_mtime_ns))


def open_raw(path: str, buffering: int = 0) -> IO[bytes]:
    """Opens a file as it is, compressed or not.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        if is_remote(path):
            system, inside = file_system(path)
            remote: IO[bytes] = system.open(inside, "rb")
            return remote
        return open(path, "rb", buffering=buffering)
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from None


def reason_of(error: Exception) -> str:
    """Returns an error as one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
