"""A histogram of durations, with the bounds that encoders and pools share."""

from __future__ import annotations

from bisect import bisect_left

LATENCY_BOUNDS_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1)
"""Upper bounds of the buckets, inclusive; a last bucket holds what is above them."""


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
        """Counts one duration."""
        self.counts[bisect_left(LATENCY_BOUNDS_SECONDS, seconds)] += 1
        self.sum_seconds += seconds
