"""Memory stays flat in a service that keeps seeing new names, texts, threads and vocabularies.

`BPECORE_LONG_TESTS=1` runs them at full length: 1e6 names, 1e5 texts, 1e4 threads.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
from programs import output_of

LONG = bool(os.environ.get("BPECORE_LONG_TESTS"))

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from Linux's /proc"
)

TOOLS = """
import gc, sys, threading
import bpecore

def private_kilobytes():
    gc.collect()
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))

def resident_kilobytes():
    gc.collect()
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Rss"))
"""


def run(code: str, tmp_path: Path, *arguments: object) -> list[int]:
    """Returns the numbers that a program prints."""
    printed = output_of(TOOLS + code, *arguments, folder=tmp_path, timeout=1_000)
    return [int(number) for number in printed.split()]


NAMES = """
def ask(i):
    assert bpecore.encoding_name_for_model(f"gpt-4o-{i}") == "o200k_base"
    bpecore.encoding_for_model(f"gpt-4-{i}")
    for call in (bpecore.encoding_for_model, bpecore.get_encoding):
        try:
            call(f"unknown-{i}")
        except (KeyError, ValueError):
            continue
        raise AssertionError(i)

for i in range(2_000):
    ask(i)
before = private_kilobytes()
for i in range(2_000, int(sys.argv[1])):
    ask(i)
print(private_kilobytes() - before)
"""


def test_different_model_names(tmp_path: Path) -> None:
    (growth,) = run(NAMES, tmp_path, 1_000_000 if LONG else 30_000)
    assert growth < 1_000


TEXTS = """
encoding = bpecore.get_encoding("cl100k_base")

def encode(i):
    text = f"{i * 2654435761 % 2**32:x} {i} word{i}wörd{i} " * 5
    encoding.encode(text)
    encoding.encode(text, allowed_special={f"<|{i}|>"}, disallowed_special=(f"<<{i}>>",))
    encoding.encode_to_numpy(text)

for i in range(5_000):
    encode(i)
before = private_kilobytes()
for i in range(5_000, int(sys.argv[1])):
    encode(i)
print(private_kilobytes() - before)
"""


def test_different_texts(tmp_path: Path) -> None:
    """The piece cache may reach its largest size once, and int objects those of all ids."""
    (growth,) = run(TEXTS, tmp_path, 100_000 if LONG else 15_000)
    assert growth < 12_000


THREADS = """
encoding = bpecore.get_encoding("cl100k_base")
failures = []

def encode(i):
    if encoding.decode(encoding.encode(f"hello {i}")) != f"hello {i}":
        failures.append(i)

def start(numbers):
    threads = [threading.Thread(target=encode, args=(i,)) for i in numbers]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

for first in range(0, 400, 20):
    start(range(first, first + 20))
before = private_kilobytes()
for first in range(400, int(sys.argv[1]), 20):
    start(range(first, first + 20))
assert not failures
print(private_kilobytes() - before)
"""


def test_short_lived_threads(tmp_path: Path) -> None:
    number, limit = 10_000 if LONG else 2_000, 2_000
    (growth,) = run(THREADS, tmp_path, number)
    if growth >= limit:
        threads_alone = THREADS.replace('encoding.decode(encoding.encode(f"hello {i}"))', "str(i)")
        threads_alone = threads_alone.replace('f"hello {i}"', "str(i)")
        if run(threads_alone, tmp_path, number)[0] >= limit:
            pytest.skip("a thread that does nothing leaves memory here, as under QEMU")
    assert growth < limit


ENCODINGS = """
ranks = {bytes([byte]): byte for byte in range(256)}
for rank in range(256, 50_000):
    ranks[b"%d" % (rank * 7919)] = rank

def make(i):
    return bpecore.Encoding(f"n{i}", pat_str=r"\\\\d+|\\\\D", mergeable_ranks=ranks,
                            special_tokens={"<end>": 60_000})

first = make(0)
before = resident_kilobytes()
made = [make(i) for i in range(1_000)]
print(resident_kilobytes() - before)
assert len({id(encoding._core_bpe.vocabulary) for encoding in made}) == 1
assert made[0]._mergeable_ranks is ranks
before = resident_kilobytes()
tables = first._core_bpe.vocabulary.nbytes // 1024
del made, first
print(before - resident_kilobytes(), tables)
"""


def test_a_thousand_encodings_of_equal_ranks_share_their_tables(tmp_path: Path) -> None:
    growth, freed, tables = run(ENCODINGS, tmp_path)
    # An encoding by itself is about 2.5 KB of objects; the tables of one are 1,000 times as much.
    assert growth < 3_000
    assert tables > 1_000
    # Not all: unused pages never were resident, and the allocator keeps some.
    assert freed > tables // 3, "the tables are freed with the last encoding"


FIRST_ENCODE = """
before = private_kilobytes()
encoding = bpecore.get_encoding("o200k_base")
encoding.encode("hello world")
print(private_kilobytes() - before)
text = " ".join(
    f"{i * 2654435761 % 2**32:x} word{i} Wörter 漢字{chr(0x4e00 + i % 5000)}" for i in range(32_000)
)[:900_000]
before_text = private_kilobytes()
encoding.encode(text)
print(private_kilobytes() - before_text)
"""


def test_what_o200k_adds_to_a_process(tmp_path: Path) -> None:
    """Pages of the mapped tables count as private here: no other process has them mapped."""
    first, text = run(FIRST_ENCODE, tmp_path)
    assert first < 6_000
    assert first + text < 14_000


ONE_LARGE_TEXT = """
encoding = bpecore.get_encoding("o200k_base")
words = "the ids of a large text lie in a buffer on their way into a list "
text = words * 20_000
bytearray(8_000_000)  # glibc's malloc learns of large blocks, and keeps what is freed from now on
for start in [*range(0, len(text), 100_000)] * 2:  # until the cache has its full size
    encoding.encode_ordinary(text[start : start + 100_000])
print(private_kilobytes())
print(len(encoding.encode_ordinary(text)))
print(private_kilobytes())
"""


def test_the_ids_of_one_large_text_are_given_back(tmp_path: Path) -> None:
    """4 bytes per id; the list, 8 bytes per id, is Python's to free and may be kept."""
    before, ids, after = run(ONE_LARGE_TEXT, tmp_path)
    assert ids > 250_000
    assert after - before < 8 * ids // 1024 + 500


FEW_IDS_OF_LARGE_TEXTS = """
encoding = bpecore.get_encoding("cl100k_base")
text = " " * 300_000
kept = [encoding.encode_to_numpy(text) for _ in range(8)]  # until the cache has its full size
before = private_kilobytes()
kept += [encoding.encode_to_numpy(text) for _ in range(50)]
print(len(kept[0]), private_kilobytes() - before)
"""


def test_few_ids_of_a_large_text_take_little_memory(tmp_path: Path) -> None:
    """They do not keep the room that was prepared for many ids."""
    ids, grown = run(FEW_IDS_OF_LARGE_TEXTS, tmp_path)
    assert ids < 10_000
    assert grown < 50 * 100


DROPPED_BATCHES = """
import resource
encoding = bpecore.get_encoding("r50k_base")
texts = [f"number {i} and some more words\\n" * 300 for i in range(400)]
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    lists = encoding.encode_batch(texts, num_threads=1)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    del lists
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep what is freed, or not")
def test_the_memory_of_a_dropped_batch_serves_the_next_one(tmp_path: Path) -> None:
    first, *others = run(DROPPED_BATCHES, tmp_path)
    assert first > 1_000
    assert min(others) < first // 10
