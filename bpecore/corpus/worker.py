"""A process that does tasks for another one.

It is given the plan and then one task at a time on its standard input, as pickles, and writes lines
of JSON: only numbers go through the pipes. It ends with its owner.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from queue import SimpleQueue
from typing import IO, Any

from bpecore._core import locked
from bpecore.corpus.here import do_each
from bpecore.corpus.memory import TURN, keep_little_memory
from bpecore.corpus.tasks import Failure, Listener, Task

_INTERVAL = 0.2
"""Seconds between two reports of progress."""


def main() -> None:
    """Does the tasks that come on standard input, and ends the process.

    At once, because a thread may still wait for input; and without a word if the owner has gone.
    """
    code = 1
    try:
        _serve()
        code = 0
    except (BrokenPipeError, EOFError):
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the owner too
    channel = _Channel(os.fdopen(os.dup(1), "wb", buffering=0))
    os.dup2(2, 1)
    TURN.share(int(sys.argv[1]))
    keep_little_memory()
    plan, folder, settings = pickle.load(sys.stdin.buffer)
    tasks: SimpleQueue[Task | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, tasks), daemon=True).start()

    def each() -> Iterator[Task]:
        while True:
            channel.flush()
            channel.send({"ready": True})
            task = tasks.get()
            if task is None:
                return
            yield task

    listener = Listener(channel.report, channel.done, channel.failed)
    do_each(plan, folder, settings, each(), listener)
    channel.flush()
    channel.send({"ended": True})


def _receive(file: IO[bytes], tasks: SimpleQueue[Task | None]) -> None:
    """Passes tasks on; ends the process when its owner has gone."""
    while True:
        try:
            task = pickle.load(file)
        except (EOFError, OSError):
            os._exit(1)
        tasks.put(task)
        if task is None:
            return


class _Channel:
    """Writes lines to the owner."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._counts = [0, 0, 0]
        self._last = time.monotonic()
        self._lock = threading.Lock()

    @locked
    def send(self, message: dict[str, Any]) -> None:
        """Writes a message."""
        self._file.write(json.dumps(message).encode() + b"\n")

    def report(self, read: int, documents: int, tokens: int) -> None:
        """Adds to the progress, and tells of it now and then."""
        for place, count in enumerate((read, documents, tokens)):
            self._counts[place] += count
        if time.monotonic() - self._last > _INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Tells of the progress."""
        self._last = time.monotonic()
        self.send({"report": self._counts})
        self._counts = [0, 0, 0]

    def done(self, task: Task, record: dict[str, Any]) -> None:
        """Tells that a task is done; its record is in a file."""
        self.send({"done": task.record_name})

    def failed(self, task: Task, failure: Failure) -> None:
        """Tells that a task is not done."""
        self.send({"failed": task.record_name, "why": failure})
