"""The command `bpecore split`."""

from __future__ import annotations

import json
import sys

import click

from bpecore._limits.rules import BOUNDARIES
from bpecore.cli.chunk_stream import chunk_stream
from bpecore.cli.inputs import Reader, Source, errors_about
from bpecore.cli.options import allow_special, with_one_input
from bpecore.cli.streams import special_arguments
from bpecore.cli.vocabularies import with_encoding
from bpecore.core import Encoding


@click.command(short_help="Split a file into chunks of at most N tokens.")
@with_encoding
@allow_special
@click.option(
    "-t",
    "--tokens",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="Tokens per chunk, at most.",
)
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Tokens at the end of a chunk that the next one repeats, at most. Default: 0.",
)
@click.option(
    "--boundary",
    type=click.Choice(BOUNDARIES),
    default="character",
    help="What a chunk ends with, where that is possible. Default: character.",
)
@click.option(
    "--whole-graphemes",
    is_flag=True,
    help="Keep joined emoji, and letters with their combining marks, whole.",
)
@click.option(
    "-0", "--null", is_flag=True, help="Write plain chunks, each with a zero byte after it."
)
@with_one_input
def split(
    encoding: Encoding,
    special: bool,
    tokens: int,
    overlap: int,
    boundary: str,
    whole_graphemes: bool,
    null: bool,
    reader: Reader,
    source: Source,
) -> None:
    """Split FILE, or standard input, into chunks of at most N tokens.

    Each chunk is printed as a JSON string on a line of its own.
    """
    if overlap >= tokens:
        raise click.UsageError(f"--overlap {overlap} is not below --tokens {tokens}")
    output = sys.stdout.buffer
    cutting = {"overlap": overlap, "boundary": boundary, "whole_graphemes": whole_graphemes}
    texts = reader.chunks(source)
    with errors_about(source):
        for chunks in chunk_stream(encoding, texts, tokens, special_arguments(special), **cutting):
            for chunk in chunks:
                line = chunk + "\0" if null else json.dumps(chunk, ensure_ascii=False) + "\n"
                output.write(line.encode())
            output.flush()
