"""`AsyncEncoder`s and `TokenizerPool`s as Prometheus sees them. Needs the extra `prometheus`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from bpecore._services.latency import LATENCY_BOUNDS_SECONDS
from bpecore.aio import AsyncEncoder

if TYPE_CHECKING:
    from bpecore.pool import TokenizerPool

try:
    from prometheus_client import Metric
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ImportError(
        "bpecore.prometheus needs prometheus_client: pip install 'bpecore[prometheus]'"
    ) from error

# The field of `Metrics`, the name that Prometheus sees, and its help.
COUNTERS = (
    ("hits", "bpecore_cache_hits", "Texts whose answer was in the cache."),
    ("misses", "bpecore_cache_misses", "Texts that had to be encoded."),
    ("joined", "bpecore_requests_joined", "Texts that shared the encoding of an equal one."),
    ("rejected", "bpecore_requests_rejected", "Texts refused because the queue was full."),
    ("evictions", "bpecore_cache_evictions", "Texts that the cache has forgotten."),
    ("batches", "bpecore_batches", "How often a worker thread took texts."),
)
GAUGES = (
    ("cached_texts", "bpecore_cached_texts", "Texts in the cache."),
    ("cached_bytes", "bpecore_cached_bytes", "Bytes that the cache takes."),
    ("queue_depth", "bpecore_queue_depth", "Texts that wait for a worker thread or are on one."),
    ("waiting_for_queue", "bpecore_waiting_for_queue", "Texts that wait for the queue."),
)


WORKER_COUNTERS = (
    ("requests", "bpecore_worker_requests", "Requests that a worker answered."),
    ("failed", "bpecore_worker_failed", "Requests that a worker answered with an error."),
    ("fed_ids", "bpecore_worker_fed_ids", "Ids that streams were fed."),
    ("texts", "bpecore_worker_texts", "Texts that a worker encoded or counted."),
    ("restarts", "bpecore_worker_restarts", "How often a worker died and was started anew."),
)
WORKER_GAUGES = (
    ("streams", "bpecore_worker_streams", "Open streams."),
    ("clients", "bpecore_worker_clients", "Clients that are connected to a worker."),
    ("queue_depth", "bpecore_worker_queue_depth", "Requests taken and not answered yet."),
)


class EncoderCollector(Collector):
    """Shows encoders to Prometheus, with the label `encoder`; it reads them when it is asked.

    Args:
        encoders: an encoder for each value of the label.

    Example:
        >>> import bpecore
        >>> from bpecore.aio import AsyncEncoder
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> encoder = AsyncEncoder(bpecore.get_encoding("o200k_base"))
        >>> registry.register(EncoderCollector({"o200k_base": encoder}))
        >>> registry.get_sample_value("bpecore_queue_depth", {"encoder": "o200k_base"}) == 0
        True
    """

    def __init__(self, encoders: Mapping[str, AsyncEncoder]) -> None:
        self._encoders = dict(encoders)
        for label, encoder in self._encoders.items():
            if not isinstance(encoder, AsyncEncoder):
                raise TypeError(
                    f"the encoder {label!r} must be an AsyncEncoder, not {type(encoder).__name__}"
                )

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics of all encoders as they are now."""
        snapshots = {label: encoder.metrics() for label, encoder in self._encoders.items()}
        for field, name, text in COUNTERS:
            counter = CounterMetricFamily(name, text, labels=["encoder"])
            for label, metrics in snapshots.items():
                counter.add_metric([label], getattr(metrics, field))
            yield counter
        for field, name, text in GAUGES:
            gauge = GaugeMetricFamily(name, text, labels=["encoder"])
            for label, metrics in snapshots.items():
                gauge.add_metric([label], getattr(metrics, field))
            yield gauge
        latency = HistogramMetricFamily(
            "bpecore_latency_seconds", "The time that answers took.", labels=["encoder"]
        )
        for label, metrics in snapshots.items():
            buckets = list(_buckets(metrics.latency_counts))
            latency.add_metric([label], buckets, metrics.latency_sum_seconds)
        yield latency


class PoolCollector(Collector):
    """Shows pools to Prometheus, with the labels `pool` and `worker`; read when it is asked.

    Args:
        pools: a pool for each value of the label.

    Example:
        >>> from bpecore.pool import TokenizerPool
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> with TokenizerPool("o200k_base", processes=1) as pool:
        ...     registry.register(PoolCollector({"main": pool}))
        ...     labels = {"pool": "main", "worker": "0"}
        ...     registry.get_sample_value("bpecore_worker_restarts_total", labels) == 0
        True
    """

    def __init__(self, pools: Mapping[str, TokenizerPool]) -> None:
        self._pools = dict(pools)

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics of all pools as they are now."""
        workers = [
            ([label, str(index)], worker)
            for label, pool in self._pools.items()
            for index, worker in enumerate(pool.metrics().workers)
        ]
        names = ["pool", "worker"]
        for field, name, text in WORKER_COUNTERS:
            counter = CounterMetricFamily(name, text, labels=names)
            for labels, metrics in workers:
                counter.add_metric(labels, getattr(metrics, field))
            yield counter
        for field, name, text in WORKER_GAUGES:
            gauge = GaugeMetricFamily(name, text, labels=names)
            for labels, metrics in workers:
                gauge.add_metric(labels, getattr(metrics, field))
            yield gauge
        latency = HistogramMetricFamily(
            "bpecore_worker_latency_seconds", "From a request to its answer.", labels=names
        )
        for labels, metrics in workers:
            buckets = list(_buckets(metrics.latency_counts))
            latency.add_metric(labels, buckets, metrics.latency_sum_seconds)
        yield latency


def _buckets(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    """Returns the upper bound of each bucket and the answers up to it, as Prometheus wants them."""
    bounds = (*map(str, LATENCY_BOUNDS_SECONDS), "+Inf")
    return zip(bounds, accumulate(counts))
