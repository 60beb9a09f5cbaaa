"""Ctrl-C stops a long call within 0.2 s, and leaves the encoding as it was."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from typing import Callable

import pytest

import bpecore
from bpecore._build.assemble import compile_split_pattern
from bpecore._core import SplitChain, SplitPattern

SIGNAL_AFTER = 0.04  # seconds; each call below takes at least three times as long
SANITIZED = "san" in os.environ.get("LD_PRELOAD", "")  # the engine is several times as slow then,
EMULATED = "QEMU" in os.environ.get("BPECORE_MACHINE", "")  # and so it is here
ALLOWED_DELAY = 1.0 if SANITIZED or EMULATED else 0.2  # seconds
ATTEMPTS = 10  # one that is in time is enough: other programs delay any call
PROSE = "It was the best of times, it was the worst of times. 日本語のテキスト\n" * 2_000_000


def unrepeated(alphabet: str, length: int) -> str:
    """Returns one long piece without a repeat that merging would shorten."""
    unit = "".join(random.Random(1).choices(alphabet, k=100_003))
    return (unit * (length // len(unit) + 1))[:length]


LETTERS = unrepeated("abc", 12_000_000)
OTHER_LETTERS = unrepeated("qxyz", 8_000_000)
BLANKS = unrepeated(" \t", 8_000_000)
BYTES = PROSE[: len(PROSE) // 4].encode()


def chain(pattern: str, behaviour: int) -> SplitChain:
    splitter = compile_split_pattern(pattern)
    assert isinstance(splitter, SplitPattern)
    return SplitChain([(splitter, behaviour)])


WORDS = chain(r"\w+|\W", 0)
LINES = chain(r"\n", 5)
CHUNK = PROSE[: len(PROSE) // 4]  # copied by the call first


class StoppedError(Exception):
    """Raised by the signal handler."""


@pytest.fixture
def alarm() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise StoppedError

    before = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


CALLS: dict[str, Callable[[bpecore.Encoding], object]] = {
    "prose": lambda encoding: encoding.encode(PROSE),
    "prose to numpy, all threads": lambda encoding: encoding.encode_to_numpy(PROSE),
    "prose to numpy, one thread": lambda encoding: encoding.encode_to_numpy(PROSE, num_threads=1),
    "counting": lambda encoding: encoding.count(PROSE),
    "batch": lambda encoding: encoding.encode_batch([PROSE[:100_000]] * 1_500),
    "batch with a long piece": lambda encoding: encoding.count_batch(["a b " * 40_000, LETTERS]),
    "counter": lambda encoding: bpecore.TokenCounter(encoding).feed(CHUNK),
    "stream encoder": lambda encoding: bpecore.StreamEncoder(encoding).feed(CHUNK),
    "count up to": lambda encoding: encoding.count_up_to(PROSE, 10**9),
    "one piece of letters": lambda encoding: encoding.encode(OTHER_LETTERS),
    "one piece of blanks": lambda encoding: encoding.encode_ordinary(BLANKS),
    "splits in sequence, one range": lambda encoding: WORDS.encode(encoding._core_bpe, BYTES),
    "splits in sequence, one split": lambda encoding: LINES.encode(encoding._core_bpe, BYTES),
    "single piece": lambda encoding: encoding._encode_single_piece(LETTERS),
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer's signal")
@pytest.mark.parametrize("name", CALLS)
def test_a_signal_stops_a_long_call(alarm: None, name: str) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    before = encoding.encode("hello world")
    taken = []
    for _ in range(ATTEMPTS):
        clocks = time.monotonic, time.process_time
        starts = [clock() for clock in clocks]
        signal.setitimer(signal.ITIMER_REAL, SIGNAL_AFTER)
        with pytest.raises(StoppedError):
            CALLS[name](encoding)
        # Processor time if that is less.
        taken.append(min(clock() - start for clock, start in zip(clocks, starts)))
        if taken[-1] < SIGNAL_AFTER + ALLOWED_DELAY:
            break
    else:
        pytest.fail(f"stopped after {taken} seconds")
    assert encoding.encode("hello world") == before
    assert encoding.count(PROSE[:100_000]) == len(encoding.encode(PROSE[:100_000]))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer's signal")
def test_a_stopped_feed_takes_nothing(alarm: None) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    counter = bpecore.TokenCounter(encoding)
    encoder = bpecore.StreamEncoder(encoding)
    text = "the first words, unfin"
    total = counter.feed(text)
    ids = encoder.feed(text)
    for feed in (counter.feed, encoder.feed):
        signal.setitimer(signal.ITIMER_REAL, SIGNAL_AFTER)
        with pytest.raises(StoppedError):
            feed(CHUNK)
    assert counter.total == total
    assert counter.feed("ished") == encoding.count(text + "ished")
    assert ids + encoder.feed("ished") + encoder.flush() == encoding.encode(text + "ished")


def test_a_handler_that_does_not_raise_is_run_meanwhile() -> None:
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        encoding = bpecore.get_encoding("cl100k_base")
        count = encoding.count(PROSE)
        end = time.monotonic()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen
    assert seen[0] < end
    assert count == 2_000_000 * encoding.count(PROSE[: PROSE.index("\n") + 1])


def test_a_thread_that_is_not_the_main_one_goes_on(alarm: None) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    results: list[int] = []
    worker = threading.Thread(target=lambda: results.append(encoding.count(PROSE)))
    worker.start()
    signal.setitimer(signal.ITIMER_REAL, SIGNAL_AFTER)
    with pytest.raises(StoppedError):
        time.sleep(5)
    worker.join()
    assert results == [2_000_000 * encoding.count(PROSE[: PROSE.index("\n") + 1])]
