"""`python -m fuzz.leaks`: calls every entry point many times and sees whether memory grows."""

from __future__ import annotations

import gc
import resource
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple

import click

from bpecore._core import watch_allocations, watched_allocations
from bpecore.core import Encoding
from fuzz.engine_constants import CACHE_SIZES
from fuzz.entry_points import (
    FAILING_CALLS,
    FAILING_CONSTRUCTIONS,
    ID_CALLS,
    PATTERNS,
    SHORT_TEXT_CALLS,
    SPECIAL_TOKEN,
    TEXT_CALLS,
    small_encoding,
)

TEXT = f"Hello, мир! 123{SPECIAL_TOKEN} isn't it?"
IDS = list(range(64, 84))

THREADS = 4
"""Threads that fill the pool of an encoding's workspaces: more than any entry point uses."""

ROUNDS = 3
"""How often all of them start at once."""

THREADED_SLACK = 40
"""Allocations that entry points with threads may keep: an idle workspace per thread."""

BLOCK_SLACK = 100
"""Python objects that may appear whatever the number of calls: the interpreter's caches."""

RESIDENT_SLACK = 512
"""KB by which the allocator may let resident memory grow, whatever the number of calls."""

ATTEMPTS = 3
"""How often memory must grow to count as a leak."""

LARGE_CACHE = CACHE_SIZES[-1].kilobytes
"""KB of a large cache, which an idle workspace may have."""


class Growth(NamedTuple):
    """What many calls have left behind.

    Attributes:
        name: what was called.
        calls: how often.
        seconds: how long it took.
        held: additional allocations that the engine holds.
        blocks: additional memory blocks that Python uses.
        resident: additional resident memory of the process, in KB.
    """

    name: str
    calls: int
    seconds: float
    held: int
    blocks: int
    resident: int

    @property
    def leaks(self) -> bool:
        """Whether more was left behind than calls without a leak leave."""
        held_slack = THREADED_SLACK if "batch" in self.name else 0
        resident_slack = RESIDENT_SLACK + LARGE_CACHE * min(max(self.held, 0), held_slack)
        return self.held > held_slack or self.blocks > BLOCK_SLACK or self.resident > resident_slack


class Subject(NamedTuple):
    """Something to call often, with the exception it must raise, if any."""

    name: str
    call: Callable[[], Any]
    error: Any = None


def resident_kilobytes() -> int:
    """Returns the process's resident memory in KB; without `/proc`, its maximum so far."""
    statistics = Path("/proc/self/statm")
    if statistics.is_file():
        return int(statistics.read_text().split()[1]) * resource.getpagesize() // 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def call_often(subject: Subject, calls: int) -> None:
    """Calls something again and again.

    Args:
        subject: what.
        calls: how often.

    Raises:
        AssertionError: the exception that should be raised was not.
    """
    call, error = subject.call, subject.error
    if error is None:
        for _ in range(calls):
            call()
        return
    for _ in range(calls):
        try:
            call()
        except error:
            continue
        raise AssertionError(f"{subject.name}: no {error}")


def measure(subject: Subject, calls: int, warm_up: int) -> Growth:
    """Calls something often and measures what that leaves behind.

    Args:
        subject: what to call.
        calls: how often.
        warm_up: how often it is called before anything is measured.

    Returns:
        What has grown between the first and the last of the calls.
    """
    call_often(subject, warm_up)
    gc.collect()
    watch_allocations()
    try:
        blocks, resident, start = sys.getallocatedblocks(), resident_kilobytes(), time.monotonic()
        call_often(subject, calls)
        seconds = time.monotonic() - start
        gc.collect()
        return Growth(
            subject.name,
            calls,
            seconds,
            watched_allocations()[2],
            sys.getallocatedblocks() - blocks,
            resident_kilobytes() - resident,
        )
    finally:
        watch_allocations(False)


