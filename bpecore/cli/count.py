"""The command `bpecore count`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from bpecore.cli.inputs import STANDARD_INPUT, read_text
from bpecore.cli.options import allow_special, files_argument, special_arguments, with_encoding
from bpecore.core import Encoding


@click.command()
@with_encoding
@allow_special
@files_argument
def count(encoding: Encoding, special: bool, files: Sequence[str]) -> None:
    """Print the number of tokens of each of FILES, or of standard input.

    For one input, only the number. For several, one line per input with its name, and the total.
    """
    inputs = files or [STANDARD_INPUT]
    total = 0
    failed = False
    for path in inputs:
        try:
            text = read_text(path)
        except click.ClickException as error:
            error.show()
            failed = True
            continue
        tokens = encoding.count(text, **special_arguments(special))
        total += tokens
        click.echo(b"%d %b" % (tokens, os.fsencode(path)) if len(inputs) > 1 else str(tokens))
    if len(inputs) > 1:
        click.echo(f"{total} total")
    if failed:
        sys.exit(1)
