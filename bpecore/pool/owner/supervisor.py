"""The thread of the pool's process that starts workers, starts them again, and knows all clients.

No text and no id passes through it.
"""

from __future__ import annotations

import multiprocessing.connection  # noqa: F401  # else imported when there may be no descriptor
import os
import secrets
import selectors
import shutil
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Callable

from bpecore.core import Encoding
from bpecore.pool.errors import PoolError
from bpecore.pool.metrics import PoolMetrics, WorkerMetrics
from bpecore.pool.owner.watch import Watch, look_interval, use_of
from bpecore.pool.wire.control import NO_SIGNAL, Control, is_dead
from bpecore.pool.wire.listener import Listener
from bpecore.pool.wire.segments import (
    YOUNG_SECONDS,
    create_segment,
    new_owner,
    sweep,
    unlink_segment,
)
from bpecore.pool.wire.statistics import (
    COUNTS,
    FIRST_BUCKET,
    PLACES,
    STATISTICS_BYTES,
    WORDS,
    StatisticsReader,
)
from bpecore.pool.worker.process import WorkerPlace, main

FOLDER_PREFIX = "bpecore-pool-"

HOPELESS_STARTS = 4
"""After how many failed starts of each worker clients are told that there is none."""

RESTART_SECONDS = (0.1, 5.0)
"""A worker that dies before it is ready is started again after the first of these; each further
time after twice as long, up to the second."""

END_SECONDS = 2.0
"""How long a worker that is told to end may take, until it is killed."""


