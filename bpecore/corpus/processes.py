"""Does tasks in several processes of this machine.

Each reads and writes files itself. One that dies, such as for want of memory, is replaced, and what
it had not finished is done once more.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from typing import Any

from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import Settings
from bpecore.corpus.tasks import Failure, Listener, Task

_ATTEMPTS = 2
_COMMAND = (sys.executable, "-c", "from bpecore.corpus.worker import main; main()")


class Processes:
    """Does tasks in processes, see `bpecore.corpus.tasks.Executor`.

    Args:
        workers: how many there are at most.
        lock: a descriptor that keeps other runs away as long as a worker lives.
    """

    def __init__(self, workers: int, lock: int) -> None:
        self._workers = workers
        self._lock = lock

    def __call__(
        self,
        plan: Plan,
        folder: Folder,
        settings: Settings,
        tasks: Sequence[Task],
        listener: Listener,
    ) -> None:
        """Does tasks."""
        start = pickle.dumps((plan, folder, settings))
        with tempfile.TemporaryFile() as turn:
            run = _Run(start, tasks, folder, listener, (self._lock, turn.fileno()))
            try:
                for _ in range(min(self._workers, len(tasks))):
                    run.start_worker()
                run.wait()
            finally:
                run.kill_all()


class _Worker:
    """A process, and the tasks it has not finished.

    Args:
        start: what it is sent first.
        inherited: the descriptors of the folder's lock and of `bpecore.corpus.memory.Turn`.
    """

    def __init__(self, start: bytes, inherited: tuple[int, int]) -> None:
        self.process = subprocess.Popen(
            (*_COMMAND, str(inherited[1])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=inherited,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.tasks: dict[str, Task] = {}
        self.rest = b""
        self.is_waiting = False
        self.send(start)

    def send(self, data: bytes) -> None:
        """Sends what a pickle is; a worker that has died is noticed elsewhere."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(data)
            self.process.stdin.flush()


class _Run:
    """Workers while they do tasks."""

    def __init__(
        self,
        start: bytes,
        tasks: Sequence[Task],
        folder: Folder,
        listener: Listener,
        inherited: tuple[int, int],
    ) -> None:
        self._start, self._folder, self._listener = start, folder, listener
        self._inherited = inherited
        self._tasks = deque(tasks)
        self._attempts: dict[str, int] = {}
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._is_over = False

    def start_worker(self) -> None:
        """Starts another worker."""
        worker = _Worker(self._start, self._inherited)
        self._workers.append(worker)
        assert worker.process.stdout is not None
        self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def wait(self) -> None:
        """Gives tasks to workers until all are done, or one failed for good."""
        while self._workers and not self._is_over:
            for key, _ in self._selector.select(timeout=1):
                worker: _Worker = key.data
                data = os.read(key.fd, 1 << 16)
                if not data:
                    self._has_ended(worker)
                    continue
                *lines, worker.rest = (worker.rest + data).split(b"\n")
                for line in lines:
                    self._receive(worker, json.loads(line))
            self._listener.report(0, 0, 0)

    def _receive(self, worker: _Worker, message: dict[str, Any]) -> None:
        if "report" in message:
            self._listener.report(*message["report"])
        elif "ready" in message:
            worker.is_waiting = True
            self._give(worker)
        elif "done" in message:
            task = worker.tasks.pop(message["done"])
            record = self._folder.read_record(task.record_name)
            assert record is not None
            self._listener.done(task, record)
        elif "failed" in message:
            task = worker.tasks.pop(message["failed"])
            failure = Failure(*message["why"])
            self._listener.failed(task, failure)
            self._is_over = failure.is_final

    def _give(self, worker: _Worker) -> None:
        task = self._tasks.popleft() if self._tasks else None
        if task is not None:
            worker.tasks[task.record_name] = task
        worker.is_waiting = False
        worker.send(pickle.dumps(task))

    def _has_ended(self, worker: _Worker) -> None:
        """Does what is needed after a worker has ended, as it should or not."""
        assert worker.process.stdout is not None
        self._selector.unregister(worker.process.stdout)
        worker.process.stdout.close()
        code = worker.process.wait()
        self._workers.remove(worker)
        for name, task in worker.tasks.items():
            self._attempts[name] = self._attempts.get(name, 0) + 1
            if self._attempts[name] < _ATTEMPTS:
                self._tasks.append(task)
            else:
                what = _end_in_words(code)
                failure = Failure(f"a worker {what} while it did {name}; run it again", True)
                self._listener.failed(task, failure)
                self._is_over = True
        if self._tasks and not self._is_over:
            self.start_worker()

    def kill_all(self) -> None:
        """Ends all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            for pipe in (worker.process.stdin, worker.process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._selector.close()


def _end_in_words(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
