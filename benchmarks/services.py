"""What services need from a tokenizer, and whether the bars are met.

    python -m benchmarks.services [FOLDER] [--encoding o200k_base] [--texts 1000000]

Texts that grow by four characters are counted after each chunk, `count_up_to` is called on texts of
10 MB, ids are decoded one by one and for a thousand sequences at once, and a million distinct texts
go through an `AsyncEncoder`, whose memory must not grow once its cache is full. The results are
compared with the one-shot methods first. Every text of the folder is used, and a line of spaces.
The values are medians. `benchmarks.event_loop` measures the stalls of a loop.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NamedTuple

import click
import numpy as np

import bpecore
from benchmarks.corpora import find_texts
from benchmarks.extras import imported
from benchmarks.inputs import read_text
from benchmarks.machine import describe_machine
from bpecore.aio import AsyncEncoder

ROUNDS = 5
CHUNK = 4  # characters
GROWN_BYTES = 1_000_000
EDGE_FEEDS = 2_000  # that make the timings at the start and at the end of a text
CHECKED_STEPS = 25
LIMIT, LIMITED_BYTES = 1_000, 10_000_000
SEQUENCES, STEPS = 1_000, 100
CACHE_ENTRIES = 1_000


class Row(NamedTuple):
    """One measured value and the most that it may be."""

    what: str
    subject: str
    value: float
    bar: float
    unit: str

    def __str__(self) -> str:
        met = "met" if self.value <= self.bar else "MISSED"
        return (
            f"{self.what:52} {self.subject:9} {self.value:8.3f} ≤ {self.bar:4g} {self.unit:2} {met}"
        )


def repeat_to(text: str, size: int) -> str:
    """Returns a text over and over, cut at a number of bytes of UTF-8."""
    content = text.encode()
    return (content * (size // len(content) + 1))[:size].decode("utf-8", "ignore")


def median_of(measure: Callable[[], float]) -> float:
    """Returns the median of some rounds."""
    return statistics.median(measure() for _ in range(ROUNDS))


def check(same: bool, what: str) -> None:
    """Ends the program if a result is wrong, because then timings mean nothing."""
    if not same:
        raise SystemExit(f"wrong result: {what}")


# ---- growing texts ------------------------------------------------------------------------


def time_feeds(feed: Callable[[Any], Any], items: list[Any]) -> float:
    """Returns the seconds that a feed took on average."""
    start = time.perf_counter()
    for item in items:
        feed(item)
    return (time.perf_counter() - start) / len(items)


def check_counter(encoding: bpecore.Encoding, chunks: list[str], name: str) -> None:
    """Compares a counter's total with `count` after some of the chunks."""
    counter = bpecore.TokenCounter(encoding, disallowed_special=())
    step = len(chunks) // CHECKED_STEPS
    for number, chunk in enumerate(chunks):
        total = counter.feed(chunk)
        if number % step == 0 or number == len(chunks) - 1:
            text = "".join(chunks[: number + 1])
            check(total == encoding.count(text, disallowed_special=()), f"TokenCounter, {name}")


def growing(encoding: bpecore.Encoding, texts: dict[str, str]) -> Iterator[Row]:
    """`TokenCounter.feed`, at the start of a megabyte and at its end."""
    for name, text in texts.items():
        text = repeat_to(text, GROWN_BYTES)
        chunks = [text[place : place + CHUNK] for place in range(0, len(text), CHUNK)]
        check_counter(encoding, chunks, name)
        starts, ends = [], []
        for _ in range(ROUNDS):
            counter = bpecore.TokenCounter(encoding, disallowed_special=())
            starts.append(time_feeds(counter.feed, chunks[:EDGE_FEEDS]))
            time_feeds(counter.feed, chunks[EDGE_FEEDS:-EDGE_FEEDS])
            ends.append(time_feeds(counter.feed, chunks[-EDGE_FEEDS:]))
        what = f"TokenCounter.feed, {CHUNK} characters"
        yield Row(f"{what}, at the start", name, statistics.median(starts) * 1e6, 1.5, "µs")
        yield Row(f"{what}, after 1 MB", name, statistics.median(ends) * 1e6, 2, "µs")


