"""tiktoken's cache of downloads: a directory of files, each named by the SHA-1 of its URL."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from typing import Callable

from bpecore._build.atomic_files import write_atomically
from bpecore.data.appearance import appearance


def find_cache_directory() -> tuple[str, bool]:
    """Returns the cache directory, "" if caching is off, and whether the user chose it."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return os.environ[variable], True
    return os.path.join(tempfile.gettempdir(), "data-gym-cache"), False


class CacheFile:
    """A file of the cache directory, which need not exist.

    Attributes:
        path: the file; None without a cache.
        is_users_choice: whether the user chose the directory.
        damage: what was found out about contents that failed the check, for errors.
    """

    def __init__(self, url: str) -> None:
        directory, self.is_users_choice = find_cache_directory()
        name = hashlib.sha1(url.encode()).hexdigest()
        self.path = os.path.join(directory, name) if directory else None
        self.damage = ""

    def read(self, is_valid: Callable[[bytes], bool]) -> bytes | None:
        """Returns the contents, or None; removes contents that fail the check."""
        if self.path is None:
            return None
        try:
            with open(self.path, "rb") as file:
                contents = file.read()
        except FileNotFoundError:
            return None
        except OSError:
            if self.is_users_choice:
                raise
            return None
        if is_valid(contents):
            return contents
        self.damage = (
            f" (the cached copy {self.path} was damaged and is not used.{appearance(contents)})"
        )
        # If it cannot be removed, it cannot be replaced either, which is reported later.
        with contextlib.suppress(OSError):
            os.remove(self.path)
        return None

    def write(self, contents: bytes) -> None:
        """Keeps contents; a default directory that cannot be used is ignored."""
        if self.path is None:
            return
        try:
            write_atomically(self.path, contents)
        except OSError:
            if self.is_users_choice:
                raise
