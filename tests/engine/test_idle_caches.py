"""A vocabulary keeps a piece cache for each CPU when its calls have ended, and eight at least."""

from __future__ import annotations

import sys
import threading

import pytest
from own import BYTES

import bpecore

pytest.importorskip("regex")

THREADS = 12


@pytest.mark.parametrize(("cpus", "kept"), [(1, 8), (12, 12), (200, 12)])
def test_caches_that_are_kept(cpus: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads are in a call at once, which a pattern of the `regex` library makes sure of."""
    monkeypatch.setattr("os.cpu_count", lambda: cpus)
    encoding = bpecore.Encoding(
        "own",
        pat_str=r"(.)\1|[\s\S]",
        mergeable_ranks={**BYTES, b"zq": 300 + cpus},
        special_tokens={},
    )
    started = threading.Barrier(THREADS)
    text = "abcdefgh" * 2_000

    def call() -> None:
        started.wait()
        assert encoding.count(text) == len(text)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=call) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert encoding._core_bpe.vocabulary.caches[0] == kept
