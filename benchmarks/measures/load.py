"""How long an engine takes to start, in a fresh process each time."""

from __future__ import annotations

from ..processes import FailedError
from ..record import LeftOut, Sample
from ..turns import Result
from .probing import Probe
from .settings import Settings

PARTS = {"import": "import", "load": "get_encoding and first encode"}
"""What the probe times, and the measure's name."""


def load(settings: Settings) -> list[Result]:
    """Times import, and `get_encoding` with a first encode, the engines in turn."""
    timings: dict[str, dict[str, list[float]]] = {}
    results: list[Result] = []
    engines = [engine for engine in settings.engines if engine != "bpecore-simd-off"]
    for _ in range(settings.rounds + 1):
        for engine in list(engines):
            try:
                with Probe("start", engine, settings.encoding, str(settings.rank_files)) as probe:
                    answer = probe.answer()
            except FailedError as error:
                engines.remove(engine)
                results.append(LeftOut("load", settings.encoding, "start", engine, str(error)))
                continue
            parts = timings.setdefault(engine, {part: [] for part in PARTS})
            for part, seconds in parts.items():
                seconds.append(answer[part])
    for engine, parts in timings.items():
        # The first start reads files from the disk, so it does not count.
        results += [
            Sample(PARTS[part], settings.encoding, "start", engine, seconds[1:])
            for part, seconds in parts.items()
        ]
    return results