def look_for_leak(subject: Subject, calls: int, warm_up: int) -> Growth:
    """Measures like `measure`, and again if memory has grown.

    An allocator takes more from the system in steps, now and then; a leak grows every time.

    Args:
        subject: what to call.
        calls: how often.
        warm_up: how often it is called before anything is measured.

    Returns:
        The first measurement without a leak, or the last.
    """
    for _ in range(ATTEMPTS - 1):
        growth = measure(subject, calls, warm_up)
        if not growth.leaks:
            return growth
    return measure(subject, calls, warm_up)


def entry_points(kind: str) -> Iterator[Subject]:
    """Yields every entry point of an encoding with correct arguments, then with wrong ones.

    Args:
        kind: a key of `PATTERNS`.
    """
    encoding = small_encoding(kind)
    fill_pool(encoding)
    for name, on_text in {**TEXT_CALLS, **SHORT_TEXT_CALLS}.items():
        yield Subject(f"{kind}: {name}", partial(on_text, encoding, TEXT))
    for name, on_ids in ID_CALLS.items():
        yield Subject(f"{kind}: {name}", partial(on_ids, encoding, IDS))
    for name, (error, failing) in FAILING_CALLS.items():
        yield Subject(f"{kind}: {name}", partial(failing, encoding), error)


def fill_pool(encoding: Encoding) -> None:
    """Makes an encoding create the workspaces that threads will need, with large caches.

    Args:
        encoding: whose threads will run.
    """
    text = TEXT * 2_000  # enough for a large cache
    barrier = threading.Barrier(THREADS)

    def count(_: int) -> int:
        barrier.wait()
        return encoding.count(text, allowed_special="all")

    with ThreadPoolExecutor(THREADS) as executor:
        for _ in range(ROUNDS):
            list(executor.map(count, range(THREADS)))


def counted(encoding: Encoding) -> int:
    """Counts a text's tokens, so that the encoding makes a workspace."""
    return encoding.count(TEXT, allowed_special="all")


def constructions() -> Iterator[Subject]:
    """Yields constructions: of equal ranks, of new ranks, and wrong ones."""
    made = iter(range(1 << 62))
    in_use = [small_encoding("blocks")]
    yield Subject("construction, equal ranks", lambda: counted(small_encoding("blocks")))
    yield Subject(
        "construction, equal ranks, none in use",
        lambda: counted(small_encoding("automaton", {b"none in use": 1999})),
    )
    in_use.clear()
    yield Subject(
        "construction, distinct ranks",
        lambda: counted(small_encoding("blocks", {b"made %d" % next(made): 1999})),
    )
    for name, (error, make) in FAILING_CONSTRUCTIONS.items():
        yield Subject(f"construction, {name}", make, error)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", default=1_000_000, show_default=True, help="Of each entry point.")
@click.option("--failing-calls", default=100_000, show_default=True, help="Of each that raises.")
@click.option("--batch-calls", default=100_000, show_default=True, help="Of each with threads.")
@click.option("--constructions", "made", default=10_000, show_default=True, help="Of each kind.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([*PATTERNS, "constructions"]),
    help="What splits the text, or constructions; may be given several times, all otherwise.",
)
@click.option("--only", default="", help="Those alone whose name holds this.")
def leaks(
    calls: int, failing_calls: int, batch_calls: int, made: int, kinds: tuple[str, ...], only: str
) -> None:
    """Call every entry point very often; exit with 1 if memory grows with the calls."""
    leaking = []
    for kind in kinds or (*PATTERNS, "constructions"):
        building = kind == "constructions"
        for subject in constructions() if building else entry_points(kind):
            if only not in subject.name:
                continue
            number = made if building else failing_calls if subject.error else calls
            if "batch" in subject.name:
                number = min(number, batch_calls)
            growth = look_for_leak(subject, number, max(number // 10, 200))
            click.echo(
                f"{growth.name}: {growth.calls:,} calls in {growth.seconds:.1f} s; "
                f"{growth.held:+d} allocations, {growth.blocks:+d} objects, "
                f"{growth.resident:+,d} KB resident{'  LEAKS' if growth.leaks else ''}"
            )
            if growth.leaks:
                leaking.append(growth.name)
    if leaking:
        raise SystemExit(f"memory grows: {'; '.join(leaking)}")


if __name__ == "__main__":
    leaks(prog_name="python -m fuzz.leaks")
