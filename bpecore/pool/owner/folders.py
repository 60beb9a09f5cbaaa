"""The folders of the pools' sockets, and what is left of pools that were killed."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bpecore.pool.wire.control import is_dead
from bpecore.pool.wire.segments import YOUNG_SECONDS

PREFIX = "bpecore-pool-"


def make_folder() -> str:
    """Makes a folder for a pool's sockets, which only this user may enter; returns its path."""
    return tempfile.mkdtemp(prefix=PREFIX)


def sweep_folders() -> None:
    """Removes the folders of pools that were killed together with their workers."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is gone
            # A young one may be starting: its socket exists a moment before anybody listens.
            is_young = time.time() - folder.stat().st_mtime < YOUNG_SECONDS
            if not is_young and is_dead(str(folder / "pool")):
                shutil.rmtree(folder, ignore_errors=True)
