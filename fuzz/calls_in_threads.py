"""Many threads over one `Encoding`: every entry point must give what tiktoken gives in one thread.

A round makes new texts, asks tiktoken for the outcomes of all calls, and then lets the threads make
the calls for some time, each thread in an order of its own.
"""

from __future__ import annotations

import functools
import random
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

from bpecore import Encoding
from bpecore.fuzzing.checks import UNSTABLE_LIMIT, is_lost, outcome
from bpecore.fuzzing.subject import Subject
from bpecore.fuzzing.texts import (
    LONG_GENERATORS,
    SHORT_GENERATORS,
    Material,
    mutated_page,
    mutated_snippet,
)

SHORT_TEXTS = 40
LONGEST_TEXT = 20_000
"""Characters; longer ones are cut, so that many calls are made in a second."""

SWITCH_INTERVAL = 1e-5
"""Seconds after which Python lets another thread run: far less than usual."""

Method = Callable[[Any], object]


class Call(NamedTuple):
    """One call, and what it must give.

    Attributes:
        name: of the method.
        text: what it is about.
        method: makes the call on an encoding.
        expected: what tiktoken gave.
        tokens: how many tokens it compares.
    """

    name: str
    text: str
    method: Method
    expected: object
    tokens: int


class Failure(NamedTuple):
    """A call that gave something else in a thread."""

    call: Call
    found: object

    def __str__(self) -> str:
        return (
            f"{self.call.name} on {self.call.text[:200]!a}, {len(self.call.text)} characters\n"
            f"  bpecore   {ascii(self.found)[:400]}\n"
            f"  tiktoken  {ascii(self.call.expected)[:400]}"
        )


class Totals(NamedTuple):
    """What has been compared in all threads together."""

    calls: int
    tokens: int


def text_methods(text: str, some: frozenset[str]) -> dict[str, Method]:
    """Returns calls on a text by name; `some` are the special tokens that one of them allows."""
    lines = text.split("\n")
    methods: dict[str, Method] = {
        "encode_ordinary": lambda e: e.encode_ordinary(text),
        "encode": lambda e: e.encode(text, disallowed_special=()),
        "encode, all special tokens": lambda e: e.encode(text, allowed_special="all"),
        "encode, some special tokens": lambda e: e.encode(text, allowed_special=some),
        "encode_to_numpy": lambda e: e.encode_to_numpy(text, allowed_special="all").tolist(),
        "_encode_bytes": lambda e: e._encode_bytes(text.encode()),
        "encode_single_token": lambda e: e.encode_single_token(text),
    }
    if len(text) <= LONGEST_TEXT // 4:
        methods["encode_ordinary_batch"] = lambda e: e.encode_ordinary_batch(lines, num_threads=3)
        methods["encode_batch"] = lambda e: e.encode_batch(lines, allowed_special="all")
    if len(text) <= 2_000:
        methods["_encode_single_piece"] = lambda e: e._encode_single_piece(text)
    if len(text) <= UNSTABLE_LIMIT:
        methods["encode_with_unstable"] = lambda e: completions(e, text)
    return methods


def id_methods(ids: list[int]) -> dict[str, Method]:
    """Returns calls on ids by name."""
    return {
        "decode": lambda e: e.decode(ids),
        "decode_bytes": lambda e: e.decode_bytes(ids[1:]),
        "decode_tokens_bytes": lambda e: e.decode_tokens_bytes(ids),
        "decode_with_offsets": lambda e: e.decode_with_offsets(ids),
        "decode_batch": lambda e: e.decode_batch([ids, ids[:1]], num_threads=2),
        "decode_bytes_batch": lambda e: e.decode_bytes_batch([ids, ids[:1]], num_threads=2),
    }


def completions(encoding: Any, text: str) -> object:
    """Returns what `encode_with_unstable` gives, in an order that two engines share."""
    stable, found = encoding.encode_with_unstable(text, allowed_special="all")
    return stable, sorted(found)


def calls_on(subject: Subject, text: str) -> list[Call]:
    """Returns all calls on a text, with what tiktoken gives now."""
    theirs = subject.theirs
    some = frozenset(sorted(theirs.special_tokens_set)[::2])
    ids = theirs.encode(text, allowed_special="all")
    methods = {**text_methods(text, some), **id_methods(ids)}
    calls = []
    for name, method in methods.items():
        expected = outcome(functools.partial(method, theirs))
        if not is_lost(expected):
            calls.append(Call(name, text, method, expected, len(ids)))

    def count(encoding: Encoding) -> int:
        return encoding.count(text, allowed_special="all")

    def in_one_array(encoding: Encoding) -> object:
        return encoding.encode_batch_to_numpy([text], allowed_special="all")[0].tolist()

    return [
        *calls,
        Call("count", text, count, len(ids), len(ids)),
        Call("encode_batch_to_numpy", text, in_one_array, ids, len(ids)),
    ]


def round_of_calls(subject: Subject, source: random.Random, texts: list[str]) -> list[Call]:
    """Returns the calls of a round, on short and long texts of every generator."""
    material = Material(texts, sorted(subject.theirs.special_tokens_set))
    short = [*SHORT_GENERATORS.values(), mutated_snippet]
    made = [source.choice(short)(source, material) for _ in range(SHORT_TEXTS)]
    for make in (*LONG_GENERATORS.values(), mutated_page):
        made.append(make(source, material)[:LONGEST_TEXT])
    return [call for text in made for call in calls_on(subject, text)]


def run_threads(
    encoding: Encoding, calls: list[Call], threads: int, seconds: float, seed: int
) -> tuple[Totals, Failure | None]:
    """Lets threads make calls on one encoding.

    Args:
        encoding: the encoding that all threads share.
        calls: with what each must give.
        threads: how many.
        seconds: how long calls begin.
        seed: of the orders.

    Returns:
        What has been compared, and the first failure.
    """
    failures: list[Failure] = []
    totals: list[Totals] = []
    barrier = threading.Barrier(threads)

    def work(number: int) -> None:
        own = random.Random(f"{seed} {number}").sample(calls, len(calls))
        made = tokens = 0
        barrier.wait()
        end = time.monotonic() + seconds
        while not failures and time.monotonic() < end:
            call = own[made % len(own)]
            found = outcome(functools.partial(call.method, encoding))
            if found != call.expected:
                failures.append(Failure(call, found))
            made += 1
            tokens += call.tokens
        totals.append(Totals(made, tokens))

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert failures or len(totals) == threads, "a thread died"
    summed = Totals(sum(total.calls for total in totals), sum(total.tokens for total in totals))
    return summed, failures[0] if failures else None
