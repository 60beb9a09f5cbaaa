"""`python -m fuzz`: random texts through both engines; the first difference is shrunk and shown.

The invariant, for every text: ids equal tiktoken's in every sink, `count` is their number, and they
decode to the text. A round's texts depend on nothing but the seed and the round's number, both of
which are printed, so a finding can be run again.
"""

from __future__ import annotations

import random
import time
from typing import Any

import click
import tiktoken

import bpecore
from bpecore.encodings import ENCODING_CONSTRUCTORS
from tests.texts import random_text

from .shrink import shrink

TEXTS_A_ROUND = 200


class Comparison:
    """Both engines for one encoding."""

    def __init__(self, encoding: str) -> None:
        self._ours = bpecore.get_encoding(encoding)
        self._theirs = tiktoken.Encoding(**ENCODING_CONSTRUCTORS[encoding]())

    def difference(self, text: str) -> str | None:
        """Returns what breaks the invariant, or None; an error of ours breaks it too."""
        try:
            return self._difference(text)
        except Exception as error:
            return repr(error)

    def differs(self, text: str) -> bool:
        """Returns whether something breaks the invariant."""
        return self.difference(text) is not None

    def _difference(self, text: str) -> str | None:
        expected = self._theirs.encode_ordinary(text)
        arguments: dict[str, Any] = {"disallowed_special": ()}
        results: dict[str, object] = {
            "encode_ordinary": self._ours.encode_ordinary(text),
            "encode": self._ours.encode(text, **arguments),
            "encode_to_numpy": self._ours.encode_to_numpy(text, **arguments).tolist(),
        }
        for method, ids in results.items():
            if ids != expected:
                return f"{method} gave {ids}, tiktoken {expected}"
        count = self._ours.count(text, **arguments)
        if count != len(expected):
            return f"count gave {count}, tiktoken made {len(expected)} ids"
        if self._ours.decode(expected) != text:
            return f"decode({expected}) gave {self._ours.decode(expected)!r}"
        return None


def texts_of_round(seed: int, number: int) -> list[str]:
    """Returns the texts of one round, short ones mostly, now and then a few thousand elements."""
    source = random.Random(f"{seed} {number}")
    texts = [random_text(source) for _ in range(TEXTS_A_ROUND)]
    texts.append(random_text(source, longest=3_000))
    texts.append(" " * source.randint(0, 70_000) + random_text(source, longest=100))
    return texts


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="For all encodings together.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(list(ENCODING_CONSTRUCTORS)),
    default=list(ENCODING_CONSTRUCTORS),
    help="May be given several times; all of them otherwise.",
)
def main(seconds: float, seed: int, encodings: list[str]) -> None:
    """Compare bpecore with tiktoken on random texts; exit with 1 on a difference."""
    comparisons = {encoding: Comparison(encoding) for encoding in encodings}
    end = time.monotonic() + seconds
    number = texts = 0
    while number == 0 or time.monotonic() < end:
        for text in texts_of_round(seed, number):
            for encoding, comparison in comparisons.items():
                if comparison.differs(text):
                    smallest = shrink(text, comparison.differs)
                    click.echo(f"seed {seed}, round {number}, {encoding}, text {smallest!a}:")
                    click.echo(comparison.difference(smallest))
                    raise SystemExit(1)
            texts += 1
        number += 1
    click.echo(f"seed {seed}: {texts} texts in {number} rounds, {len(encodings)} encodings: equal")


if __name__ == "__main__":
    main(prog_name="python -m fuzz")
