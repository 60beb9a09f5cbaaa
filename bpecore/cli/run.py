"""The command `bpecore run` as the help lists it; `program` runs it without click."""

from __future__ import annotations

import click


@click.command()
def run() -> None:
    """Run a Python program with bpecore in tiktoken's place."""
