"""`python -m fuzz.threads`: threads over one `Encoding` at a time, compared with tiktoken."""

from __future__ import annotations

import random
import sys
import time

import click

from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.subject import available_instructions, openai_subject
from bpecore.fuzzing.texts import real_texts
from fuzz.calls_in_threads import round_of_calls, run_threads

ROUND_SECONDS = 2.0


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long new rounds begin.")
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