class WorkerProcess:
    """One worker's place, and the process that has it now.

    Attributes:
        index: its number.
        restarts: how often its process was started anew.
        process: the process.
        control: its connection; None until it is ready.
        address: the path of its socket.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.restarts = 0
        self.process: Any = None
        self.control: Control | None = None
        self.address = ""
        self.patience = RESTART_SECONDS[0]
        self.due: float | None = None
        self.failures = 0
        self.failure = ""
        self._segment: Any = None
        self._statistics: StatisticsReader | None = None
        self._earlier = [0] * WORDS
        self._watch: Watch | None = None

    def start(self, context: BaseContext, encoding: Encoding, folder: str, token: str) -> None:
        """Starts a process."""
        self.due = None
        segment = create_segment(STATISTICS_BYTES, new_owner())
        self._segment = segment
        self._statistics = StatisticsReader(segment)
        place = WorkerPlace(self.index, self.restarts, encoding, folder, token, segment.name)
        self.address = place.address
        # Typed as what all contexts have in common, which leaves `Process` out.
        make: Any = context
        process = make.Process(
            target=main, args=(place,), name=f"bpecore-pool-{self.index}", daemon=True
        )
        process.start()
        self.process = process

    def is_ready(self, control: Control, watch: Watch | None) -> None:
        """Notes that the process has begun; its shared memory needs no name any more."""
        self.control = control
        self._watch = watch
        self.patience = RESTART_SECONDS[0]
        self.failures = 0
        unlink_segment(self._segment)

    def look(self) -> None:
        """Kills the process if it is stuck; then it is one that has died."""
        if self._watch is not None and self.control is not None and self._statistics is not None:
            beats, size = self._statistics.beats()
            if self._watch.is_stuck(beats, size, use_of(self.process.pid)):
                self.process.kill()

    def failed_to_start(self, why: str) -> None:
        """Notes that there is no process, why, and when to try again."""
        self.failures += 1
        self.failure = why
        if self._segment is not None:
            unlink_segment(self._segment)
        self._keep_numbers()
        self.due = time.monotonic() + self.patience
        self.patience = min(2 * self.patience, RESTART_SECONDS[1])

    def died(self) -> None:
        """Notes that the process has ended, and keeps its numbers."""
        if self.control is None:
            code = self.process.exitcode
            self.failed_to_start(f"it ended with exit code {code} before it was ready")
        else:
            self.due = time.monotonic()
            self.control.close()
            self.control = None
        self._keep_numbers()
        self.process.join()
        with suppress(ValueError):  # where SIGCHLD is ignored, nobody can tell that it has ended
            self.process.close()
        self.process = None
        self.restarts += 1

    def _keep_numbers(self) -> None:
        if self._statistics is None:
            return
        for place, number in enumerate(self._statistics.read()):
            if place < len(COUNTS) or place >= FIRST_BUCKET:
                self._earlier[place] += number
        self._statistics.close()
        self._statistics = None

    def end(self) -> None:
        """Waits for the process, which was told to end, and kills it if it does not."""
        if self.process is not None:
            self.process.join(END_SECONDS)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
        if self._segment is not None:
            unlink_segment(self._segment)
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


class Supervisor:
    """Starts the workers and the thread; see the module.

    Args:
        encoding: what the workers work with.
        processes: how many.
        context: how processes are started.
        stuck_after: seconds after which a worker that gets nothing done is killed; None: never.

    Raises:
        PoolError: a worker did not start.

    Attributes:
        folder: where the sockets are.
        token: the secret that connections begin with.
    """

    def __init__(
        self,
        encoding: Encoding,
        processes: int,
        context: BaseContext,
        stuck_after: float | None,
    ) -> None:
        self.process = os.getpid()
        self.token = secrets.token_hex(32)
        self._encoding = encoding
        self._context = context
        self._stuck_after = stuck_after
        self._look_at = time.monotonic()
        self._lock = threading.Lock()
        self._workers = [WorkerProcess(index) for index in range(processes)]
        self._strangers: set[Control] = set()
        self._clients: dict[Control, str] = {}
        self._drained: set[Control] = set()
        self._all_drained = threading.Event()
        self._is_closing = False
        self._ends = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._watch, name="bpecore-pool", daemon=True)
        self._opened = ExitStack()
        try:
            self._open()
        except BaseException:
            self._end_workers()
            self._clean()
            raise

    def _open(self) -> None:
        """Starts all; what it opens `_clean` closes."""
        sweep()
        sweep_folders()
        opened = self._opened
        self.folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX)
        opened.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._selector = opened.enter_context(selectors.DefaultSelector())
        self._wake, self._woken = map(opened.enter_context, socket.socketpair())
        self._selector.register(self._woken, selectors.EVENT_READ, self._hear_wake)
        self._listener = Listener(f"{self.folder}/pool", self._selector, self._accept)
        opened.callback(self._listener.close)
        for worker in self._workers:
            self._start(worker)
        while not all(worker.control for worker in self._workers):
            self._turn()
            for worker in self._workers:
                if worker.restarts:
                    raise PoolError(f"worker {worker.index} did not start: {worker.failure}")
        self._thread.start()

    def metrics(self) -> PoolMetrics:
        """Returns all numbers as they are now."""
        with self._lock:
            return PoolMetrics(
                tuple(worker.metrics() for worker in self._workers), len(self._clients)
            )

    # ---- the thread --------------------------------------------------------------------------

    def _watch(self) -> None:
        try:
            while not self._ends:
                self._turn()
        finally:
            self._all_drained.set()
            with self._lock:
                self._end_workers()
                self._clean()

    def _turn(self) -> None:
        """Waits until something happens, and does what follows from it."""
        due = [worker.due for worker in self._workers if worker.due is not None]
        if self._stuck_after is not None:
            due.append(self._look_at)
        if self._listener.due is not None:
            due.append(self._listener.due)
        timeout = max(min(due) - time.monotonic(), 0) if due else None
        for key, _ in self._selector.select(timeout):
            work: Callable[[], None] = key.data
            with self._lock:
                work()
        self._listener.watch_again()
        for worker in self._workers:
            if worker.due is not None and worker.due <= time.monotonic() and not self._ends:
                with self._lock:
                    self._start(worker)
        if self._stuck_after is not None and self._look_at <= time.monotonic():
            self._look_at = time.monotonic() + look_interval(self._stuck_after)
            with self._lock:
                for worker in self._workers:
                    worker.look()

    def _start(self, worker: WorkerProcess) -> None:
        try:
            worker.start(self._context, self._encoding, self.folder, self.token)
        except (OSError, EOFError) as error:  # no process, forkserver or memory is to be had now
            worker.failed_to_start(str(error) or repr(error))
            if not self._thread.is_alive():
                raise
            self._tell_if_hopeless()
            return
        self._selector.register(
            worker.process.sentinel, selectors.EVENT_READ, lambda: self._lose(worker)
        )

    def _lose(self, worker: WorkerProcess) -> None:
        if worker.process is not None:
            self._leave(worker.process.sentinel)
            if worker.control is not None:
                self._leave(worker.control)
            worker.died()
            self._tell_if_hopeless()

    def _tell_if_hopeless(self) -> None:
        """Has clients fail what they wait for, if no worker could be started time and again."""
        if min(worker.failures for worker in self._workers) >= HOPELESS_STARTS:
            for client in self._clients:
                client.send(do="despair", why=self._workers[0].failure)

    def _leave(self, source: Any) -> None:
        """Watches something no more; another event of the same turn may have said so before."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(source)

    def _hear_wake(self) -> None:
        self._woken.recv(64)
        if self._is_closing:
            for client in self._clients:
                client.send(do="drain")
            self._check_drained()

    def _accept(self) -> None:
        control = self._listener.accept()
        if control is not None:
            self._strangers.add(control)
            self._selector.register(control, selectors.EVENT_READ, lambda: self._greet(control))

    def _greet(self, control: Control) -> None:
        """Takes the first message of a worker or a client."""
        messages = control.receive()
        if messages == []:
            return
        self._leave(control)
        self._strangers.discard(control)
        if messages is None or messages[0].get("token") != self.token or self._is_closing:
            control.close()
        elif messages[0]["role"] == "worker":
            worker = self._workers[messages[0]["index"]]
            if worker.process is None or messages[0]["generation"] != worker.restarts:
                control.close()  # it has died meanwhile
            else:
                self._greet_worker(control, worker)
        else:
            self._clients[control] = messages[0]["owner"]
            workers = [[worker.index, worker.address] for worker in self._workers if worker.control]
            control.send(workers=workers)
            self._selector.register(
                control, selectors.EVENT_READ, lambda: self._hear_client(control)
            )

    def _greet_worker(self, control: Control, worker: WorkerProcess) -> None:
        watch = None if self._stuck_after is None else Watch(self._stuck_after)
        worker.is_ready(control, watch)
        self._selector.register(control, selectors.EVENT_READ, lambda: self._hear_worker(control))
        for client in self._clients:
            client.send(do="connect", index=worker.index, address=worker.address)

    def _hear_worker(self, control: Control) -> None:
        if control.receive() is None:  # its process is about to end, which is heard of as well
            self._leave(control)

    def _hear_client(self, control: Control) -> None:
        messages = control.receive()
        if messages is None:
            self._leave(control)
            sweep(self._clients.pop(control))
            control.close()
            self._drained.discard(control)
        elif any(message.get("did") == "drained" for message in messages):
            self._drained.add(control)
        self._check_drained()

    def _check_drained(self) -> None:
        if self._is_closing and self._drained >= set(self._clients):
            self._all_drained.set()

    # ---- the end ---------------------------------------------------------------------------

    def close(self, timeout: float) -> None:
        """Waits until all clients have their answers, then ends the workers and the thread.

        A second time, or in a child of a fork, it does nothing.

        Args:
            timeout: seconds to wait for the clients' answers at most.
        """
        if os.getpid() != self.process or self._is_closed:
            return
        self._is_closed = True
        self._is_closing = True
        try:
            self._tell()
            self._all_drained.wait(min(timeout, threading.TIMEOUT_MAX))
        finally:  # Ctrl-C ends the waiting only
            self._ends = True
            self._tell()
            self._thread.join()

    def _tell(self) -> None:
        """Has the thread look what is to be done; it may have ended."""
        with suppress(OSError):
            self._wake.send(b"\0", NO_SIGNAL)

    def _end_workers(self) -> None:
        for worker in self._workers:
            if worker.control is not None:
                worker.control.send(do="end")
            elif worker.process is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.end()

    def _clean(self) -> None:
        self._close_connections()
        self._opened.close()

    def _close_connections(self) -> None:
        for control in (*self._strangers, *self._clients):
            control.close()
        for worker in self._workers:
            if worker.control is not None:
                worker.control.close()

    def forget(self) -> None:
        """In a child of a fork: closes all descriptors, so that others see when they end."""
        self._lock = threading.Lock()  # another thread may have held it
        self._close_connections()
        self._selector.close()
        self._listener.close()
        self._wake.close()
        self._woken.close()


def sweep_folders() -> None:
    """Removes the folders of pools that were killed together with their workers."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError):  # it has gone meanwhile
            # A young one may begin: its socket is there a moment before anybody listens at it.
            is_young = time.time() - folder.stat().st_mtime < YOUNG_SECONDS
            if not is_young and is_dead(str(folder / "pool")):
                shutil.rmtree(folder, ignore_errors=True)
