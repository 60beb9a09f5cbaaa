"""`python -m fuzz.exhaustive`: every string of a length, split by bpecore and by tiktoken.

A string has one character of each class of the split pattern at each place; see
`fuzz.short_strings`.
"""

from __future__ import annotations

import sys
import time

import click

from fuzz.short_strings import LONGEST, PATTERNS, Exhaustive, Mismatch


@click.command()
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    type=click.Choice(list(PATTERNS)),
    help="May be given several times; all three otherwise.",
)
@click.option(
    "--length",
    "lengths",
    multiple=True,
    type=click.IntRange(1, LONGEST),
    help=f"Characters; may be given several times. 1 to {LONGEST} otherwise: some hours.",
)
@click.option("--part", default="1/1", show_default=True, help="3/20: the third of 20 equal parts.")
@click.option(
    "--framed-batches",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="16: only each 16th batch of strings goes through long texts too.",
)
def main(
    patterns: tuple[str, ...], lengths: tuple[int, ...], part: str, framed_batches: int
) -> None:
    """Compare the pieces of all short strings; exit with 1 on a difference."""
    number, parts = part_of(part)
    for name in patterns or PATTERNS:
        exhaustive = Exhaustive(name)
        for length in lengths or range(1, LONGEST + 1):
            count = exhaustive.count(length)
            first, last = count * (number - 1) // parts, count * number // parts
            start = time.monotonic()
            compared = 0
            for result in exhaustive.compare(length, first, last, framed_batches=framed_batches):
                if isinstance(result, Mismatch):
                    click.echo(f"mismatch: {result}")
                    sys.exit(1)
                compared += result
            click.echo(
                f"{name}, {len(exhaustive.alphabet)} classes, length {length}, part {part}: "
                f"{compared:,} strings, {time.monotonic() - start:.0f} s; equal"
            )


def part_of(text: str) -> tuple[int, int]:
    """Returns the number of a part, from 1 on, and the number of parts."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise click.BadParameter(f"{text!r} is not as 3/20", param_hint="--part")
    return int(number), int(parts)


if __name__ == "__main__":
    main(prog_name="python -m fuzz.exhaustive")
