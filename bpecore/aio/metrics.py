"""What an `AsyncEncoder` did, as plain numbers. `bpecore.prometheus` shows them to Prometheus."""

from __future__ import annotations

from typing import NamedTuple


class Metrics(NamedTuple):
    """A snapshot of one encoder: totals since it was made, except where "now" is said.

    Attributes:
        hits: texts answered from the cache.
        misses: texts that had to be encoded.
        joined: texts requested while an equal one was being encoded, which shared its result.
        rejected: texts refused because the queue was full.
        evictions: texts removed from the cache to make room.
        cached_texts: texts in the cache now.
        cached_bytes: bytes the cache uses now.
        queue_depth: texts waiting for a thread or on one now; never above `queue`.
        waiting_for_queue: texts whose callers now wait for room in the queue.
        batches: how often a thread took texts from the queue.
        latency_counts: answers by the time they took, one number for each bound in
            `bpecore._services.latency.LATENCY_BOUNDS_SECONDS` and one above all bounds; not
            cumulative.
        latency_sum_seconds: the time of all answers together.
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
