"""A call that has much to do, or is given memory, has a larger piece cache, and gives it back.

Whether a cache has grown is seen by the number of the engine's allocations. The words are more than
the usual cache holds, so that it is full; the oracle is the same call without more memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own import BYTES, own_encoding
from programs import output_of, run_python

import bpecore
from bpecore._core import watch_allocations, watched_allocations
from bpecore._pattern.families import CL100K_PATTERN
from fuzz.engine_constants import CACHE_SIZES, LARGE_CACHE_SIZES

USUAL = CACHE_SIZES[-1].kilobytes << 10
LARGER, _, LARGEST = (size.kilobytes << 10 for size in LARGE_CACHE_SIZES)


@pytest.fixture(scope="module")
def words() -> str:
    """More distinct words than the usual cache holds, of 11 letters."""
    letters = np.random.default_rng(25).integers(97, 123, (240_000, 12), dtype=np.uint8)
    letters[:, 0] = ord(" ")
    return letters.tobytes().decode()


def warm_encoding(words: str, rank: int) -> bpecore.Encoding:
    """Returns an encoding that no other test has, whose cache is as large as it usually gets."""
    encoding = own_encoding(CL100K_PATTERN, {**BYTES, b"th": rank})
    encoding.count_batch([words, words], num_threads=1)
    assert caches_of(encoding) == (1, USUAL, USUAL)
    return encoding


def caches_of(encoding: bpecore.Encoding) -> tuple[int, int, int]:
    return encoding._core_bpe.vocabulary.caches


@pytest.fixture
def allocations() -> Iterator[Callable[[], int]]:
    """A function that returns the number of allocations since the last call."""
    watch_allocations()

    def asked() -> int:
        found = watched_allocations()[0]
        watch_allocations()
        return found

    yield asked
    watch_allocations(False)


METHODS: list[Callable[..., Any]] = [
    lambda encoding, text, **options: encoding.encode_batch_to_numpy([text], **options)[0],
    lambda encoding, text, **options: encoding.count_batch([text], **options)[0],
    lambda encoding, text, **options: encoding.encode_to_numpy(3 * text, **options),
]


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_given_and_given_back(
    words: str, method: Callable[..., Any], allocations: Callable[[], int]
) -> None:
    encoding = warm_encoding(words, 5_000 + METHODS.index(method))
    expected = method(encoding, words, num_threads=1, memory=1)
    allocations()
    method(encoding, words, num_threads=1, memory=LARGER - 1)
    usual = allocations()
    for memory in (LARGER, 10**15):
        found = method(encoding, words, num_threads=1, memory=memory)
        assert np.array_equal(found, expected)
        assert allocations() > usual, memory
        assert caches_of(encoding) == (1, USUAL, USUAL)


@pytest.mark.parametrize("width", [1, 2])
def test_much_text_is_worth_memory(words: str, width: int, allocations: Callable[[], int]) -> None:
    """From as many characters on as the larger cache has bytes."""
    encoding = warm_encoding(words, 6_000 + width)
    start = words if width == 1 else words.replace("a", "я")
    text = start + " the" * ((LARGER - len(words)) // 4)
    assert len(text) == LARGER
    for count in (
        encoding.count,
        lambda text: encoding.count_batch([text], num_threads=1)[0],
    ):
        below = count(text[:-1])
        allocations()
        assert count(text[:-1]) == below
        usual = allocations()
        assert count(text) == below + 1
        assert allocations() > usual
        assert caches_of(encoding)[1] == USUAL


def test_text_without_new_words_needs_none(words: str, allocations: Callable[[], int]) -> None:
    encoding = warm_encoding(words, 6_500)
    text = " one two three" * 200_000
    encoding.count_batch([text], num_threads=1)
    allocations()
    encoding.count_batch([text], num_threads=1)
    usual = allocations()
    encoding.count_batch([text], num_threads=1, memory=LARGEST)
    assert allocations() == usual


def test_each_thread_gives_back(words: str) -> None:
    encoding = warm_encoding(words, 7_000)
    texts = [words[start : start + 120_000] for start in range(0, len(words), 120_000)]
    expected = encoding.encode_batch_to_numpy(texts, num_threads=1, memory=1)[0]
    for memory in (1, LARGER, LARGEST):
        found = encoding.encode_batch_to_numpy(texts, memory=memory)[0]
        assert np.array_equal(found, expected)
    count, size, limit = caches_of(encoding)
    assert size <= count * limit


SMALL = """
import random, sys
import bpecore
from bpecore import _core

