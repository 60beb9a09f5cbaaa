"""Running `probe.py`: fresh processes that tell how an engine starts."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ..engines import ENGINES
from ..processes import FailedError

PROBE = Path(__file__).parents[1] / "probe.py"


class Probe:
    """One such process; a context manager that ends it."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [ENGINES[arguments[1]].python, "-I", str(PROBE), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tempfile.gettempdir(),
            text=True,
        )

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def begin_phase(self) -> None:
        """Lets it go on to its next phase; `answer` then waits for the phase's end."""
        self._say("next")

    def measure(self) -> int:
        """Returns its memory in bytes at the end of a phase."""
        self._say("measure")
        return int(self.answer())

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise FailedError("its process had ended") from None

    def answer(self) -> Any:
        """Waits for the end of a phase and returns what it prints.

        Raises:
            FailedError: it ended with an error, whose last line is the message.
        """
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._process.stderr.read().strip().splitlines()
            raise FailedError(said[-1] if said else f"ended with {self._process.wait()}")
        return json.loads(line)
