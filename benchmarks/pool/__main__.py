"""A pool of tokenizer processes under load, beside tiktoken in one process.

    python -m benchmarks.pool [FOLDER] [--seconds 60] [--only streams,encode,…]

`streams`: streams that each get one id per step, at a rate; the workers' processor time,
and how long `feed_many` takes. `tiktoken`: the same with `decode([id])` for each id, in the
process itself. (It makes U+FFFD of a character that spans tokens; that is not counted against it.)
`encode`: documents of 8 KB from one client, to lists and to arrays: two workers, one, and two
threads without a pool.
`memory`: what a worker has to itself. `kills`: the streams again, a worker killed every 2 s.
`parent`: the pool's process killed. `short`: streams of three ids, opened and closed.

Every text is compared with `decode` of its ids, every list of ids with `encode`. Run it on two idle
cores. Nothing heavy is imported before it is needed: workers import this module too.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Callable

from benchmarks.machine import describe_machine
from benchmarks.pool.load import Streams, Times, at, ids_of, run_at_rate, texts_in
from benchmarks.pool.processes import (
    kill,
    private_bytes,
    processor_seconds,
    seconds_after_killed_parent,
    segments,
)

NAME = "o200k_base"
DOCUMENT_BYTES = 8192
ENCODE_ROUNDS = 15


def row(measure: str, bar: str, value: str, met: bool | None = None) -> None:
    """Prints a row of the table."""
    said = "" if met is None else "met" if met else "MISSED"
    print(f"| {measure} | {bar} | {value} | {said} |", flush=True)


def show_times(name: str, times: Times, wanted: float) -> None:
    """Prints how the steps of a run went."""
    bar = f"{wanted:,.0f} tokens/s"
    kept_up = times.tokens_a_second > 0.98 * wanted
    row(name, bar, f"{times.tokens_a_second:,.0f} tokens/s", kept_up)
    row(
        f"{name}: a step, p50 · p99 · p99.9 · longest",
        "p99 ≤ 3 ms, none above 10 ms",
        " · ".join(f"{at(times.steps, share):.2f}" for share in (0.5, 0.99, 0.999, 1)) + " ms",
        at(times.steps, 0.99) <= 3 and times.steps[-1] <= 0.01,
    )
    row(
        f"{name}: steps begun late, p99 · longest",
        "",
        f"{at(times.late, 0.99):.2f} · {at(times.late, 1):.2f} ms",
    )


def measure_machine(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """The same loop with nothing to do: how late the machine itself makes it."""
    streams = Streams(encoding, ids_of(encoding, texts), options.streams)
    times = run_at_rate(
        lambda ids: dict.fromkeys(ids, ""),
        streams,
        lambda names: None,
        lambda names: dict.fromkeys(names, ""),
        options.rate,
        min(options.seconds, 10),
    )
    row("steps without work, begun late, p99 · longest", "",
        f"{at(times.late, 0.99):.2f} · {at(times.late, 1):.2f} ms")  # fmt: skip


def measure_streams(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """Many streams at a rate, through the pool."""
    from bpecore.pool import TokenizerPool

    streams = Streams(encoding, ids_of(encoding, texts), options.streams)
    with TokenizerPool(NAME, processes=2) as pool, pool.client() as client:
        client.connect()
        workers = [worker.process for worker in pool.metrics().workers]
        gc.collect()
        gc.freeze()
        before, began = sum(map(processor_seconds, workers)), time.perf_counter()
        times = run_at_rate(
            client.feed_many,
            streams,
            lambda names: [client.open_stream(name) for name in names] and None,
            client.close_many,
            options.rate,
            options.seconds,
        )
        used = (sum(map(processor_seconds, workers)) - before) / (time.perf_counter() - began)
        largest = max(map(private_bytes, workers))
    show_times("pool", times, options.rate)
    row("processor time of all workers", "≤ 30 % of a core", f"{used:.1%}", used <= 0.3)
    row("private memory of a worker after it", "≤ 25 MB", f"{largest / 1e6:.1f} MB",
        largest <= 25e6)  # fmt: skip
    row("texts that are not `decode` of their ids", "0",
        f"{streams.wrong} of {streams.finished}", streams.wrong == 0)  # fmt: skip


def measure_tiktoken(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """The same through tiktoken, in this process."""
    import tiktoken

    from bpecore.encodings import ENCODING_CONSTRUCTORS

    theirs = tiktoken.Encoding(**ENCODING_CONSTRUCTORS[NAME]())
    decode = theirs.decode
    streams = Streams(encoding, ids_of(encoding, texts), options.streams)
    before, began = time.process_time(), time.perf_counter()
    times = run_at_rate(
        lambda ids: {name: decode([token]) for name, token in ids.items()},
        streams,
        lambda names: None,
        lambda names: dict.fromkeys(names, ""),
        options.rate,
        min(options.seconds, 20),
    )
    used = (time.process_time() - before) / (time.perf_counter() - began)
    show_times("tiktoken inline", times, options.rate)
    row("processor time of its process, the load's included", "", f"{used:.1%}")


def documents(texts: list[str]) -> list[str]:
    """Returns about 12 MB of documents of 8 KB, the texts in turn."""
    parts = []
    for text in texts:
        data = text[:2_000_000].encode()
        parts.append(
            [
                data[start : start + DOCUMENT_BYTES].decode("utf-8", "ignore")
                for start in range(0, len(data), DOCUMENT_BYTES)
            ]
        )
    return [parts[place % len(parts)][place // len(parts) % len(parts[place % len(parts)])]
            for place in range(1500)]  # fmt: skip


def fastest_in_turns(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Returns the seconds of the fastest call of each.

    They take turns, so that a drift of the machine hits all.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, seconds in zip(works, times):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
    return [min(seconds) for seconds in times]


def measure_encode(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """Documents of 8 KB from one client."""
    from bpecore.pool import TokenizerPool

    with ExitStack() as opened:
        pools = [opened.enter_context(TokenizerPool(NAME, processes=count)) for count in (1, 2)]
        clients = [opened.enter_context(pool.client()) for pool in pools]
        for name, group in (("all texts", texts), ("the first text", texts[:1])):
            docs = documents(group)
            size = sum(len(document.encode()) for document in docs) / 1e6
            for method in ("encode_batch", "encode_batch_to_numpy"):
                works = [partial(getattr(client, method), docs) for client in clients]
                works.append(partial(getattr(encoding, method), docs, num_threads=2))
                found = [plain_lists(work()) for work in works]
                if found != found[:1] * 3:
                    raise SystemExit("the ids differ")
                del found
                one, two, threads = fastest_in_turns(works, ENCODE_ROUNDS)
                speeds = " · ".join(f"{size / seconds:.0f}" for seconds in (one, two, threads))
                row(f"{method}, {name}: one worker · two · two threads", "", f"{speeds} MB/s")
                show_ratios(one / two, threads / two, has_bars=method == "encode_batch")


def show_ratios(over_one: float, over_threads: float, has_bars: bool) -> None:
    """Prints how two workers compare with one, and with two threads."""
    if has_bars:
        row("two workers over one", "≥ 1.6", f"{over_one:.2f}", over_one >= 1.6)
        row("two workers over two threads", "≥ 0.8", f"{over_threads:.2f}", over_threads >= 0.8)
    else:
        row("two workers over one · over two threads", "", f"{over_one:.2f} · {over_threads:.2f}")


def plain_lists(ids: Any) -> Any:
    """Returns what a method for batches returned, with lists in the place of arrays."""
    return [part.tolist() for part in ids] if isinstance(ids, tuple) else ids


def measure_memory(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """What a worker has to itself, fresh and after all texts.

    Of the only worker of a pool that is the mapped vocabulary too: no other process has touched it.
    """
    from bpecore.pool import TokenizerPool

    docs = documents(texts)
    for processes in (2, 1):
        with TokenizerPool(NAME, processes=processes) as pool, pool.client() as client:
            workers = [worker.process for worker in pool.metrics().workers]
            for _ in workers:
                client.encode("hello world")
            fresh = max(map(private_bytes, workers))
            for _ in workers:
                client.encode_batch(docs)
            worked = max(map(private_bytes, workers))
            clean = max(private_bytes(worker, "Private_Clean") for worker in workers)
        row(f"private memory of a worker of {processes}, fresh · after all texts (pages of files)",
            "≤ 25 MB", f"{fresh / 1e6:.1f} · {worked / 1e6:.1f} ({clean / 1e6:.1f}) MB",
            worked <= 25e6)  # fmt: skip


def measure_kills(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """The streams again, and texts beside them, with workers that are killed."""
    from bpecore.pool import TokenizerPool

    streams = Streams(encoding, ids_of(encoding, texts), options.streams)
    docs = documents(texts)[:50]
    wanted = encoding.encode_batch(docs)
    ended = threading.Event()
    answers = [0, 0]
    with TokenizerPool(NAME, processes=2) as pool, pool.client() as client:

        def encode_on() -> None:
            while not ended.is_set():
                for place, document in enumerate(docs):
                    answers[client.encode(document) != wanted[place]] += 1
                    time.sleep(0.005)

        def kill_on() -> None:
            turn = 0
            while not ended.wait(2):
                kill(pool.metrics().workers[turn % 2].process)
                turn += 1

        helpers = [threading.Thread(target=work) for work in (encode_on, kill_on)]
        for helper in helpers:
            helper.start()
        times = run_at_rate(
            client.feed_many,
            streams,
            lambda names: [client.open_stream(name) for name in names] and None,
            client.close_many,
            options.rate / 2,
            options.seconds,
        )
        ended.set()
        for helper in helpers:
            helper.join()
        restarts = sum(worker.restarts for worker in pool.metrics().workers)
    row(f"{restarts} workers killed: texts that are wrong", "0",
        f"{streams.wrong} of {streams.finished}", streams.wrong == 0)  # fmt: skip
    row("lists of ids that are wrong", "0", f"{answers[1]} of {sum(answers)}",
        answers[1] == 0 and answers[0] > 0)  # fmt: skip
    row("a step meanwhile, p99 · longest", "",
        f"{at(times.steps, 0.99):.1f} · {at(times.steps, 1):.1f} ms")  # fmt: skip


def measure_parent(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """The pool's process killed."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_after_killed_parent(Path(folder))
    row("workers end after the parent was killed", "≤ 2 s", f"{seconds:.3f} s", seconds <= 2)
    left = segments()
    row("segments that remain", "0", str(len(left)), not left)


