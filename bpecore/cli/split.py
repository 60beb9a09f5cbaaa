"""The command `bpecore split`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from bpecore.cli.inputs import Reader, Source
from bpecore.cli.options import allow_special, files_argument, only_one, with_encoding, with_reader
from bpecore.cli.streams import special_arguments
from bpecore.core import Encoding


@click.command(short_help="Cut a file into chunks of some tokens.")
@with_encoding
@allow_special
@click.option(
    "-t", "--tokens", type=click.IntRange(min=1), required=True, help="Tokens per chunk, at most."
)
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    default=0,
    help="Tokens of a chunk's end that the next one begins with, at most. Default: 0.",
)
@click.option("-0", "--null", is_flag=True, help="Write the chunks themselves, a zero byte each.")
@with_reader
@files_argument
def split(
    encoding: Encoding,
    special: bool,
    tokens: int,
    overlap: int,
    null: bool,
    reader: Reader,
    sources: Sequence[Source],
) -> None:
    """Cut a file, or standard input, into chunks of at most so many tokens.

    Each chunk is written as one line, a JSON string.
    """
    if overlap >= tokens:
        raise click.UsageError(f"--overlap {overlap} is not below --tokens {tokens}")
    source = only_one(sources)
    text = reader.text(source)
    try:
        chunks = encoding.split(text, tokens, overlap=overlap, **special_arguments(special))
    except ValueError as error:
        raise click.ClickException(f"{source.display_name}: {error}") from None
    output = sys.stdout.buffer
    for chunk in chunks:
        line = chunk + "\0" if null else json.dumps(chunk, ensure_ascii=False) + "\n"
        output.write(line.encode())
    output.flush()
