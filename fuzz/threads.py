"""`python -m fuzz.threads`: many threads over one encoding, each with changing texts.

What a thread gets must equal what one thread alone got. Run it with ThreadSanitizer by `python -m
fuzz.sanitize --kind threads`, which reports memory that two threads use without an order.
"""

from __future__ import annotations

import random
import threading
import time
from typing import NamedTuple

import click

import bpecore
from bpecore.fuzzing.texts import LONG_GENERATORS, SHORT_GENERATORS, Material, real_texts

GIL_CHARACTERS = 600
"""Texts of more characters than the engine encodes without letting go of the GIL."""


class Expected(NamedTuple):
    """A text and what one thread alone made of it."""

    text: str
    ids: list[int]


def texts_of(source: random.Random) -> list[str]:
    """Returns texts of which most are long enough to be encoded without the GIL."""
    material = Material(real_texts(), ["<|endoftext|>"])
    short = [make(source, material) for make in SHORT_GENERATORS.values() for _ in range(3)]
    joined = [
        text * (1 + GIL_CHARACTERS * source.randint(1, 9) // max(1, len(text))) for text in short
    ]
    long = [make(source, material)[:100_000] for make in LONG_GENERATORS.values()]
    return short[::4] + joined + long


def work(encoding: bpecore.Encoding, expected: list[Expected], seed: str, end: float) -> int:
    """Encodes, counts and decodes texts until the time is over; returns how many.

    Raises:
        AssertionError: a result differs from that of one thread.
    """
    source = random.Random(seed)
    done = 0
    while time.monotonic() < end:
        case = source.choice(expected)
        if encoding.encode_ordinary(case.text) != case.ids:
            raise AssertionError(f"{encoding.name}: other ids for {case.text[:200]!a}")
        if encoding.count(case.text, disallowed_special=()) != len(case.ids):
            raise AssertionError(f"{encoding.name}: another count for {case.text[:200]!a}")
        if encoding.decode(case.ids) != case.text:
            raise AssertionError(f"{encoding.name}: another text for {case.text[:200]!a}")
        done += 1
    return done


@click.command()
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=16, show_default=True)
@click.option("--encoding", "names", multiple=True, default=("cl100k_base", "o200k_base"))
def main(seconds: float, seed: int, threads: int, names: tuple[str, ...]) -> None:
    """Share one encoding among threads; exit with 1 if any gets something else."""
    for name in names:
        source = random.Random(f"{seed} {name}")
        encoding = bpecore.get_encoding(name)
        texts = texts_of(source)
        expected = [Expected(text, encoding.encode_ordinary(text)) for text in texts]
        end = time.monotonic() + seconds / len(names)
        done: list[int] = []
        wrong: list[str] = []

        def run(number: int, prefix: str = f"{seed} {name}") -> None:
            try:
                done.append(work(encoding, expected, f"{prefix} {number}", end))  # noqa: B023
            except AssertionError as error:
                wrong.append(str(error))  # noqa: B023

        workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if wrong or len(done) < threads:
            raise SystemExit("\n".join(wrong) or f"{threads - len(done)} threads died")
        click.echo(f"{name}: {threads} threads, {sum(done):,} texts, equal")


if __name__ == "__main__":
    main(prog_name="python -m fuzz.threads")
