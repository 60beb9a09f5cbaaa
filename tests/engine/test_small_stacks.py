"""Threads with the smallest stack that Python gives: 32 KB, and more since 3.14 and on arm64."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import run_python

TEXTS = {
    "words": '"the quick brown fox " * 5_000',
    "characters": '"".join(map(chr, range(32, 40_000)))',
    "one piece": '"a" * 100_000',
    "phrases": '"日本語" * 5_000',
}

CODE = """
import sys, threading
import bpecore, numpy
encoding = bpecore.get_encoding("o200k_base")
text = {text}
expected = encoding.encode(text)
results = []
size = 32768
while True:
    try:
        threading.stack_size(size)
        break
    except ValueError:
        size *= 2
thread = threading.Thread(target=lambda: results.append({call}))
thread.start()
thread.join()
"""


def run(text: str, call: str, check: str, folder: Path) -> int:
    return run_python("-c", CODE.format(text=text, call=call) + check, folder=folder).returncode


@pytest.fixture(scope="module", autouse=True)
def python_itself_has_enough(tmp_path_factory: pytest.TempPathFactory) -> None:
    ended = run(TEXTS["words"], "sorted(text.split())", "", tmp_path_factory.mktemp("folder"))
    if ended < 0:
        pytest.skip("Python itself needs more")
    assert ended == 0


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    ("call", "check"),
    [
        ("encoding.encode(text)", "assert results == [expected]"),
        ("encoding.encode_to_numpy(text)", "assert results[0].tolist() == expected"),
        ("encoding.count(text)", "assert results == [len(expected)]"),
        ("encoding.encode_batch([text] * 4)", "assert results == [[expected] * 4]"),
        ("encoding.decode(expected)", "assert results == [text]"),
    ],
)
def test_all_is_done_in_a_small_stack(call: str, check: str, text: str, tmp_path: Path) -> None:
    assert run(text, call, check, tmp_path) == 0
