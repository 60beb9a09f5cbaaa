"""A batch's new threads are moved off the CPU of its caller, and may then run on all CPUs again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import bpecore
from bpecore._core import encode_batch_to_buffer, set_thread_sizes

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the system does not say which CPUs may be used"
)
TEXTS = [f"the quick brown fox number {number}\n" * 20 for number in range(40)]


@pytest.fixture(autouse=True)
def cpus() -> Iterator[set[int]]:
    """Makes threads start for few characters; returns the CPUs that may be used."""
    before = os.sched_getaffinity(0)
    set_thread_sizes(256, 256, 256)
    yield before
    set_thread_sizes()
    os.sched_setaffinity(0, before)


def test_each_single_cpu_and_all(cpus: set[int]) -> None:
    encoding = bpecore.get_encoding("o200k_base")
    expected = [id for text in TEXTS for id in encoding.encode_ordinary(text)]
    for allowed in ({min(cpus)}, {max(cpus)}, cpus):
        os.sched_setaffinity(0, allowed)
        for _ in range(20):
            # As many threads as asked for, whatever the number of CPUs.
            arguments = encoding._core_bpe, TEXTS, "all", (), encoding.special_tokens_set, 4
            found = encode_batch_to_buffer(*arguments)
            assert found is not None
            assert found[0].to_list(0, len(expected)) == expected
            assert os.sched_getaffinity(0) == allowed
