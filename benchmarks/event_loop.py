"""How long an event loop is blocked while it counts the tokens of its requests.

    python -m benchmarks.event_loop [FOLDER] [--seconds 30] [--rate 1000] …

Requests come at a fixed rate, each with a prompt of some KB; four in five are prompts that came
before, as system prompts do. Each is encoded: by tiktoken in the loop's thread, then by
`AsyncEncoder`. Meanwhile a task sleeps for a millisecond at a time; how much later than that it
wakes is how long the loop was blocked. What the machine itself adds is measured first, by the same
loop with requests that encode nothing.

Other programs take processors away, and a loop that waits for one is blocked too. Linux reports how
long a thread waited: "own" is the longest stall without that. As root, `chrt -f 50 python -m …`
keeps other programs off, and then "longest" says the same. asyncio waits for whole milliseconds, so
stalls of up to one do not count.

A full garbage collection looks at every object of the process, which takes 10 ms and more with any
tokenizer. So the start-up heap is frozen first, as services do (`gc.freeze`); `--no-freeze` leaves
it as it is.

The ids are compared before anything is timed. Run it on two idle cores.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import time
from array import array
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Callable, NamedTuple

import bpecore
from benchmarks.extras import imported
from benchmarks.machine import describe_machine
from bpecore.aio import AsyncEncoder
from bpecore.encodings import ENCODING_CONSTRUCTORS

BEAT_SECONDS = 0.001
WAITING = Path("/proc/thread-self/schedstat")


class Requests(NamedTuple):
    """Where each request's prompt is; it is cut out when it is sent, as if read from a socket."""

    places: list[tuple[str, int]]
    characters: int

    def prompt(self, number: int) -> str:
        text, start = self.places[number]
        return text[start : start + self.characters]


def make_requests(folder: Path | None, count: int, characters: int, repeated: float) -> Requests:
    """Returns requests out of a folder's texts: new prompts, and repetitions of two hundred."""
    if folder is None:
        folder = Path(random.__file__).parent
    files = sorted(folder.glob("*.txt")) or sorted(folder.glob("*.py"))
    texts = [file.read_bytes().decode("utf-8", "replace") for file in files]
    texts = [text for text in texts if len(text) > 4 * characters]
    if not texts:
        raise SystemExit(f"{folder} has no text of {4 * characters} characters")
    chance = random.Random(1)

    def place() -> tuple[str, int]:
        text = chance.choice(texts)
        return text, chance.randrange(len(text) - characters)

    known = [place() for _ in range(200)]
    return Requests(
        [chance.choice(known) if chance.random() < repeated else place() for _ in range(count)],
        characters,
    )


class Stalls:
    """How long the loop stood still, and how long of that it had no processor, in seconds.

    Arrays, since the garbage collector would walk through an object a stall.
    """

    def __init__(self) -> None:
        self.late = array("d")
        self.waited = array("d")

    def add(self, late: float, waited: float) -> None:
        self.late.append(late)
        self.waited.append(waited)

    def own(self) -> list[float]:
        """Returns the stalls without what the loop had no processor for."""
        return [max(0.0, late - waited) for late, waited in zip(self.late, self.waited)]


def waiting_seconds() -> Callable[[], float]:
    """Returns a function: how long the calling thread has waited for a processor, 0 if unknown."""
    if not WAITING.is_file():
        return lambda: 0.0
    statistics = WAITING.resolve()  # the thread's own folder: the link is resolved once

    def seconds() -> float:
        return int(statistics.read_bytes().split()[1]) / 1e9

    return seconds


async def beat(stalls: Stalls) -> None:
    """Notes how much later than asked for the loop wakes this task."""
    waiting = waiting_seconds()
    while True:
        waited = waiting()
        started = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        late = time.perf_counter() - started - BEAT_SECONDS
        stalls.add(late, waiting() - waited)


async def serve(
    requests: Requests, rate: float, encode: Callable[[str], Awaitable[Any]]
) -> tuple[Stalls, list[float]]:
    """Sends the requests at a rate; returns the loop's stalls and the answers' times, seconds."""
    stalls = Stalls()
    times: list[float] = []
    tasks: set[asyncio.Task[None]] = set()

    async def answer(text: str) -> None:
        started = time.perf_counter()
        await encode(text)
        times.append(time.perf_counter() - started)

    beating = asyncio.create_task(beat(stalls))
    began = time.perf_counter()
    for number in range(len(requests.places)):
        wait = began + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(answer(requests.prompt(number)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    beating.cancel()
    return stalls, sorted(times)


def show(name: str, stalls: Stalls, times: list[float], requests: int, wall: float) -> None:
    """Prints a row: stalls and answers in milliseconds."""

    def at(values: list[float], share: float) -> float:
        return values[min(len(values) - 1, int(share * len(values)))] * 1e3

    late = sorted(stalls.late)
    own = max(stalls.own())
    print(
        f"{name:18} {requests / wall:8.0f} {at(late, 0.99):10.2f} {at(late, 0.999):10.2f} "
        f"{late[-1] * 1e3:10.2f} {own * 1e3:8.2f} {sum(value > 0.003 for value in late):8d} "
        f"{at(times, 0.5):10.3f} {at(times, 0.99):10.3f}"
    )


async def main(arguments: argparse.Namespace) -> None:
    """Measures the three and prints a table."""
    ours = bpecore.get_encoding(arguments.encoding)
    theirs = imported("tiktoken").Encoding(**ENCODING_CONSTRUCTORS[arguments.encoding]())
    count = int(arguments.seconds * arguments.rate)
    requests = make_requests(arguments.folder, count, arguments.characters, arguments.repeated)
    for text in map(requests.prompt, range(min(count, 200))):
        if ours.encode_ordinary(text) != theirs.encode_ordinary(text):
            raise SystemExit("the ids differ")

    async def nothing(text: str) -> None:
        del text

    async def inline(text: str) -> list[int]:
        return theirs.encode(text, disallowed_special=())

    print(" · ".join(describe_machine().values()))
    print(
        f"{arguments.rate:.0f} requests a second of {arguments.characters} characters, "
        f"{arguments.repeated:.0%} repeated, {arguments.seconds:.0f} s, {arguments.encoding}"
    )
    print(
        f"{'':18} {'requests':>8} {'stall p99':>10} {'p99.9':>10} {'longest':>10} {'own':>8} "
        f"{'> 3 ms':>8} {'answer p50':>10} {'p99':>10}   (ms)"
    )
    if not arguments.no_freeze:
        gc.collect()
        gc.freeze()
    async with AsyncEncoder(ours, workers=arguments.workers) as encoder:

        async def through_encoder(text: str) -> list[int]:
            return await encoder.encode(text, disallowed_special=())

        for name, encode in (
            ("nothing", nothing),
            ("tiktoken inline", inline),
            ("AsyncEncoder", through_encoder),
        ):
            if arguments.only and arguments.only != name:
                continue
            began = time.perf_counter()
            stalls, times = await serve(requests, arguments.rate, encode)
            show(name, stalls, times, count, time.perf_counter() - began)
        print(encoder.metrics())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="texts to cut prompts out of")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=1000, help="requests a second")
    parser.add_argument("--characters", type=int, default=8192, help="of a prompt")
    parser.add_argument("--repeated", type=float, default=0.8, help="share of known prompts")
    parser.add_argument("--encoding", default="o200k_base")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--no-freeze", action="store_true", help="leave the collector as it is")
    parser.add_argument("--only", help="one of the rows, by its name")
    arguments = parser.parse_args()
    imported("tiktoken")
    asyncio.run(main(arguments))
