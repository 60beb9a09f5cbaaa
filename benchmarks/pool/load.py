"""Streams of ids at a fixed rate, as an engine makes them, and whether their texts are right."""

from __future__ import annotations

import random
import time
from array import array
from pathlib import Path
from typing import Any, Callable, NamedTuple

TOKENS_A_STREAM = (50, 950)


class Streams:
    """Streams that each get one id per step; one at its end is closed, and a new one opened.

    Args:
        encoding: a `bpecore.Encoding`.
        ids: the source of the streams' ids: each is a part of it, from any place.
        count: how many are open at any time.

    Attributes:
        wrong: streams whose text was not `decode` of their ids.
        finished: streams that were closed.
    """

    def __init__(self, encoding: Any, ids: array[int], count: int) -> None:
        self.wrong = 0
        self.finished = 0
        self._encoding = encoding
        self._ids = ids
        self._chance = random.Random(1)
        self._places: dict[int, list[int]] = {}  # where it began, is, and ends
        self._texts: dict[int, list[str]] = {}
        self._count = count
        self._next = 0

    def open_missing(self) -> list[int]:
        """Begins as many streams as are missing; returns their names."""
        names = list(range(self._next, self._next + self._count - len(self._places)))
        self._next += len(names)
        for name in names:
            length = self._chance.randint(*TOKENS_A_STREAM)
            start = self._chance.randrange(len(self._ids) - length)
            self._places[name] = [start, start, start + length]
            self._texts[name] = []
        return names

    def step(self) -> dict[int, int]:
        """Returns the next id of each stream."""
        return {name: self._ids[place[1]] for name, place in self._places.items()}

    def take(self, texts: dict[int, str]) -> list[int]:
        """Takes the texts of a step; returns the streams that are at their end."""
        for name, text in texts.items():
            self._texts[name].append(text)
            self._places[name][1] += 1
        return [name for name, place in self._places.items() if place[1] == place[2]]

    def finish(self, rests: dict[int, str]) -> None:
        """Takes what was left of closed streams, and compares their texts."""
        for name, rest in rests.items():
            start, now, _ = self._places.pop(name)
            text = "".join(self._texts.pop(name)) + rest
            self.wrong += text != self._encoding.decode(self._ids[start:now])
            self.finished += 1

    def names(self) -> list[int]:
        """Returns the open streams."""
        return list(self._places)


class Times(NamedTuple):
    """How a run went.

    Attributes:
        steps: how long each step took, in seconds, in ascending order.
        late: how much later than planned each step began, in seconds, in ascending order.
        tokens_a_second: how many ids were fed.
    """

    steps: list[float]
    late: list[float]
    tokens_a_second: float


def at(values: list[float], share: float) -> float:
    """Returns the value below which a share of ascending values lies, in milliseconds."""
    return values[min(len(values) - 1, int(share * len(values)))] * 1e3


def run_at_rate(
    feed: Callable[[dict[int, int]], dict[int, str]],
    streams: Streams,
    open_streams: Callable[[list[int]], None],
    close_streams: Callable[[list[int]], dict[int, str]],
    rate: float,
    seconds: float,
) -> Times:
    """Feeds all streams one id per step, at a rate of ids per second."""
    open_streams(streams.open_missing())
    interval = len(streams.names()) / rate
    steps, late = [], []
    began = planned = time.perf_counter()
    fed = 0
    while planned - began < seconds:
        wait = planned - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        ids = streams.step()
        started = time.perf_counter()
        texts = feed(ids)
        ended = time.perf_counter()
        steps.append(ended - started)
        late.append(started - planned)
        fed += len(ids)
        ending = streams.take(texts)
        if ending:
            streams.finish(close_streams(ending))
            open_streams(streams.open_missing())
        planned += interval
        if ended - began > 1.5 * seconds:  # it cannot keep up
            break
    wall = time.perf_counter() - began
    streams.finish(close_streams(streams.names()))
    return Times(sorted(steps), sorted(late), fed / wall)


def texts_in(folder: Path | None) -> list[str]:
    """Returns a folder's texts, or some that Python ships with."""
    if folder is None:
        folder = Path(random.__file__).parent
    files = sorted(folder.glob("*.txt")) or sorted(folder.glob("*.py"))[:40]
    return [file.read_bytes().decode("utf-8", "replace") for file in files]


def ids_of(encoding: Any, texts: list[str]) -> array[int]:
    """Returns the ids of the texts, a part of each after the other."""
    ids = array("I")
    for text in texts:
        ids.extend(encoding.encode_ordinary(text[:400_000]))
    return ids
