"""Timing: compares outputs first, then times the engines in turn, so drift affects all alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Callable, NamedTuple, Union

from .inputs import Description
from .processes import FailedError, Workers
from .record import LeftOut, Sample

ENGINE_SECONDS = 2.0
"""The time an engine may take in one case; after that it takes no part in further rounds."""

MUST_BE_EXACT = ("bpecore", "before", "bpecore-simd-off")
"""Engines whose wrong ids are an error, not a reason to leave them out."""

Result = Union[Sample, LeftOut]


class Case(NamedTuple):
    """One input for one method, timed with every engine that has it."""

    measure: str
    subject: str
    method: str
    input: Description
    arguments: Mapping[str, Any] = MappingProxyType({})
    calls: int = 1
    """Calls that make one timing."""


class WrongIdsError(Exception):
    """bpecore's output differs from tiktoken's, so that its speed means nothing."""


def check_equal(case: Case, encoding: str, digests: dict[str, str]) -> list[LeftOut]:
    """Returns the engines to leave out because their output is not the first engine's.

    Raises:
        WrongIdsError: the output of bpecore differs.
    """
    different = []
    for engine, digest in digests.items():
        if digest == next(iter(digests.values())):
            continue
        if engine in MUST_BE_EXACT:
            raise WrongIdsError(
                f"{case.measure}, {encoding}, {case.subject}: the output of {engine} differs from "
                f"that of {next(iter(digests))}"
            )
        reason = f"its output differs from that of {next(iter(digests))}"
        different.append(LeftOut(case.measure, encoding, case.subject, engine, reason))
    return different


def prepare(ask: Callable[..., dict[str, Any]], case: Case) -> tuple[int, int]:
    """Lets a process build a case's input; returns its size in bytes and items."""
    size = ask(
        "prepare", method=case.method, description=case.input, arguments=dict(case.arguments)
    )
    return size["bytes"], size["items"]


def run_case(
    workers: Workers, case: Case, encoding: str, engines: Sequence[str], rounds: int
) -> list[Result]:
    """Verifies and times one case.

    Args:
        workers: the engines' processes.
        case: what to time.
        encoding: its name, for the results.
        engines: names; the first that answers is the reference.
        rounds: how many turns each takes, unless it is slow.

    Returns:
        One sample per engine, or why it was left out.

    Raises:
        WrongIdsError: bpecore's output is wrong.
    """
    left_out: list[LeftOut] = []
    sizes: dict[str, tuple[int, int]] = {}
    digests: dict[str, str] = {}
    for engine in engines:
        try:
            sizes[engine] = prepare(partial(workers.ask, engine), case)
            digests[engine] = workers.ask(engine, "verify")["digest"]
        except FailedError as error:
            left_out.append(LeftOut(case.measure, encoding, case.subject, engine, str(error)))
    different = check_equal(case, encoding, digests)
    left_out += different
    timings: dict[str, list[float]] = {
        engine: [] for engine in digests if engine not in {item.engine for item in different}
    }
    for _ in range(rounds):
        for engine, seconds in timings.items():
            if not seconds or sum(seconds) * case.calls < ENGINE_SECONDS:
                seconds += workers.ask(engine, "time", calls=case.calls)["seconds"]
    samples = [
        Sample(case.measure, encoding, case.subject, engine, seconds, *sizes[engine])
        for engine, seconds in timings.items()
    ]
    return [*samples, *left_out]


def run_cases(
    workers: Workers, cases: Sequence[Case], encoding: str, engines: Sequence[str], rounds: int
) -> list[Result]:
    """Runs one case after the other; arguments and errors as for `run_case`."""
    results: list[Result] = []
    for case in cases:
        results += run_case(workers, case, encoding, engines, rounds)
    return results
