"""Runs rounds until the time is over, in one or several processes, and shows the progress."""

from __future__ import annotations

import itertools
import multiprocessing
import queue
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bpecore import __version__
from bpecore.fuzzing.finding import Finding
from bpecore.fuzzing.outcomes import Tally
from bpecore.fuzzing.rounds import origin_of, run_round
from bpecore.fuzzing.texts import real_texts


class Plan(NamedTuple):
    """What a run does.

    Attributes:
        names: the encodings, one after the other.
        seed: the seed of all randomness.
        seconds: how long new rounds are started.
        jobs: number of processes.
        texts: folder of real texts; None for the default.
    """

    names: Sequence[str]
    seed: int
    seconds: float
    jobs: int
    texts: Path | None


class Begun(NamedTuple):
    """The round that a process starts, so that a crash can be repeated."""

    job: int
    origin: str


class Progress:
    """Totals of all processes, and the line that shows them."""

    def __init__(self, shown: bool) -> None:
        self.rounds = self.strings = self.tokens = self.bytes = 0
        self._start = time.monotonic()
        self._shown = shown
        self._next = 0.0

    def add(self, rounds: int, strings: int, tokens: int, size: int) -> None:
        self.rounds += rounds
        self.strings += strings
        self.tokens += tokens
        self.bytes += size
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + 0.5
            print(f"\r{self}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._shown:
            print(file=sys.stderr)

    def row(self, run: str) -> str:
        """Returns the row for the record in `fuzz/README.md` of a run with no mismatch."""
        return (
            f"| {time.strftime('%Y-%m-%d')} | {__version__} | `{run}` | {self.strings:,} "
            f"| {self.tokens / 1e6:,.1f} million | {self.bytes / 1e6:,.0f} | equal, 0 mismatches |"
        )

    def __str__(self) -> str:
        return (
            f"{time.monotonic() - self._start:6.0f} s: "
            f"{self.rounds:,} round{'' if self.rounds == 1 else 's'}, "
            f"{self.strings:,} strings, {self.tokens:,} tokens, {self.bytes / 1e6:,.1f} MB compared"
        )


def run(plan: Plan, progress: Progress) -> Finding | None:
    """Runs rounds until the time is over or there is a mismatch.

    Args:
        plan: what to do.
        progress: updated after each round.

    Returns:
        The first mismatch.

    Raises:
        RuntimeError: a process died, for example from a crash in the engine; the message names
            the round. With one job, this process dies.
    """
    if plan.jobs == 1:
        return work_alone(plan, progress)
    context = multiprocessing.get_context("spawn")
    messages: Any = context.Queue()
    workers = [
        context.Process(target=work, args=(plan, job, messages), daemon=True)
        for job in range(plan.jobs)
    ]
    for worker in workers:
        worker.start()
    finished = 0
    current = ["its start"] * plan.jobs
    try:
        while finished < plan.jobs:
            try:
                message = messages.get(timeout=1.0)
            except queue.Empty:
                for worker, origin in zip(workers, current):
                    if worker.exitcode:
                        raise RuntimeError(
                            f"a process ended with {worker.exitcode} in: {origin}"
                        ) from None
                continue
            if isinstance(message, Finding):
                return message
            if message is None:
                finished += 1
            elif isinstance(message, Begun):
                current[message.job] = message.origin
            else:
                progress.add(*message)
    finally:
        for worker in workers:
            worker.terminate()
    return None


def work_alone(plan: Plan, progress: Progress) -> Finding | None:
    """Runs the rounds in this process."""
    for message in messages_of(plan, 0):
        if isinstance(message, Finding):
            return message
        if not isinstance(message, Begun):
            progress.add(*message)
    return None


def work(plan: Plan, job: int, messages: Any) -> None:
    """Runs a job's rounds in a process of its own; sends their messages, then None."""
    for message in messages_of(plan, job):
        messages.put(message)
    messages.put(None)


def messages_of(plan: Plan, job: int) -> Iterator[Begun | Finding | tuple[int, int, int, int]]:
    """Runs a job's rounds, every `jobs`th one, until the time is over or there is a mismatch.

    Yields:
        Before each round `Begun`; after it the arguments of `Progress.add`, or a finding.
    """
    texts = real_texts(plan.texts)
    end = time.monotonic() + plan.seconds
    for turn in itertools.count():
        number = job + turn * plan.jobs
        # Each job goes through all encodings, whatever factors their number shares with `jobs`.
        name = plan.names[turn % len(plan.names)]
        yield Begun(job, origin_of(name, plan.seed, number))
        tally = Tally()
        finding = run_round(name, plan.seed, number, texts, tally)
        if finding is not None:
            yield finding
            return
        yield 1, tally.strings, tally.tokens, tally.bytes
        if time.monotonic() >= end:
            return
