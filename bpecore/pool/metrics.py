"""What a pool has done, as plain numbers; `bpecore.prometheus` gives the same to Prometheus."""

from __future__ import annotations

from typing import NamedTuple


class WorkerMetrics(NamedTuple):
    """A snapshot of one worker. The counts include earlier processes in its place.

    Attributes:
        process: its process's number; 0 while it is being restarted.
        restarts: how often it died and was started again.
        requests: requests answered, of all kinds; a `feed_many` is one per worker.
        failed: how many of them got an error.
        fed_ids: ids that streams were fed.
        texts: texts encoded and counted.
        streams: open streams now.
        clients: clients connected now.
        queue_depth: requests taken from the clients and not answered yet.
        latency_counts: answers by the time since the client wrote the request, one number for each
            of `bpecore._services.latency.LATENCY_BOUNDS_SECONDS` and one for slower answers.
        latency_sum_seconds: the time of all answers together.
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