def measure_short(options: argparse.Namespace, encoding: Any, texts: list[str]) -> None:
    """Many short streams, one after the other."""
    from bpecore.pool import TokenizerPool

    ids = ids_of(encoding, texts[:1])
    with TokenizerPool(NAME, processes=2) as pool, pool.client() as client:
        import os

        processes = [os.getpid(), *(worker.process for worker in pool.metrics().workers)]
        found = []
        step = 1000
        for first in range(0, options.short, step):
            names = range(first, first + step)
            for name in names:
                client.open_stream(name)
            client.feed_many({name: ids[name % 1000 : name % 1000 + 3] for name in names})
            client.close_many(names)
            if first in (options.short // 10 // step * step, options.short - step):
                found.append([private_bytes(process) / 1e6 for process in processes])
        open_now = sum(worker.streams for worker in pool.metrics().workers)
        names_now = len(segments())
    growth = max(after - before for before, after in zip(*found))
    row(f"{options.short:,} short streams: largest growth of a process", "flat",
        f"{growth:+.2f} MB", growth < 1)  # fmt: skip
    row("streams left · segments with a name meanwhile", "0 · 0", f"{open_now} · {names_now}",
        open_now == names_now == 0)  # fmt: skip


MEASURES = {
    "machine": measure_machine,
    "streams": measure_streams,
    "tiktoken": measure_tiktoken,
    "encode": measure_encode,
    "memory": measure_memory,
    "kills": measure_kills,
    "parent": measure_parent,
    "short": measure_short,
}


def main() -> None:
    """Runs the measures and prints a table."""
    import bpecore

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="texts (*.txt)")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=144_000, help="tokens a second")
    parser.add_argument("--short", type=int, default=1_000_000, help="short streams in all")
    parser.add_argument("--only", default=",".join(MEASURES), help="names, with commas between")
    options = parser.parse_args()
    encoding = bpecore.get_encoding(NAME)
    texts = texts_in(options.folder)
    print(" · ".join(describe_machine().values()))
    print("\n| measure | bar | measured | |\n|---|---|---|---|")
    for name in options.only.split(","):
        MEASURES[name](options, encoding, texts)


if __name__ == "__main__":
    main()
