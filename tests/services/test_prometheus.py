"""The Prometheus collectors show what `metrics` returns."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

import bpecore

pytest.importorskip("anyio", reason="needs the extra aio")
prometheus_client = pytest.importorskip("prometheus_client", reason="needs the extra prometheus")

from bpecore._services.latency import LATENCY_BOUNDS_SECONDS, LatencyHistogram  # noqa: E402
from bpecore.aio import AsyncEncoder  # noqa: E402
from bpecore.prometheus import _COUNTERS, _GAUGES, EncoderCollector  # noqa: E402


def test_every_number_is_shown() -> None:
    encoders = {
        name: AsyncEncoder(bpecore.get_encoding(name), cache_entries=2)
        for name in ("o200k_base", "cl100k_base")
    }
    registry = prometheus_client.CollectorRegistry()
    registry.register(EncoderCollector(encoders))

    async def use() -> None:
        for text in ("a", "b", "a", "c", "d", "word " * 2000):
            await encoders["o200k_base"].count(text)

    asyncio.run(use())
    for name, encoder in encoders.items():
        metrics = encoder.metrics()
        label = {"encoder": name}
        for field, shown, _ in _COUNTERS:
            assert registry.get_sample_value(f"{shown}_total", label) == getattr(metrics, field)
        for field, shown, _ in _GAUGES:
            assert registry.get_sample_value(shown, label) == getattr(metrics, field)
        cumulative = 0
        for bound, count in zip((*LATENCY_BOUNDS_SECONDS, "+Inf"), metrics.latency_counts):
            cumulative += count
            bucket = {**label, "le": str(bound)}
            sample = registry.get_sample_value("bpecore_latency_seconds_bucket", bucket)
            assert sample == cumulative
        total = registry.get_sample_value("bpecore_latency_seconds_sum", label)
        assert total == metrics.latency_sum_seconds
        encoder.close()
    metrics = encoders["o200k_base"].metrics()
    assert (metrics.hits, metrics.misses, metrics.evictions) == (1, 5, 3)
    assert sum(metrics.latency_counts) == 6


def test_bounds_of_the_histogram() -> None:
    histogram = LatencyHistogram()
    for bound in LATENCY_BOUNDS_SECONDS:
        histogram.observe(bound)  # inclusive
        histogram.observe(bound * 1.0001)
    assert histogram.counts == [1, 2, 2, 2, 2, 2, 2, 1]


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="o200k_base"):
        EncoderCollector({"o200k_base": bpecore.get_encoding("o200k_base")})  # type: ignore[dict-item]


def test_the_pool_collector_needs_no_anyio() -> None:
    pytest.importorskip("bpecore.pool", exc_type=ImportError)
    code = (
        "import sys; sys.modules['anyio'] = None\n"
        "from bpecore.pool import TokenizerPool\n"
        "from bpecore.prometheus import PoolCollector\n"
        "if __name__ == '__main__':\n"
        "    with TokenizerPool('r50k_base', processes=1) as pool:\n"
        "        print(len(list(PoolCollector({'main': pool}).collect())))\n"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("9\n", "")
