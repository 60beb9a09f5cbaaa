"""`python -m fuzz.interruptions`: signal handlers that raise at any moment of any call.

Each kind of call is made many times while a timer's handler raises, as Ctrl-C or a time limit does.
Every so often another thread, which no handler interrupts, makes all calls: each must return what
it returned at first. A call that does not return has found a lock left held.
"""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, NamedTuple

import click

from bpecore import (
    Encoding,
    StreamDecoder,
    TokenCounter,
    install_as_tiktoken,
    registry,
    uninstall_as_tiktoken,
)
from bpecore._build import assemble

with suppress(ImportError):  # a Python without ctypes
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
    import arrow_data

LONGEST_WAIT = 60
"""Seconds that an uninterrupted call may take."""

UNCHECKED = 500
"""Interruptions between two checks."""

LONG_TEXT = "hello world, " * 20_000
"""Long enough for several threads."""

LOOK_AROUND = r"(?<=[a-z]) \w+(?!,)|\w+|\s+|[^\w\s]"
"""A pattern that needs a guided automaton."""

RANKS = {bytes([value]): value for value in range(256)}


class InterruptedCallError(Exception):
    """What the handler raises."""


class Kind(NamedTuple):
    """One kind of call.

    Attributes:
        name: of the call.
        call: makes it.
        seconds: after which a handler raises at the latest; about as long as the call takes.
    """

    name: str
    call: Callable[[], object]
    seconds: float


class Interrupter:
    """Makes calls that the handler of a timer interrupts."""

    def __init__(self) -> None:
        self._is_armed = False
        signal.signal(signal.SIGALRM, self._stop)

    def _stop(self, number: int, frame: object) -> None:
        if self._is_armed:
            self._is_armed = False
            raise InterruptedCallError

    def interrupts(self, call: Callable[[], object], longest: float) -> bool:
        """Makes a call; returns whether it was interrupted."""
        interrupted = False
        try:
            self._is_armed = True
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, longest))
            try:
                call()
            finally:
                self._is_armed = False
        except InterruptedCallError:
            interrupted = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        return interrupted


