"""Starting the processes that run engines, and talking to them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from .engines import ENGINES

START = Path(__file__).parent / "start_worker.py"

REQUEST_SECONDS = 60.0
"""Time after which a request is given up and its process killed: some engines do not finish."""


class FailedError(Exception):
    """An engine's answer cannot be timed; the message says why."""


class Ending(ABC):
    """A context manager that calls its `end`."""

    @abstractmethod
    def end(self) -> None: ...

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Worker(Ending):
    """The process of one engine; a context manager that ends it."""

    def __init__(self, engine: str, encoding: str, rank_files: Path, cores: int = 1) -> None:
        """Starts it.

        Raises:
            FailedError: the engine does not know the encoding, or does not start.
        """
        self.engine = engine
        self._process = subprocess.Popen(
            [ENGINES[engine].python, str(START), engine, encoding, str(rank_files), str(cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ENGINES[engine].environment, "RAYON_NUM_THREADS": str(cores)},
            text=True,
        )
        try:
            self.hello = self._answer()
        except FailedError:
            self.end()
            raise

    def end(self) -> None:
        """Ends the process; calling it again does nothing."""
        self._process.kill()
        self._process.communicate()

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Returns the answer to one request.

        Raises:
            FailedError: the engine lacks this, raised an error or took too long, or its process
                ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FailedError("its process had ended") from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(REQUEST_SECONDS, give_up)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            status = self._process.wait()
            raise FailedError(
                f"took over {REQUEST_SECONDS:.0f} s" if late.is_set() else f"ended with {status}"
            )
        answer: dict[str, Any] = json.loads(line)
        for wrong in ("unsupported", "failed"):
            if wrong in answer:
                raise FailedError(answer[wrong])
        return answer


class Workers(Ending):
    """One process per engine, started by the first request and again after it ended.

    A context manager that ends all of them.
    """

    def __init__(self, encoding: str, rank_files: Path, cores: int = 1) -> None:
        self._encoding = encoding
        self._rank_files = rank_files
        self._cores = cores
        self._running: dict[str, Worker] = {}
        self._never: dict[str, str] = {}

    def end(self) -> None:
        """Ends all processes; a later request starts a new one."""
        while self._running:
            self._running.popitem()[1].end()

    def ask(self, engine: str, what: str, **arguments: Any) -> dict[str, Any]:
        """Returns the answer of one engine's process; raises as `Worker.ask`."""
        if engine in self._never:
            raise FailedError(self._never[engine])
        if engine not in self._running:
            try:
                self._running[engine] = Worker(
                    engine, self._encoding, self._rank_files, self._cores
                )
            except FailedError as error:
                self._never[engine] = str(error)
                raise
        try:
            return self._running[engine].ask(what, **arguments)
        except FailedError as error:
            if "took over" in str(error) or "ended" in str(error):
                self._running.pop(engine).end()
            raise
