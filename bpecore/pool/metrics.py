"""What a pool did, as plain numbers; `bpecore.prometheus` shows the same to Prometheus."""

from __future__ import annotations

from typing import NamedTuple


class WorkerMetrics(NamedTuple):
    """A snapshot of one worker. The counts are of all processes that had its place.

    Attributes:
        process: its process's number; 0 while it is being restarted.
        restarts: how often it died and was started anew.
        requests: requests answered, of all kinds; a `feed_many` is one for each worker.
        failed: those of them that got an error.
        fed_ids: ids that streams were fed.
        texts: texts encoded and counted.
        streams: open streams now.
        clients: clients connected now.
        queue_depth: requests taken from the clients and not answered yet, now.
        latency_counts: answers by the time since the client wrote the request, one number for each
            of `bpecore._services.latency.LATENCY_BOUNDS_SECONDS` and one for what took longer.
        latency_sum_seconds: the time that all answers took.
    """

    process: int
    restarts: int
    requests: int
    failed: int
    fed_ids: int
    texts: int
    streams: int
    clients: int
    queue_depth: int
    latency_counts: tuple[int, ...]
    latency_sum_seconds: float


class PoolMetrics(NamedTuple):
    """A snapshot of a pool.

    Attributes:
        workers: each worker's numbers.
        clients: clients that are connected.
    """

    workers: tuple[WorkerMetrics, ...]
    clients: int