source = random.Random(1)
words = "".join(" " + "".join(source.choices("abcdefgh", k=9)) for _ in range(40_000))
pattern, ranks = r"[a-z ][a-z]*", {bytes([i]): i for i in range(256)}
encoding = bpecore.Encoding("own", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
vocabulary = encoding._core_bpe.vocabulary
expected = list(words.encode())
"""
"""Begins a program whose cache is soon full: run with BPECORE_CACHE_MB=1."""

NO_MEMORY = """
assert encoding.encode_ordinary_batch([words, words]) == [expected] * 2
before = vocabulary.caches
assert before[1:] == (before[0] * 917_504, 917_504), before
_core.watch_allocations()
encoding.encode_batch_to_numpy([words], num_threads=1, memory=10**8)
asked = _core.watched_allocations()[0]
failed = 0
for number in range(1, asked + 1):
    _core.watch_allocations()
    _core.fail_allocation(number)
    try:
        found = encoding.encode_batch_to_numpy([words], num_threads=1, memory=10**8)[0]
        assert found.tolist() == expected
    except MemoryError:
        failed += 1
    assert vocabulary.caches == before
print(asked - failed)
"""


def test_without_memory_to_grow_the_ids_are_the_same(tmp_path: Path) -> None:
    """At least one allocation can fail without harm: the larger cache."""
    assert int(output_with("1", SMALL + NO_MEMORY, tmp_path)) >= 1


RESIDENT = """
def resident():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss"))

encoding.count_batch([words] * 2, num_threads=1)
before = resident()
assert encoding.count_batch([words] * 2, num_threads=1, memory=10**8) == [len(words)] * 2
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")
def test_the_process_is_as_small_as_before(tmp_path: Path) -> None:
    assert int(output_with("1", SMALL + RESIDENT, tmp_path)) < 1_000


KEPT = """
for _ in range(3):
    for start in range(0, len(many), 100_000):
        encoding.count_batch([many[start : start + 100_000]], num_threads=1)
print(*vocabulary.caches)
"""


def test_small_calls_fill_a_cache_too(words: str, tmp_path: Path) -> None:
    """With a limit above the usual one, a cache grows when all calls together have filled it."""
    (tmp_path / "words").write_text(words)
    code = SMALL.replace("40_000", "4") + "many = open('words').read()\n" + KEPT
    size = LARGE_CACHE_SIZES[0].kilobytes << 10
    assert output_with("16", code, tmp_path).split() == ["1", str(size), str(size)]


def output_with(megabytes: str, code: str, folder: Path) -> str:
    """Returns what a program prints whose environment has BPECORE_CACHE_MB."""
    setting = f"import os; os.environ['BPECORE_CACHE_MB'] = {megabytes!r}\n"
    return output_of(setting + code, folder=folder)


@pytest.mark.parametrize(
    ("megabytes", "limit"),
    [("01", CACHE_SIZES[1]), ("40", LARGE_CACHE_SIZES[1]), ("", None)],
)
def test_the_default_of_a_process(megabytes: str, limit: Any, tmp_path: Path) -> None:
    code = SMALL + "encoding.count_batch([words] * 5, num_threads=1)\nprint(*vocabulary.caches)"
    count, size, most = map(int, output_with(megabytes, code, tmp_path).split())
    expected = (limit or CACHE_SIZES[-1]).kilobytes << 10
    assert (count, most) == (1, expected)
    assert size <= most


@pytest.mark.parametrize("value", ["x", "0", "-8", "1.5", "8 MB"])
def test_a_bad_default_is_an_error_that_names_the_variable(value: str, tmp_path: Path) -> None:
    code = f"import os; os.environ['BPECORE_CACHE_MB'] = {value!r}; import bpecore"
    run = run_python("-c", code, folder=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        f"ValueError: BPECORE_CACHE_MB must be a whole number of MB, 1 or more, not {value!r}"
    )


@pytest.mark.parametrize("memory", [0, -1, 1.5, "8", True])
def test_bad_memory_is_an_error(memory: Any) -> None:
    encoding = own_encoding(CL100K_PATTERN)
    error = ValueError if type(memory) is int else TypeError
    for method in METHODS:
        with pytest.raises(error, match="memory must be"):
            method(encoding, "some text", memory=memory)


def test_statistics_tell() -> None:
    encoding = bpecore.get_encoding("r50k_base")
    encoding.encode("hello world")
    found = bpecore.registry.stats()["r50k_base"]
    assert found["caches"] >= 1
    assert found["caches"] * (CACHE_SIZES[0].kilobytes << 10) <= found["cache_bytes"]
    assert found["cache_bytes"] <= found["caches"] * found["cache_limit"]
    assert found["vocabulary_mapped"] == encoding._core_bpe.vocabulary.is_mapped
