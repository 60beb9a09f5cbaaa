"""Shows `AsyncEncoder`s and `TokenizerPool`s to Prometheus. Needs the extra `prometheus`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar, Union

from bpecore._services.latency import LATENCY_BOUNDS_SECONDS

if TYPE_CHECKING:
    from bpecore.aio import AsyncEncoder
    from bpecore.aio.metrics import Metrics
    from bpecore.pool import TokenizerPool
    from bpecore.pool.metrics import WorkerMetrics

    # The values of a metric's labels, and the numbers to show under them.
    Labelled = tuple[list[str], Union[Metrics, WorkerMetrics]]

_Shown = TypeVar("_Shown")

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
        'bpecore.prometheus needs prometheus_client: pip install "bpecore[prometheus]"',
        name="prometheus_client",
    ) from error

# The field of `Metrics` or `WorkerMetrics`, the name shown, and its help.
_COUNTERS = (
    ("hits", "bpecore_cache_hits", "Texts answered from the cache."),
    ("misses", "bpecore_cache_misses", "Texts that had to be encoded."),
    ("joined", "bpecore_requests_joined", "Texts that shared the encoding of an equal one."),
    ("rejected", "bpecore_requests_rejected", "Texts refused because the queue was full."),
    ("evictions", "bpecore_cache_evictions", "Texts removed from the cache to make room."),
    ("batches", "bpecore_batches", "How often a thread took texts from the queue."),
)
_GAUGES = (
    ("cached_texts", "bpecore_cached_texts", "Texts in the cache."),
    ("cached_bytes", "bpecore_cached_bytes", "Bytes used by the cache."),
    ("queue_depth", "bpecore_queue_depth", "Texts waiting for a thread or on one."),
    ("waiting_for_queue", "bpecore_waiting_for_queue", "Texts waiting for room in the queue."),
)
_WORKER_COUNTERS = (
    ("requests", "bpecore_worker_requests", "Requests answered."),
    ("failed", "bpecore_worker_failed", "Requests answered with an error."),
    ("fed_ids", "bpecore_worker_fed_ids", "Ids fed to streams."),
    ("texts", "bpecore_worker_texts", "Texts encoded or counted."),
    ("restarts", "bpecore_worker_restarts", "How often the worker died and was restarted."),
)
_WORKER_GAUGES = (
    ("streams", "bpecore_worker_streams", "Open streams."),
    ("clients", "bpecore_worker_clients", "Connected clients."),
    ("queue_depth", "bpecore_worker_queue_depth", "Requests received and not yet answered."),
)


class EncoderCollector(Collector):
    """Shows encoders to Prometheus, with the label `encoder`. Numbers are read at each scrape.

    Args:
        encoders: an encoder for each value of the label.

    Raises:
        TypeError: one of them is not an `AsyncEncoder`.

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
        from bpecore.aio import AsyncEncoder  # needs anyio, which `PoolCollector` does without

        self._encoders = _copy("encoders", encoders)
        for label, encoder in self._encoders.items():
            if not isinstance(encoder, AsyncEncoder):
                raise TypeError(
                    f"the encoder {label!r} must be an AsyncEncoder, not {type(encoder).__name__}"
                )

    def collect(self) -> Iterable[Metric]:
        """Returns the current metrics of all encoders."""
        samples: list[Labelled] = [
            ([label], encoder.metrics()) for label, encoder in self._encoders.items()
        ]
        yield from _numbers(samples, ["encoder"], _COUNTERS, _GAUGES)
        yield _latency(samples, ["encoder"], "bpecore_latency_seconds", "Time per answer.")


class PoolCollector(Collector):
    """Shows pools to Prometheus, with the labels `pool` and `worker`. Read at each scrape.

    Args:
        pools: a pool for each value of the label `pool`.

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
        self._pools = _copy("pools", pools)

    def collect(self) -> Iterable[Metric]:
        """Returns the current metrics of all pools."""
        samples: list[Labelled] = [
            ([label, str(index)], worker)
            for label, pool in self._pools.items()
            for index, worker in enumerate(pool.metrics().workers)
        ]
        names = ["pool", "worker"]
        yield from _numbers(samples, names, _WORKER_COUNTERS, _WORKER_GAUGES)
        yield _latency(
            samples, names, "bpecore_worker_latency_seconds", "Time from request to answer."
        )


def _copy(argument: str, labelled: Mapping[str, _Shown]) -> dict[str, _Shown]:
    if not isinstance(labelled, Mapping):
        raise TypeError(f"{argument} must be a mapping of labels, not {type(labelled).__name__}")
    return dict(labelled)


def _numbers(
    samples: Sequence[Labelled],
    names: Sequence[str],
    counters: Iterable[tuple[str, str, str]],
    gauges: Iterable[tuple[str, str, str]],
) -> Iterator[Metric]:
    """Yields the counters and gauges, each with all samples; `names` are those of the labels."""
    for kind, rows in ((CounterMetricFamily, counters), (GaugeMetricFamily, gauges)):
        for field, name, text in rows:
            family = kind(name, text, labels=names)
            for labels, metrics in samples:
                family.add_metric(labels, getattr(metrics, field))
            yield family


def _latency(
    samples: Sequence[Labelled], names: Sequence[str], name: str, text: str
) -> HistogramMetricFamily:
    """Returns the histogram of all samples."""
    bounds = (*map(str, LATENCY_BOUNDS_SECONDS), "+Inf")
    family = HistogramMetricFamily(name, text, labels=names)
    for labels, metrics in samples:
        cumulative = list(zip(bounds, accumulate(metrics.latency_counts)))
        family.add_metric(labels, cumulative, metrics.latency_sum_seconds)
    return family
