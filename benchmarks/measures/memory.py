"""Private memory (unique set size) that an encoding adds to a process."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..inputs import mixed
from ..processes import FailedError
from ..record import LeftOut, Sample
from ..turns import Result
from .probing import Probe
from .settings import Settings

MIXED_BYTES = 1_000_000
PROCESSES = 8
PHASES = ("after the first encode", "after 1 MB to a list")


def memory(settings: Settings) -> list[Result]:
    """One process an engine, and eight processes of bpecore at once."""
    if importlib.util.find_spec("psutil") is None:
        return [LeftOut("memory", settings.encoding, "", "bpecore", "psutil is not installed")]
    results: list[Result] = []
    # What they have mapped would not count as any process's own.
    settings.workers.end()
    with mixed_text_file(settings) as path:
        for engine in settings.engines:
            if engine == "bpecore-simd-off":
                continue
            for subject, number in (("one process", 1), ("eight processes", PROCESSES)):
                if number > 1 and engine not in ("bpecore", "tiktoken"):
                    continue
                try:
                    growths = sum_of_growths(settings, engine, path, number)
                except FailedError as error:
                    results.append(
                        LeftOut("memory", settings.encoding, subject, engine, str(error))
                    )
                    continue
                results += [
                    Sample(phase, settings.encoding, subject, engine, [growth], unit="B")
                    for phase, growth in zip(PHASES, growths)
                ]
    return results


@contextmanager
def mixed_text_file(settings: Settings) -> Iterator[Path]:
    """Yields the path of a file with an equal share of each text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mixed"
        path.write_bytes(mixed(settings.paths(), MIXED_BYTES).encode("utf-8"))
        yield path


def sum_of_growths(settings: Settings, engine: str, text: Path, number: int) -> list[float]:
    """Returns by phase the bytes that all processes together grew since their import.

    All are at the same phase when they measure, so what they share counts as shared.
    """
    arguments = ("memory", engine, settings.encoding, str(settings.rank_files), str(text))
    with ExitStack() as stack:
        probes = [stack.enter_context(Probe(*arguments)) for _ in range(number)]
        for probe in probes:
            probe.answer()
        before = sum(probe.measure() for probe in probes)
        growths = []
        for _ in PHASES:
            for probe in probes:
                probe.begin_phase()
            for probe in probes:
                probe.answer()
            growths.append(float(sum(probe.measure() for probe in probes) - before))
        return growths
