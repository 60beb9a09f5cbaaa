"""The command `bpecore run` as the help and completion see it; `program` runs it without click."""

from __future__ import annotations

import click


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.Path())
def run(arguments: tuple[str, ...]) -> None:
    """Run a Python program with bpecore in tiktoken's place."""
