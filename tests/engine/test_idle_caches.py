"""A vocabulary keeps a piece cache for each CPU when its calls have ended, and eight at least."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from own import BYTES, own_encoding

from bpecore._core import CoreBPE
from bpecore._pattern.families import CL100K_PATTERN

THREADS = 12


class WaitingSplitter:
    """Stands for a pattern of the `regex` library; waits until all threads are in a call."""

    def __init__(self) -> None:
        self._all = threading.Barrier(THREADS)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        self._all.wait(60)
        return re.finditer(".", text)


@pytest.mark.parametrize(("cpus", "kept"), [(1, 8), (10, 10), (200, 12)])
def test_caches_that_are_kept(cpus: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cpus)
    core: Any = own_encoding(CL100K_PATTERN, {**BYTES, b"zq": 300 + cpus})._core_bpe
    waiting: Any = CoreBPE(core.vocabulary, core.special_tokens, WaitingSplitter(), ".")
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(waiting.encode_ordinary, ["ab"] * THREADS))
    assert found == [[97, 98]] * THREADS
    assert core.vocabulary.caches[0] == kept
