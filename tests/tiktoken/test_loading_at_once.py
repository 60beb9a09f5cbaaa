"""A hundred threads load each of the seven encodings at once, in fresh processes.

`BPECORE_LONG_TESTS=1` repeats this 200 times.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pairs import ENCODING_NAMES, load_pair
from programs import output_of

ROUNDS = 200 if os.environ.get("BPECORE_LONG_TESTS") else 1

ASK = """
import sys, threading
import bpecore
from bpecore import registry

names = sys.argv[1:]
barrier, found = threading.Barrier(100), []

def ask(number):
    barrier.wait()
    for turn in range(len(names)):
        name = names[(number + turn) % len(names)]
        encoding = bpecore.get_encoding(name)
        found.append((name, id(encoding), tuple(encoding.encode("hello <world> 漢字 1234"))))

threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 100 * len(names)
assert len(set(found)) == len(names), set(found)
assert {name: one["loads"] for name, one in registry.stats().items()} == dict.fromkeys(names, 1)
assert len({id(bpecore.get_encoding(name)._core_bpe.vocabulary) for name in names}) <= 4
for name, _, ids in sorted(set(found)):
    print(name, *ids)
"""


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_all_seven_by_a_hundred_threads(round_number: int, tmp_path: Path) -> None:
    printed = output_of(ASK, *ENCODING_NAMES, folder=tmp_path)
    lines = [line.split() for line in printed.splitlines()]
    assert sorted(name for name, *_ in lines) == sorted(ENCODING_NAMES)
    for name, *ids in lines:
        assert list(map(int, ids)) == load_pair(name).theirs.encode("hello <world> 漢字 1234")
