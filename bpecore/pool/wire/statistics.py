"""The numbers that a worker writes into memory that it shares with the pool's process."""

from __future__ import annotations

from bisect import bisect_left

from bpecore._core import SharedWords
from bpecore._services.latency import LATENCY_BOUNDS_SECONDS
from bpecore.pool.wire.segments import Segment

BOUNDS_NS = tuple(round(bound * 1e9) for bound in LATENCY_BOUNDS_SECONDS)

COUNTS = ("requests", "failed", "fed_ids", "texts", "latency_sum_ns")
"""Numbers that only grow; those of dead processes are added up."""

GAUGES = ("streams", "clients", "queue_depth")

PLACES = {name: place for place, name in enumerate((*COUNTS, *GAUGES))}
FIRST_BUCKET = len(PLACES)
BUCKETS = len(LATENCY_BOUNDS_SECONDS) + 1
WORDS = FIRST_BUCKET + BUCKETS
BEATS, REQUEST_BYTES = WORDS, WORDS + 1
"""Places of what a `HealthCheck` reads, after the numbers."""

STATISTICS_BYTES = 8 * (WORDS + 2)


class Statistics:
    """The worker's end: what it counts, and publishes once per turn of its loop.

    Args:
        segment: shared memory of `STATISTICS_BYTES`.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._words = SharedWords(segment.buf)
        self._numbers = [0] * WORDS
        self.requests = self.failed = self.fed_ids = self.texts = self.latency_sum_ns = 0
        self.streams = self.clients = self.queue_depth = 0
        self.buckets = [0] * BUCKETS
        self._beats = 0

    def beat(self, size: int) -> None:
        """Shows that the worker turns to something else.

        Args:
            size: bytes of the request that it begins; 0: none.
        """
        self._beats += 1
        self._words.store(REQUEST_BYTES, size)
        self._words.store(BEATS, self._beats)

    def observe(self, elapsed_ns: int) -> None:
        """Counts an answer and the time it took."""
        self.requests += 1
        self.latency_sum_ns += elapsed_ns
        self.buckets[bisect_left(BOUNDS_NS, elapsed_ns)] += 1

    def publish(self) -> None:
        """Writes what has changed."""
        numbers = [getattr(self, name) for name in PLACES] + self.buckets
        if numbers != self._numbers:
            for place, (number, before) in enumerate(zip(numbers, self._numbers)):
                if number != before:
                    self._words.store(place, number)
            self._numbers = numbers

    def close(self) -> None:
        """Releases the memory."""
        self._words.release()
        self._segment.close()


class StatisticsReader:
    """The pool's end.

    Args:
        segment: shared memory of `STATISTICS_BYTES`; closed with this.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._words = SharedWords(segment.buf)

    def read(self) -> list[int]:
        """Returns all numbers as they are now, in the order of `PLACES`, then the buckets."""
        return [self._words.load(place) for place in range(WORDS)]

    def beats(self) -> tuple[int, int]:
        """Returns how often the worker has turned to something else, and the size of its request.

        Just after a beat the size may already be the next one's.
        """
        return self._words.load(BEATS), self._words.load(REQUEST_BYTES)

    def close(self) -> None:
        """Releases the memory."""
        self._words.release()
        self._segment.close()
