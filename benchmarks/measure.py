"""Measuring: a process an engine, equal output first, then timings in turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from .engines import METHODS


class Measurement(NamedTuple):
    """All timings of one file with one encoding and one method."""

    encoding: str
    file: str
    size: int
    """UTF-8 bytes."""
    tokens: int
    sha256: str
    """Of the ids as uint32, in the machine's byte order."""
    method: str
    seconds: dict[str, list[float]]
    """By engine, in the order measured."""

    def megabytes_per_second(self, engine: str) -> float:
        """Returns the speed of the engine's best round; a megabyte is 10^6 bytes."""
        return self.size / min(self.seconds[engine]) / 1e6


class Worker:
    """The process of one engine; a context manager that ends it."""

    def __init__(self, engine: str, encoding: str) -> None:
        self._engine = engine
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", engine, encoding],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            text=True,
        )
        self.hello = self._answer()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Returns the answer to one request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self._engine} ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(
    encoding: str, engines: Sequence[str], files: Sequence[Path], rounds: int
) -> tuple[list[Measurement], dict[str, dict[str, Any]]]:
    """Measures every file with every method.

    Args:
        encoding: Name of the encoding.
        engines: Names of the engines; the others' ids must equal the first one's.
        files: UTF-8 texts.
        rounds: How often each engine is timed, in turn with the others.

    Returns:
        The measurements, and by engine its version, loading time and core.

    Raises:
        AssertionError: An engine's ids differ, so its speed means nothing.
    """
    measurements = []
    with ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(engine, encoding)) for engine in engines}
        for file in files:
            for worker in workers.values():
                worker.ask("read", path=str(file.resolve()))
            verified = {engine: worker.ask("verify") for engine, worker in workers.items()}
            for engine, answer in verified.items():
                if answer != verified[engines[0]]:
                    raise AssertionError(
                        f"{encoding}, {file.name}: the ids of {engine} differ from those of "
                        f"{engines[0]}: {verified}"
                    )
            for method in METHODS:
                seconds: dict[str, list[float]] = {engine: [] for engine in engines}
                for _ in range(rounds):
                    for engine, worker in workers.items():
                        seconds[engine].append(worker.ask(method)["seconds"])
                size = file.stat().st_size
                common = verified[engines[0]]
                measurements.append(
                    Measurement(encoding, file.name, size, **common, method=method, seconds=seconds)
                )
        return measurements, {engine: worker.hello for engine, worker in workers.items()}
