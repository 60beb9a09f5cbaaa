"""Encodings of a vocabulary that the user brings."""

from __future__ import annotations

import importlib.util

from ..processes import FailedError
from ..record import LeftOut, Sample
from ..turns import Case, Result, run_cases
from .probing import Probe
from .settings import Settings


def own_vocabulary(settings: Settings) -> list[Result]:
    """The construction out of 200,000 ranks, and a thousand encodings of equal ranks."""
    case = Case(
        "construction", "200,000 ranks", "construct", {"kind": "own_ranks", "number": 200_000}
    )
    results = run_cases(
        settings.workers, [case], settings.encoding, settings.engines, settings.rounds
    )
    if "bpecore" in settings.engines:
        results.append(thousand_encodings(settings))
    return results


def thousand_encodings(settings: Settings) -> Result:
    """The resident bytes that 999 further encodings of equal ranks add."""
    name = ("equal ranks", settings.encoding, "1,000 encodings", "bpecore")
    if importlib.util.find_spec("psutil") is None:
        return LeftOut(*name, "psutil is not installed")
    try:
        arguments = ("repeated", "bpecore", settings.encoding, str(settings.rank_files), "1000")
        with Probe(*arguments) as probe:
            probe.answer()
            one = probe.measure()
            probe.begin_phase()
            probe.answer()
            return Sample(*name, [float(probe.measure() - one)], unit="B")
    except FailedError as error:
        return LeftOut(*name, str(error))
