"""The cache of texts: its bounds in entries and bytes, and what it evicts."""

from __future__ import annotations

import gc
import tracemalloc
from array import array

import pytest

pytest.importorskip("anyio", reason="needs the extra aio")

from bpecore.aio.text_cache import TextCache


def put(cache: TextCache, text: str, ids: int = 3) -> None:
    cache.put((text, frozenset(), "all"), text, array("I", range(ids)))


def has(cache: TextCache, text: str) -> bool:
    return cache.get((text, frozenset(), "all")) is not None


def test_bound_in_entries() -> None:
    cache = TextCache(max_entries=10, max_bytes=10**9)
    for number in range(100):
        put(cache, str(number))
        assert len(cache) == min(number + 1, 10)
    assert cache.evictions == 90
    assert [number for number in range(100) if has(cache, str(number))] == list(range(90, 100))


def test_bound_in_bytes() -> None:
    cache = TextCache(max_entries=10**9, max_bytes=100_000)
    for number in range(1000):
        put(cache, str(number) + "x" * (number % 7 * 100), ids=number % 50)
        assert cache.nbytes <= 100_000
        assert has(cache, str(number) + "x" * (number % 7 * 100))
    assert cache.evictions == 1000 - len(cache)
    assert len(cache) > 50


def test_what_was_used_is_kept() -> None:
    cache = TextCache(max_entries=2, max_bytes=10**9)
    put(cache, "a")
    put(cache, "b")
    assert has(cache, "a")
    put(cache, "c")
    assert has(cache, "a")
    assert not has(cache, "b")


def test_putting_again_counts_once() -> None:
    cache = TextCache(max_entries=2, max_bytes=10**9)
    put(cache, "a", ids=1)
    once = cache.nbytes
    put(cache, "a", ids=1)
    assert cache.nbytes == once
    put(cache, "a", ids=1001)
    assert cache.nbytes == once + 4000
    assert (len(cache), cache.evictions) == (1, 0)


def test_what_is_larger_than_the_cache_pushes_nothing_out() -> None:
    cache = TextCache(max_entries=10, max_bytes=2000)
    put(cache, "a")
    put(cache, "x" * 3000)
    assert has(cache, "a")
    assert not has(cache, "x" * 3000)
    put(cache, "a", ids=1000)  # larger than the whole cache now
    assert not has(cache, "a")
    assert (len(cache), cache.nbytes, cache.evictions) == (0, 0, 0)


@pytest.mark.parametrize("bounds", [(0, 10**9), (10, 0)])
def test_a_cache_of_nothing(bounds: tuple[int, int]) -> None:
    cache = TextCache(*bounds)
    put(cache, "a")
    assert (len(cache), cache.nbytes, has(cache, "a")) == (0, 0, False)


def test_memory_is_flat_and_what_is_counted() -> None:
    """Real memory agrees with `nbytes`, and stays the same after many more texts."""
    cache = TextCache(max_entries=10**9, max_bytes=2_000_000)
    numbers = range(100)
    gc.collect()
    tracemalloc.start()
    try:

        def fill(start: int) -> int:
            for number in range(start, start + 10_000):
                text = f"{number:300}"
                cache.put((text, frozenset(), "all"), text, array("I", numbers))
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        full = fill(0)
        assert 0.7 * cache.nbytes < full < 1.3 * cache.nbytes
        assert fill(10_000) < 1.1 * full
    finally:
        tracemalloc.stop()
