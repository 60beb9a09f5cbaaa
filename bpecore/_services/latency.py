"""What an `AsyncEncoder` did, as plain numbers.

`bpecore.prometheus` shows the same to Prometheus.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

# Upper bounds of the buckets, inclusive; the last bucket has none.
LATENCY_BOUNDS_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1)


class Metrics(NamedTuple):
    """A snapshot. The counts are since the encoder was made; the others are of the moment.

    Attributes:
        hits: texts whose answer was in the cache.
        misses: texts that had to be encoded.
        joined: texts that were asked for while an equal one was being encoded, and shared it.
        rejected: texts refused because the queue was full.
        evictions: texts that the cache has forgotten to make room.
        cached_texts: texts in the cache.
        cached_bytes: what they take, in bytes.
        queue_depth: texts that wait for a worker thread or are on one; never above `queue`.
        waiting_for_queue: texts whose callers wait until the queue has room.
        batches: how often a worker thread took texts, one or several.
        latency_counts: answers by the time they took, one number for each of
            `LATENCY_BOUNDS_SECONDS` and one for what took longer; not cumulative.
        latency_sum_seconds: the time that all answers took.
    """

    hits: int
    misses: int
    joined: int
    rejected: int
    evictions: int
    cached_texts: int
    cached_bytes: int
    queue_depth: int
    waiting_for_queue: int
    batches: int
    latency_counts: tuple[int, ...]
    latency_sum_seconds: float


class LatencyHistogram:
    """Counts durations by bucket.

    Attributes:
        counts: durations in each bucket; the last holds those above all bounds.
        sum_seconds: their sum.

    Example:
        >>> histogram = LatencyHistogram()
        >>> histogram.observe(0.0007)
        >>> histogram.counts
        [0, 0, 1, 0, 0, 0, 0, 0]
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BOUNDS_SECONDS) + 1)
        self.sum_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one duration, in seconds."""
        self.counts[bisect_left(LATENCY_BOUNDS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds
