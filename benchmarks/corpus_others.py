"""`bpecore tokenize` beside the engine alone and beside what others use, on a file of JSON Lines.

    python -m benchmarks.corpus_others --help

The rows take turns: the whole command; the engine on the same texts in memory, on all CPUs;
gigatoken's `encode_files`, which keeps the result in memory; and Megatron's loop, that is
`json.loads`, the library `tokenizers` and `IndexedDatasetBuilder` with a process per CPU, on the
beginning of the file. Prints the least of each, and the ratios. A library that is absent is left
out.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import bpecore

from .engines import GigatokenEngine
from .rank_files import write_rank_files

CPUS = len(os.sched_getaffinity(0))
BATCH = 64_000_000
MEGATRON_BYTES = 10_000_000
CHUNK = 32
"""Lines per message, as in Megatron's script."""

_tokenizer: Any = None


def time_command(path: Path, folder: Path, encoding: str) -> float:
    out = folder / "out"
    command = [sys.executable, "-m", "bpecore", "tokenize", str(path), "--format", "bin"]
    command += ["--encoding", encoding, "--output", str(out), "--workers", str(CPUS)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


def time_engine(path: Path, encoding: str) -> float:
    import orjson

    with path.open("rb") as file:
        texts = [orjson.loads(line)["text"] for line in file]
    ordinary = bpecore.get_encoding(encoding).ordinary
    # Not all at once: the memory for all ids would cost more than half of the time.
    count = max(1, len(texts) * BATCH // path.stat().st_size)
    start = time.perf_counter()
    for first in range(0, len(texts), count):
        ordinary.encode_batch_to_numpy(texts[first : first + count], num_threads=CPUS)
    return time.perf_counter() - start


def time_gigatoken(path: Path, folder: Path, encoding: str) -> float:
    engine = GigatokenEngine(encoding, folder)
    start = time.perf_counter()
    engine.encode_file(path, CPUS)
    return time.perf_counter() - start


def _start(tokenizer_file: str) -> None:
    global _tokenizer
    from tokenizers import Tokenizer

    _tokenizer = Tokenizer.from_file(tokenizer_file)


def _encode(line: bytes) -> tuple[list[int], int]:
    return _tokenizer.encode(json.loads(line)["text"]).ids, len(line)


def _lines(path: Path, limit: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            limit -= len(line)
            yield line
            if limit < 0:
                return


def time_megatron(path: Path, folder: Path, encoding: str) -> float:
    """Returns the seconds that the whole file would take."""
    import numpy as np
    import torch
    from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder

    builder = IndexedDatasetBuilder(str(folder / "megatron.bin"), dtype=np.int32)
    read = 0
    start = time.perf_counter()
    arguments = (str(folder / f"{encoding}.json"),)
    with multiprocessing.get_context("spawn").Pool(CPUS, _start, arguments) as pool:
        pool.map(_encode, list(islice(_lines(path, MEGATRON_BYTES), CPUS)))
        start = time.perf_counter()  # the processes have started
        for ids, size in pool.imap(_encode, _lines(path, MEGATRON_BYTES), CHUNK):
            builder.add_document(torch.IntTensor(ids), [len(ids)])
            read += size
        builder.finalize(str(folder / "megatron.idx"))
    return (time.perf_counter() - start) * path.stat().st_size / read


def main() -> None:
    """Prints a row per way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path, help="JSON Lines with a field text")
    parser.add_argument("--encoding", default="o200k_base")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ways", default="command,engine,gigatoken,megatron")
    options = parser.parse_args()
    path, name = options.file, options.encoding
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_rank_files(folder, [name], True)
        ways: dict[str, Callable[[], float]] = {
            "command": lambda: time_command(path, folder, name),
            "engine": lambda: time_engine(path, name),
            "gigatoken": lambda: time_gigatoken(path, folder, name),
            "megatron": lambda: time_megatron(path, folder, name),
        }
        least: dict[str, float] = {}
        for _ in range(options.rounds):
            for way in options.ways.split(","):
                try:
                    seconds = ways[way]()
                except ImportError as error:
                    print(f"{way} is left out: {error}", flush=True)
                    continue
                least[way] = min(seconds, least.get(way, seconds))
                print(f"{way:>10}  {seconds:7.2f} s", flush=True)
    megabytes = path.stat().st_size / 1e6
    for way, seconds in least.items():
        over = (
            f", {seconds / least['command']:.2f} times the command's" if "command" in least else ""
        )
        print(f"{way:>10}  {megabytes / seconds:7.1f} MB/s{over}")


if __name__ == "__main__":
    main()
