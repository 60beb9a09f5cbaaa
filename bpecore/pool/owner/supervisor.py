"""The thread of the pool's process that starts workers, replaces them, and knows all clients.

No text and no id passes through it.
"""

from __future__ import annotations

import multiprocessing.connection  # noqa: F401  # now, because later there may be no descriptor
import os
import secrets
import selectors
import shutil
import socket
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.context import BaseContext
from typing import Any, Callable

from bpecore._core import locked
from bpecore.core import Encoding
from bpecore.pool.client.calls import BlockingWaiter
from bpecore.pool.errors import PoolError
from bpecore.pool.metrics import PoolMetrics
from bpecore.pool.owner.folders import make_folder, sweep_folders
from bpecore.pool.owner.health import HealthCheck, check_interval
from bpecore.pool.owner.worker_process import WorkerProcess
from bpecore.pool.wire.control import NO_SIGNAL, Control
from bpecore.pool.wire.listener import Listener
from bpecore.pool.wire.segments import sweep

HOPELESS_STARTS = 4
"""After this many failed starts of each worker, the clients' waiting calls fail."""


class Supervisor:
    """Starts the workers and the thread.

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
        self._check_at = time.monotonic()
        self._lock = threading.Lock()
        self._workers = [WorkerProcess(index) for index in range(processes)]
        self._newcomers: set[Control] = set()
        self._clients: dict[Control, str] = {}
        self._drained: set[Control] = set()
        self._all_drained = BlockingWaiter()
        self._is_drained = False
        self._is_closing = False
        self._ends = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="bpecore-pool", daemon=True)
        self._opened = ExitStack()
        try:
            self._open()
        except BaseException:
            self._end_workers()
            self._clean()
            raise

    def _open(self) -> None:
        """Starts everything; `_clean` closes what this opens."""
        sweep()
        sweep_folders()
        opened = self._opened
        self.folder = make_folder()
        opened.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._selector = opened.enter_context(selectors.DefaultSelector())
        self._wake, self._woken = map(opened.enter_context, socket.socketpair())
        self._selector.register(self._woken, selectors.EVENT_READ, self._receive_wake)
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

    @locked
    def metrics(self) -> PoolMetrics:
        """Returns all numbers as they are now."""
        return PoolMetrics(tuple(worker.metrics() for worker in self._workers), len(self._clients))

    # ---- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._ends:
                self._turn()
        finally:
            self._end_drain()
            self._end_all()

    @locked
    def _end_all(self) -> None:
        self._end_workers()
        self._clean()

    @locked
    def _do(self, work: Callable[[], None]) -> None:
        work()

    def _turn(self) -> None:
        """Waits until something happens, and handles it."""
        due = [worker.due for worker in self._workers if worker.due is not None]
        if self._stuck_after is not None:
            due.append(self._check_at)
        if self._listener.due is not None:
            due.append(self._listener.due)
        timeout = max(min(due) - time.monotonic(), 0) if due else None
        for key, _ in self._selector.select(timeout):
            self._do(key.data)
        self._listener.watch_again()
        for worker in self._workers:
            if worker.due is not None and worker.due <= time.monotonic() and not self._ends:
                self._do(partial(self._start, worker))
        if self._stuck_after is not None and self._check_at <= time.monotonic():
            self._check_at = time.monotonic() + check_interval(self._stuck_after)
            for worker in self._workers:
                self._do(worker.check)

    def _start(self, worker: WorkerProcess) -> None:
        try:
            worker.start(self._context, self._encoding, self.folder, self.token)
        except (OSError, EOFError) as error:  # there is no process, forkserver or memory now
            worker.failed_to_start(str(error) or repr(error))
            if not self._thread.is_alive():
                if isinstance(error, EOFError):
                    raise PoolError("the forkserver ended; it may have printed an error") from error
                raise
            self._give_up_if_hopeless()
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
            self._give_up_if_hopeless()

    def _give_up_if_hopeless(self) -> None:
        """Makes the clients' waiting calls fail if no worker has started after several attempts."""
        if min(worker.failures for worker in self._workers) >= HOPELESS_STARTS:
            for client in self._clients:
                client.send(do="give up", why=self._workers[0].failure)

    def _leave(self, source: Any) -> None:
        """Stops watching a source; an earlier event of the same turn may have done so."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(source)

    def _receive_wake(self) -> None:
        self._woken.recv(64)
        if self._is_closing:
            for client in self._clients:
                client.send(do="drain")
            self._check_drained()

    def _accept(self) -> None:
        control = self._listener.accept()
        if control is not None:
            self._newcomers.add(control)
            self._selector.register(control, selectors.EVENT_READ, lambda: self._greet(control))

    def _greet(self, control: Control) -> None:
        """Takes the first message of a worker or a client."""
        messages = control.receive()
        if messages == []:
            return
        self._leave(control)
        self._newcomers.discard(control)
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
                control, selectors.EVENT_READ, lambda: self._receive_client(control)
            )

    def _greet_worker(self, control: Control, worker: WorkerProcess) -> None:
        health = None if self._stuck_after is None else HealthCheck(self._stuck_after)
        worker.is_ready(control, health)
        self._selector.register(
            control, selectors.EVENT_READ, lambda: self._receive_worker(control)
        )
        for client in self._clients:
            client.send(do="connect", index=worker.index, address=worker.address)

    def _receive_worker(self, control: Control) -> None:
        if control.receive() is None:  # the process is about to end, which is noticed as well
            self._leave(control)

    def _receive_client(self, control: Control) -> None:
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
            self._end_drain()

    def _end_drain(self) -> None:
        """Lets `close` go on."""
        if not self._is_drained:
            self._is_drained = True
            self._all_drained.wake()

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
            self._wake_thread()
            self._all_drained.wait(min(timeout, threading.TIMEOUT_MAX))
        finally:  # Ctrl-C ends the waiting only
            self._ends = True
            self._wake_thread()
            self._thread.join()

    def _wake_thread(self) -> None:
        """Makes the thread look for something to do; it may have ended."""
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
        for control in (*self._newcomers, *self._clients):
            control.close()
        for worker in self._workers:
            if worker.control is not None:
                worker.control.close()

    def forget(self) -> None:
        """In a child of a fork: closes all descriptors, so that others notice when they end."""
        self._lock = threading.Lock()  # another thread may have held it
        self._close_connections()
        self._selector.close()
        self._listener.close()
        self._wake.close()
        self._woken.close()