def limited(encoding: bpecore.Encoding, texts: dict[str, str]) -> Iterator[Row]:
    """`count_up_to` on texts that are far above the limit."""
    for name, text in texts.items():
        text = repeat_to(text, LIMITED_BYTES)

        def seconds(text: str = text) -> float:
            start = time.perf_counter()
            found = encoding.count_up_to(text, LIMIT, disallowed_special=())
            elapsed = time.perf_counter() - start
            check(found is None, "count_up_to")
            return elapsed

        yield Row(f"count_up_to {LIMIT} tokens, 10 MB", name, median_of(seconds) * 1e3, 1, "ms")


# ---- detokenizing -------------------------------------------------------------------------


def decoding(encoding: bpecore.Encoding, texts: dict[str, str]) -> Iterator[Row]:
    """`StreamDecoder.feed` of one id, and `StreamDecoderBatch` over many sequences."""
    for name, text in texts.items():
        ids = encoding.encode(repeat_to(text, GROWN_BYTES), disallowed_special=())
        few = ids[:20_000]
        decoder = bpecore.StreamDecoder(encoding)
        decoded = "".join(map(decoder.feed, few)) + decoder.flush()
        check(decoded == encoding.decode(few), f"StreamDecoder, {name}")

        def one(few: list[int] = few) -> float:
            return time_feeds(bpecore.StreamDecoder(encoding).feed, few)

        yield Row("StreamDecoder.feed, one id", name, median_of(one) * 1e6, 0.3, "µs")
        columns = np.resize(np.array(ids, dtype=np.uint32), (SEQUENCES, STEPS)).T.copy()
        batch = bpecore.StreamDecoderBatch(encoding, SEQUENCES)
        rows = ["".join(parts) for parts in zip(*map(batch.feed, columns))]
        whole = [row + batch.flush(number) for number, row in enumerate(rows)]
        expected = encoding.decode_batch(columns.T.tolist())
        check(whole == expected, f"StreamDecoderBatch, {name}")
        forms: dict[str, list[Any]] = {"array": [*columns], "list": columns.tolist()}
        for form, steps in forms.items():

            def many(steps: list[Any] = steps) -> float:
                return time_feeds(bpecore.StreamDecoderBatch(encoding, SEQUENCES).feed, steps)

            what = f"StreamDecoderBatch, {SEQUENCES} sequences, {form}, a token"
            yield Row(what, name, median_of(many) / SEQUENCES * 1e9, 60, "ns")


# ---- the cache ----------------------------------------------------------------------------


async def fill_cache(encoding: bpecore.Encoding, count: int) -> list[Row]:
    """Sends distinct texts, and one that comes back, through an encoder; rows of its memory."""
    known = "You are a helpful assistant. " * 40
    expected = encoding.count(known)
    tenths = []
    process = imported("psutil").Process()
    async with AsyncEncoder(encoding, cache_entries=CACHE_ENTRIES) as encoder:
        asked = 0
        for number in range(count):
            await encoder.count(f"Question {number}: what is {number * 7919 % 1_000_003} in words?")
            if number % 100 == 0:
                check(await encoder.count(known) == expected, "a remembered text")
                asked += 1
            if (number + 1) % (count // 10) == 0:
                tenths.append(process.memory_info().rss / 1e6)
        metrics = encoder.metrics()
        check(metrics.cached_texts == CACHE_ENTRIES, "the cache is not at its bound")
    return [
        Row("cache: memory after all less after a tenth", "", tenths[-1] - tenths[0], 1, "MB"),
        Row("cache: asked again and not found", "", asked - 1 - metrics.hits, 0, ""),
    ]


# ---- all ----------------------------------------------------------------------------------


def rows(encoding: bpecore.Encoding, files: list[Path], cached_texts: int) -> Iterator[Row]:
    """Measures everything."""
    texts = {file.stem: read_text(file) for file in files}
    texts["spaces"] = " "
    for measure in (growing, limited, decoding):
        yield from measure(encoding, texts)
    yield from asyncio.run(fill_cache(encoding, cached_texts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="texts")
    parser.add_argument("--encoding", default="o200k_base")
    parser.add_argument("--texts", type=int, default=1_000_000, help="for the cache")
    arguments = parser.parse_args()
    imported("psutil")
    try:
        files = find_texts(arguments.folder)
    except click.UsageError as error:
        parser.error(error.message)
    print(" · ".join(describe_machine().values()), "·", arguments.encoding)
    chosen = bpecore.get_encoding(arguments.encoding)
    for row in rows(chosen, files, arguments.texts):
        print(row, flush=True)
