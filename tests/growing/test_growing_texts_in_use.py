"""A counter or encoder refuses a call made in the middle of another, and loses nothing."""

from __future__ import annotations

import functools
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")
LONG = ("ab" * 1_000 + " ") * 9_000  # takes more than half a second

MAKERS: dict[str, Callable[[], Any]] = {
    "counter": lambda: bpecore.TokenCounter(ENCODING),
    "encoder": lambda: bpecore.StreamEncoder(ENCODING),
}

CALLS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "counter: feed": ("counter", lambda counter: counter.feed("more")),
    "counter: total": ("counter", lambda counter: counter.total),
    "counter: checkpoint": ("counter", lambda counter: counter.checkpoint()),
    "counter: restore": (
        "counter",
        lambda counter: counter.restore(bpecore.TokenCounter(ENCODING).checkpoint()),
    ),
    "encoder: feed": ("encoder", lambda encoder: encoder.feed("more")),
    "encoder: flush": ("encoder", lambda encoder: encoder.flush()),
}


def outcome(kind: str, made: Any) -> object:
    """Returns everything the text has become, once it has ended."""
    return made.total if kind == "counter" else made.flush()


@functools.cache
def expected(kind: str) -> object:
    made = MAKERS[kind]()
    made.feed(LONG)
    return outcome(kind, made)


@pytest.mark.parametrize("name", CALLS)
def test_a_signal_handler_that_uses_what_it_interrupts(name: str) -> None:
    kind, call = CALLS[name]
    made = MAKERS[kind]()
    refused = []

    def use(number: int, frame: object) -> None:
        with pytest.raises(RuntimeError, match="in use"):
            call(made)
        refused.append(number)

    before = signal.signal(signal.SIGALRM, use)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        made.feed(LONG)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert refused == [signal.SIGALRM]
    assert outcome(kind, made) == expected(kind)


@pytest.mark.parametrize("name", CALLS)
def test_another_thread_meanwhile(name: str) -> None:
    kind, call = CALLS[name]
    for seconds in (0.01, 0.02, 0.05, 0.1):
        made = MAKERS[kind]()
        thread = threading.Thread(target=made.feed, args=(LONG,))
        thread.start()
        time.sleep(seconds)
        try:
            call(made)
        except RuntimeError as error:
            refusal = str(error)
        else:  # before or after the feed
            thread.join()
            continue
        thread.join()
        assert "in use" in refusal
        assert outcome(kind, made) == expected(kind)
        return
    pytest.fail("no call came in the midst of another")


@pytest.mark.parametrize("kind", MAKERS)
def test_an_error_leaves_it_free(kind: str) -> None:
    made = MAKERS[kind]()
    for wrong in (None, b"abc", "<|endoftext|>"):
        with pytest.raises((TypeError, ValueError)):
            made.feed(wrong)
    made.feed("hello world")
    if kind == "counter":
        with pytest.raises((TypeError, ValueError)):
            made.restore(bpecore.TokenCounter(bpecore.get_encoding("cl100k_base")).checkpoint())
        assert made.total == 2
    else:
        assert made.flush() == [2375]
        for _ in range(2):
            with pytest.raises(ValueError, match="flushed"):
                made.flush()
            with pytest.raises(ValueError, match="flushed"):
                made.feed("a")
