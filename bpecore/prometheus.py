"""The metrics of `AsyncEncoder`s for Prometheus. Needs the extra `prometheus`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from bpecore.aio import AsyncEncoder
from bpecore.metrics import LATENCY_BOUNDS_SECONDS, Metrics

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
            latency.add_metric([label], list(_buckets(metrics)), metrics.latency_sum_seconds)
        yield latency


def _buckets(metrics: Metrics) -> Iterator[tuple[str, float]]:
    """Returns the upper bound of each bucket and the answers up to it, as Prometheus wants them."""
    bounds = (*map(str, LATENCY_BOUNDS_SECONDS), "+Inf")
    return zip(bounds, accumulate(metrics.latency_counts))
