"""A worker as the pool's process sees it: its process, its numbers, and its successors."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from multiprocessing.context import BaseContext
from typing import Any

from bpecore.core import Encoding
from bpecore.pool.errors import PoolError
from bpecore.pool.metrics import WorkerMetrics
from bpecore.pool.owner.health import HealthCheck, use_of
from bpecore.pool.wire.control import Control
from bpecore.pool.wire.segments import Segment, create_segment, new_owner
from bpecore.pool.wire.statistics import (
    COUNTS,
    FIRST_BUCKET,
    PLACES,
    STATISTICS_BYTES,
    WORDS,
    StatisticsReader,
)
from bpecore.pool.worker.process import main
from bpecore.pool.worker.serving import WorkerPlace

RESTART_SECONDS = (0.1, 5.0)
"""A worker that dies before it is ready is started again after the first of these, then each time
after twice as long, up to the second."""

END_SECONDS = 2.0
"""How long a worker may take to end before it is killed."""

WORKER_NAME = "bpecore-pool-"
MADE_POOL_EXIT_CODE = 83
"""The exit code of a worker that would make a pool of its own when it imports the main module."""

NEEDS_GUARD = 'make the pool under `if __name__ == "__main__":`'


def refuse_while_main_is_imported() -> None:
    """Refuses to make a pool in a new process that is still importing the main module.

    Raises:
        SystemExit: this is a worker; its pool's process says what is wrong.
        PoolError: it is another process.
    """
    process = multiprocessing.current_process()
    if getattr(process, "_inheriting", False):
        if process.name.startswith(WORKER_NAME):
            raise SystemExit(MADE_POOL_EXIT_CODE)
        raise PoolError(f"a new process imports the main module, which makes a pool: {NEEDS_GUARD}")


class WorkerProcess:
    """One worker's place in the pool, and the process that has it now.

    Args:
        index: its number.

    Attributes:
        restarts: how often its process was started again.
        process: the process.
        control: its connection; None until it is ready.
        address: the path of its socket.
        due: when to start a process, in seconds of `time.monotonic`; None: there is one.
        failures: starts that have failed since a process was last ready.
        failure: why the last one failed.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.restarts = 0
        self.process: Any = None
        self.control: Control | None = None
        self.address = ""
        self.due: float | None = None
        self.failures = 0
        self.failure = ""
        self._restart_seconds = RESTART_SECONDS[0]
        self._segment: Segment | None = None
        self._statistics: StatisticsReader | None = None
        self._earlier = [0] * WORDS
        self._health: HealthCheck | None = None

    def start(self, context: BaseContext, encoding: Encoding, folder: str, token: str) -> None:
        """Starts a process."""
        self.due = None
        segment = create_segment(STATISTICS_BYTES, new_owner())
        self._segment = segment
        self._statistics = StatisticsReader(segment)
        place = WorkerPlace(self.index, self.restarts, encoding, folder, token, segment.name)
        self.address = place.address
        contexts: Any = context  # the type that they share lacks `Process`
        process = contexts.Process(
            target=main, args=(place,), name=f"{WORKER_NAME}{self.index}", daemon=True
        )
        process.start()
        self.process = process

    def is_ready(self, control: Control, health: HealthCheck | None) -> None:
        """Notes that the process is ready; its shared memory no longer needs a name."""
        self.control = control
        self._health = health
        self._restart_seconds = RESTART_SECONDS[0]
        self.failures = 0
        self._unlink()

    def check(self) -> None:
        """Kills the process if it is stuck; then it counts as one that has died."""
        if self._health is not None and self.control is not None and self._statistics is not None:
            beats, size = self._statistics.beats()
            if self._health.is_stuck(beats, size, use_of(self.process.pid)):
                self.process.kill()

    def failed_to_start(self, why: str) -> None:
        """Notes that there is no process, why, and when to try again."""
        self.failures += 1
        self.failure = why
        self._unlink()
        self._keep_numbers()
        self.due = time.monotonic() + self._restart_seconds
        self._restart_seconds = min(2 * self._restart_seconds, RESTART_SECONDS[1])

    def died(self) -> None:
        """Notes that the process has ended, and keeps its numbers."""
        self.process.join()
        if self.control is None:
            self.failed_to_start(_why_it_ended(self.process.exitcode))
        else:
            self.due = time.monotonic()
            self.control.close()
            self.control = None
        self._keep_numbers()
        with suppress(ValueError):  # where SIGCHLD is ignored, nobody can know that it has ended
            self.process.close()
        self.process = None
        self.restarts += 1

    def _unlink(self) -> None:
        if self._segment is not None:
            self._segment.unlink()

    def _keep_numbers(self) -> None:
        """Adds the numbers of a process that has ended to those of earlier ones."""
        if self._statistics is None:
            return
        for place, number in enumerate(self._statistics.read()):
            if place < len(COUNTS) or place >= FIRST_BUCKET:
                self._earlier[place] += number
        self._statistics.close()
        self._statistics = None

    def end(self) -> None:
        """Waits for the process to end, and kills it if it does not."""
        if self.process is not None:
            self.process.join(END_SECONDS)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
        self._unlink()
        if self.control is not None:
            self.control.close()
        self._keep_numbers()

    def metrics(self) -> WorkerMetrics:
        """Returns its numbers."""
        now = self._statistics.read() if self._statistics is not None else [0] * WORDS
        numbers = [before + number for before, number in zip(self._earlier, now)]
        named = {name: numbers[place] for name, place in PLACES.items()}
        return WorkerMetrics(
            process=self.process.pid if self.control is not None else 0,
            restarts=self.restarts,
            latency_counts=tuple(numbers[FIRST_BUCKET:]),
            latency_sum_seconds=named.pop("latency_sum_ns") / 1e9,
            **named,
        )


def _why_it_ended(exit_code: int | None) -> str:
    """Returns why a process ended before it was ready."""
    if exit_code == MADE_POOL_EXIT_CODE:
        return f"it imported the main module, which makes a pool: {NEEDS_GUARD}"
    if exit_code is None:  # where SIGCHLD is ignored
        return "it ended before it was ready"
    if exit_code < 0:
        return f"signal {-exit_code} ended it before it was ready"
    return (
        f"it ended with exit code {exit_code} before it was ready. It imports the main module: if "
        f"that makes the pool, {NEEDS_GUARD}; otherwise its own error is above"
    )
