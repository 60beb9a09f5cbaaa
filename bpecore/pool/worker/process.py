"""The process of a worker: how it starts and ends."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from contextlib import suppress
from multiprocessing import parent_process

from bpecore.pool.wire.control import is_dead
from bpecore.pool.wire.segments import open_segment
from bpecore.pool.worker.serving import Worker, WorkerPlace


def main(place: WorkerPlace) -> None:
    """Runs a worker; the target of its process."""
    # Ctrl-C goes to all processes of a terminal; the pool's process decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool, started_by = parent_process(), os.getppid()
    is_child = pool is None or pool.pid == started_by  # not of a forkserver, which may die alone

    def is_orphan() -> bool:
        has_ended = pool is not None and not pool.is_alive()
        return has_ended or (is_child and os.getppid() != started_by)

    try:
        worker = Worker(place, is_orphan)
        gc.collect()
        gc.freeze()  # a full collection would walk through all modules, which takes milliseconds
        worker.run()
    finally:
        if is_orphan() and is_dead(f"{place.folder}/pool"):
            _tidy(place)


def _tidy(place: WorkerPlace) -> None:
    """Removes what the pool's process can no longer remove."""
    shutil.rmtree(place.folder, ignore_errors=True)
    with suppress(FileNotFoundError):
        segment = open_segment(place.statistics)
        segment.unlink()
        segment.close()
