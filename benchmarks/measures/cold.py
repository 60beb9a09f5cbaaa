"""Whole texts, cold: the call is the first that its process makes."""

from __future__ import annotations

from ..host_memory import fetch_host_memory
from ..processes import FailedError, Worker
from ..record import LeftOut, Sample
from ..turns import Case, Result, check_equal, prepare
from .settings import Settings
from .texts import cases

LEFT_OUT = ("tokenizers", "bpecore-simd-off")
"""Engines that are not run cold: they are slow to load, and no bar needs them."""


def cold(settings: Settings) -> list[Result]:
    """Times the first native call, after the encoding was loaded and numpy imported."""
    results: list[Result] = []
    for case in cases(settings, "cold", "encode_to_numpy"):
        results += cold_case(settings, case)
    return results


def cold_case(settings: Settings, case: Case) -> list[Result]:
    """Returns the results of one text; its ids are compared after each round.

    Each round starts one process per engine.
    """
    engines = [engine for engine in settings.engines if engine not in LEFT_OUT]
    timings: dict[str, list[float]] = {engine: [] for engine in engines}
    sizes: dict[str, tuple[int, int]] = {}
    left_out: list[LeftOut] = []
    for _ in range(settings.rounds):
        digests: dict[str, str] = {}
        for engine in list(timings):
            try:
                with Worker(engine, settings.encoding, settings.rank_files) as worker:
                    sizes[engine] = prepare(worker.ask, case)
                    fetch_host_memory()
                    answer = worker.ask("time_first")
            except FailedError as error:
                del timings[engine]
                left_out.append(
                    LeftOut(case.measure, settings.encoding, case.subject, engine, str(error))
                )
                continue
            timings[engine] += answer["seconds"]
            digests[engine] = answer["digest"]
        for item in check_equal(case, settings.encoding, digests):
            del timings[item.engine]
            left_out.append(item)
    samples = [
        Sample(case.measure, settings.encoding, case.subject, engine, seconds, *sizes[engine])
        for engine, seconds in timings.items()
    ]
    return [*samples, *left_out]
