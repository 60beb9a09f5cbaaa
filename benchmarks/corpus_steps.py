"""What each step of `bpecore tokenize` takes, and what the whole takes, on a file of JSON Lines.

    python -m benchmarks.corpus_steps --help

The steps run one after another in one thread, on what the page cache holds; the whole runs with one
worker, with two, and so on up to the number of CPUs. Seconds are per gigabyte of the file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import bpecore

BLOCK = 1 << 20


def blocks_of(path: str, limit: int) -> Iterator[bytes]:
    """Yields whole lines, about a megabyte at a time."""
    rest = b""
    with open(path, "rb", buffering=0) as file:
        while limit > 0 and (block := file.read(BLOCK)):
            limit -= len(block)
            head, found, tail = block.rpartition(b"\n")
            if found:
                yield rest + head
                rest = tail
            else:
                rest += block
    if rest and limit > 0:
        yield rest


class Steps:
    """Adds up the seconds of steps by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, call: Callable[[], Any]) -> Any:
        """Calls a function and adds what it takes."""
        start = time.perf_counter()
        result = call()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result


def time_steps(path: str, encoding: Any, limit: int) -> tuple[Steps, int]:
    """Returns the seconds of each step, and the bytes that were read."""
    import orjson

    steps = Steps()
    read = 0
    blocks = blocks_of(path, limit)
    with tempfile.TemporaryFile(buffering=0) as out:
        while (block := steps.time("read", lambda: next(blocks, None))) is not None:
            read += len(block)
            lines = steps.time("split", lambda block=block: block.split(b"\n"))
            texts = steps.time(
                "JSON", lambda lines=lines: [orjson.loads(line)["text"] for line in lines if line]
            )
            ids, _ = steps.time(
                "engine",
                lambda texts=texts: encoding.encode_batch_to_numpy(
                    texts, num_threads=1, disallowed_special=()
                ),
            )
            steps.time("checksum", lambda ids=ids: zlib.crc32(ids))
            steps.time("write", lambda ids=ids: out.write(ids))
        steps.time("to the disk", lambda: os.fsync(out.fileno()))
    return steps, read


def time_whole(path: str, encoding_name: str, workers: int, folder: str) -> tuple[float, int]:
    """Returns the seconds that the whole takes, and its tokens."""
    from bpecore.corpus import tokenize

    out = os.path.join(folder, f"workers{workers}")
    start = time.perf_counter()
    summary = tokenize(path, out, format="bin", encoding=encoding_name, workers=workers)
    seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds, summary.tokens


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", help="JSON Lines with a field text")
    parser.add_argument("--encoding", default="o200k_base")
    parser.add_argument("--limit", type=int, default=200_000_000, help="bytes for the steps")
    parser.add_argument("--folder", default=None, help="where shards are written")
    options = parser.parse_args()
    encoding = bpecore.get_encoding(options.encoding).ordinary
    steps, read = time_steps(options.file, encoding, options.limit)
    for name, seconds in steps.seconds.items():
        print(f"{name:>12}  {seconds / read * 1e9:6.2f} s per GB")
    print(f"{'sum':>12}  {sum(steps.seconds.values()) / read * 1e9:6.2f} s per GB")
    size = os.path.getsize(options.file)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for workers in range(1, len(os.sched_getaffinity(0)) + 1):
            seconds, tokens = time_whole(options.file, options.encoding, workers, folder)
            rate = f"{size / seconds / 1e6:,.0f} MB/s, {tokens / seconds / 1e6:,.1f} M tokens/s"
            print(f"{f'{workers} workers':>12}  {seconds / size * 1e9:6.2f} s per GB: {rate}")


if __name__ == "__main__":
    main()
