"""The command line: its memory on a large file, and how soon the first id of one is there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..inputs import long_text
from ..record import LeftOut, Sample
from ..turns import Result
from .settings import Settings

LARGE_BYTES = 100_000_000
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
COMMANDS = (("encode",), ("count",), ("split", "-t", "512"))


def command_line(settings: Settings) -> list[Result]:
    """Peak memory of `encode`, `count` and `split`; the first id of a large file and of a line."""
    if "bpecore" not in settings.engines:
        return []
    if importlib.util.find_spec("resource") is None:
        reason = "this system does not tell a process's peak of memory"
        return [LeftOut("command line, memory", settings.encoding, "", "bpecore", reason)]
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        large, line = Path(folder) / "large.txt", Path(folder) / "line.txt"
        large.write_text(long_text(settings.paths(), LARGE_BYTES), encoding="utf-8")
        line.write_text("hello world\n", encoding="utf-8")
        for command in COMMANDS:
            peak = float(peak_of([*command, "-e", settings.encoding, str(large)]))
            results.append(
                Sample(
                    "command line, memory",
                    settings.encoding,
                    f"{command[0]}, 100 MB",
                    "bpecore",
                    [peak],
                    bytes=LARGE_BYTES,
                    unit="B",
                )
            )
        for measure, file in (("first id of a large file", large), ("first id of a line", line)):
            seconds = [first_id(settings.encoding, file) for _ in range(settings.rounds)]
            results.append(Sample(measure, settings.encoding, "encode", "bpecore", seconds))
    return results


def peak_of(arguments: list[str]) -> int:
    """Returns the most resident memory that a command had, in bytes.

    A small process starts it: until a child runs its program, it has its parent's memory.
    """
    command = [sys.executable, "-c", PEAK, sys.executable, "-m", "bpecore", *arguments]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return int(found.stdout) * (1 if sys.platform == "darwin" else 1024)


def first_id(encoding: str, file: Path) -> float:
    """Returns the seconds until `encode` has printed something; then its reader leaves."""
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "bpecore", "encode", "-e", encoding, str(file)],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        os.read(process.stdout.fileno(), 1)
        return time.perf_counter() - before
