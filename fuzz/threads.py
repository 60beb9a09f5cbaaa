"""`python -m fuzz.threads`: many threads over one `Encoding`, compared with tiktoken in one thread.

A round makes new texts, records what tiktoken gives for each call, and then lets the threads make
the calls for a while, each thread in its own order.
"""

from __future__ import annotations

import functools
import random
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

import click

from bpecore import Encoding
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.checks import UNSTABLE_LIMIT
from bpecore.fuzzing.outcomes import is_lost, outcome
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject
from bpecore.fuzzing.texts import (
    LONG_GENERATORS,
    SHORT_GENERATORS,
    Material,
    mutated_page,
    mutated_snippet,
    real_texts,
)

ROUND_SECONDS = 2.0
SHORT_TEXTS = 40
LONGEST_TEXT = 20_000
"""Characters; longer texts are cut, so that there are many calls per second."""

SWITCH_INTERVAL = 1e-5
"""Seconds after which Python switches threads: far fewer than usual."""

Method = Callable[[Any], object]


class Call(NamedTuple):
    """One call, and what it must give.

    Attributes:
        name: of the method.
        text: its argument.
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
    """A call whose result differed in a thread."""

    call: Call
    found: object

    def __str__(self) -> str:
        return (
            f"{self.call.name} on {self.call.text[:200]!a}, {len(self.call.text)} characters\n"
            f"  bpecore   {ascii(self.found)[:400]}\n"
            f"  tiktoken  {ascii(self.call.expected)[:400]}"
        )


class Totals(NamedTuple):
    """How much all threads have compared."""

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
    """Returns the result of `encode_with_unstable` in an order that both engines share."""
    stable, found = encoding.encode_with_unstable(text, allowed_special="all")
    return stable, sorted(found)


def calls_on(subject: Subject, text: str) -> list[Call]:
    """Returns all calls on a text with tiktoken's results."""
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
        calls: calls with their expected results.
        threads: how many.
        seconds: how long threads go on making calls.
        seed: of the order in which each thread makes the calls.

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


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=60.0, show_default=True, help="How long to start new rounds.")
@click.option("--threads", default=16, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, help="Of texts and orders.")
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(list(ENCODING_CONSTRUCTORS)),
    help="May be given several times; all of them otherwise.",
)
def main(seconds: float, threads: int, seed: int, encodings: tuple[str, ...]) -> None:
    """Compare the outcomes of calls in threads with tiktoken's; exit with 1 on a mismatch."""
    names = encodings or tuple(ENCODING_CONSTRUCTORS)
    texts = real_texts()
    start = time.monotonic()
    rounds = calls = tokens = 0
    while rounds == 0 or time.monotonic() - start < seconds:
        name = names[rounds % len(names)]
        source = random.Random(f"{seed} {rounds} {name}")
        subject = openai_subject(name)
        subject.use(source.choice(available_instructions()))
        made = round_of_calls(subject, source, texts)
        totals, failure = run_threads(subject.ours, made, threads, ROUND_SECONDS, rounds)
        if failure is not None:
            click.echo(f"mismatch in round {rounds} of seed {seed}, {name}: {failure}")
            sys.exit(1)
        rounds += 1
        calls += totals.calls
        tokens += totals.tokens
    click.echo(
        f"seed {seed}, {threads} threads, {', '.join(names)}: {time.monotonic() - start:.0f} s, "
        f"{rounds} rounds, {calls:,} calls, {tokens:,} tokens; equal"
    )


if __name__ == "__main__":
    main(prog_name="python -m fuzz.threads")
