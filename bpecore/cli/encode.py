"""The command `bpecore encode`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from bpecore.cli.inputs import STANDARD_INPUT, read_text
from bpecore.cli.options import allow_special, files_argument, special_arguments, with_encoding
from bpecore.core import Encoding


@click.command()
@with_encoding
@allow_special
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list per input.")
@files_argument
def encode(encoding: Encoding, special: bool, as_json: bool, files: Sequence[str]) -> None:
    """Print the token ids of each of FILES, or of standard input, one line per input."""
    for path in files or [STANDARD_INPUT]:
        ids = encoding.encode(read_text(path), **special_arguments(special))
        click.echo(json.dumps(ids) if as_json else " ".join(map(str, ids)))