def undisturbed(kind: Kind) -> object:
    """Returns what a call returns or raises in another thread, which no handler interrupts."""
    found: list[object] = []

    def call() -> None:
        try:
            found.append(kind.call())
        except Exception as error:
            found.append(repr(error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(LONGEST_WAIT)
    if not found:
        faulthandler.dump_traceback()
        click.echo(f"{kind.name} does not return")
        os._exit(1)
    return found[0]


def arrow_kinds() -> Iterator[Kind]:
    """Yields the calls with arrays of Arrow. Callbacks, which streams need, drop exceptions."""
    encoding = registry.get_encoding("o200k_base")
    column = arrow_data.text_column(["hello world", None, LONG_TEXT[:50_000]] * 5, "u")

    def encode() -> object:
        given = arrow_data.Exported(column)
        return arrow_data.rows_of(encoding.encode_arrow(given))

    def count() -> object:
        given = arrow_data.Exported(column)
        return arrow_data.rows_of(encoding.count_arrow(given))

    yield Kind("encode_arrow", encode, 5e-3)
    yield Kind("count_arrow", count, 2e-3)


def loading_kinds() -> Iterator[Kind]:
    """Yields the calls that load, make, find and replace."""
    gpt2 = registry.get_encoding("gpt2")

    def load() -> object:
        registry.ENCODINGS.clear()
        return registry.get_encoding("gpt2").encode("hello")

    def find() -> object:
        registry.ENCODING_CONSTRUCTORS = None
        return registry.list_encoding_names()

    def make() -> object:
        assemble.compile_split_pattern.cache_clear()
        own = Encoding("own", pat_str=r"\w+|\W", mergeable_ranks=RANKS, special_tokens={})
        return own.encode("ab")

    def rebuild() -> object:
        gpt2._mergeable_ranks = gpt2._core_bpe.vocabulary
        return len(gpt2._mergeable_ranks)

    def replace() -> object:
        install_as_tiktoken()
        import tiktoken

        uninstall_as_tiktoken()
        return tiktoken.__name__

    def fork() -> object:
        child = os.fork()
        if child == 0:
            os._exit(0)
        return os.waitpid(child, 0)[1]

    yield Kind("load", load, 3e-4)
    yield Kind("find", find, 3e-5)
    yield Kind("make", make, 1e-3)
    yield Kind("rebuild", rebuild, 5e-3)
    yield Kind("replace", replace, 2e-4)
    yield Kind("fork", fork, 2e-3)


def encoding_kinds() -> Iterator[Kind]:
    """Yields the calls that encode, count and decode."""
    encoding = registry.get_encoding("o200k_base")
    ids = encoding.encode(LONG_TEXT)
    texts = ["hello world", "grüße 你好", LONG_TEXT]

    def count_chunks() -> object:
        counter = TokenCounter(encoding)
        for chunk in ("hel", "lo wor", "ld"):
            counter.feed(chunk)
        return counter.total

    def decode_stream() -> object:
        decoder = StreamDecoder(encoding)
        return "".join(decoder.feed(token) for token in ids[:20])

    guided = Encoding(
        "guided", pat_str=LOOK_AROUND, mergeable_ranks=RANKS, special_tokens={"<|end|>": 256}
    )

    yield Kind("encode", lambda: encoding.encode("hello world"), 5e-6)
    yield Kind("encode with look-around", lambda: guided.encode(LONG_TEXT[:50_000]), 1e-3)
    yield Kind("encode bytes", lambda: encoding._encode_bytes(LONG_TEXT.encode()), 1e-3)
    yield Kind("encode a long text", lambda: encoding.encode(LONG_TEXT), 2e-3)
    yield Kind("encode_batch", lambda: encoding.encode_batch(texts), 3e-3)
    yield Kind("encode_to_numpy", lambda: encoding.encode_to_numpy(LONG_TEXT).sum(), 1e-3)
    yield Kind("count_batch", lambda: encoding.count_batch(texts), 2e-3)
    yield Kind("truncate", lambda: encoding.truncate(LONG_TEXT, 5), 2e-4)
    yield Kind("decode", lambda: encoding.decode(ids), 1e-3)
    yield Kind("decode_batch", lambda: encoding.decode_batch([ids, ids[:5]]), 2e-3)
    yield Kind("a growing text", count_chunks, 1e-5)
    yield Kind("a stream of ids", decode_stream, 2e-5)


def pool_kinds(client: Any) -> Iterator[Kind]:
    """Yields the calls of a client of a pool."""

    def use_stream() -> object:
        name = object()
        client.open_stream(name)
        try:
            return client.feed(name, [24912, 2375])
        finally:
            client.close(name)

    def reconnect() -> object:
        client.disconnect()
        client.connect()
        return client.encode("hello world")

    yield Kind("pool: encode", lambda: client.encode("hello world"), 4e-4)
    yield Kind("pool: encode_batch", lambda: client.encode_batch([LONG_TEXT[:5000]] * 3), 2e-3)
    yield Kind("pool: a stream", use_stream, 8e-4)
    yield Kind("pool: connect", reconnect, 2e-3)


@contextmanager
def all_kinds(pool: bool) -> Iterator[list[Kind]]:
    """Gives every kind of call; with those of a pool, which runs meanwhile."""
    kinds = [*encoding_kinds(), *loading_kinds()]
    if "arrow_data" in globals():
        kinds += arrow_kinds()
    if not pool:
        yield kinds
        return
    from bpecore.pool import TokenizerPool

    with TokenizerPool("o200k_base", processes=2, max_inflight=64) as served:
        yield kinds + list(pool_kinds(served.client()))


def interrupt_calls(kinds: list[Kind], count: int) -> Iterator[tuple[str, int, int]]:
    """Interrupts calls of each kind; yields its name, the interruptions and the calls."""
    interrupter = Interrupter()
    expected = [undisturbed(kind) for kind in kinds]
    for kind in kinds:
        interrupted = calls = 0
        while interrupted < count:
            stop = min(count, interrupted + UNCHECKED)
            while interrupted < stop:
                with suppress(Exception):  # such as an unknown stream, after its opening failed
                    calls += 1
                    interrupted += interrupter.interrupts(kind.call, kind.seconds)
            for other, result in zip(kinds, expected):
                with suppress(AttributeError):
                    uninstall_as_tiktoken()  # of an installation that was interrupted
                found = undisturbed(other)
                if found != result:
                    click.echo(f"{other.name}, after interrupting {kind.name}: {found!r:.200}")
                    sys.exit(1)
        yield kind.name, interrupted, calls


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--count", default=100_000, show_default=True, help="Interruptions in all.")
@click.option("--pool/--no-pool", default=True, show_default=True, help="With calls of a pool.")
@click.option("--only", help="One kind of call, by its name.")
def main(count: int, pool: bool, only: str | None) -> None:
    """Interrupt every kind of call; exit with 1 if a later call hangs or returns something else."""
    start = time.monotonic()
    total = 0
    with all_kinds(pool) as kinds:
        chosen = [kind for kind in kinds if only in (None, kind.name)]
        each = -(-count // len(chosen))
        for name, interrupted, calls in interrupt_calls(chosen, each):
            click.echo(f"{name}: {interrupted:,} of {calls:,} calls interrupted")
            total += interrupted
    click.echo(
        f"Python {sys.version.split()[0]}: {total:,} interruptions, "
        f"{time.monotonic() - start:.0f} s; no lock left held"
    )


if __name__ == "__main__":
    main(prog_name="python -m fuzz.interruptions")
