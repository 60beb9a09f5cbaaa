"""The command `bpecore truncate`."""

from __future__ import annotations

import sys
from typing import Literal

import click

from bpecore.cli.inputs import Reader, Source, errors_about
from bpecore.cli.options import allow_special, with_one_input
from bpecore.cli.streams import special_arguments
from bpecore.cli.vocabularies import with_encoding
from bpecore.core import Encoding

MORE_TOKENS = 256
"""Tokens after the cut that are read, too: where to cut may depend on what follows."""


@click.command(short_help="Cut a file to at most N tokens.")
@with_encoding
@allow_special
@click.option(
    "-t",
    "--tokens",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="Tokens to keep, at most.",
)
@click.option(
    "--side",
    type=click.Choice(["end", "start", "middle"]),
    default="end",
    help="What to cut off. Default: end.",
)
@with_one_input
def truncate(
    encoding: Encoding,
    special: bool,
    tokens: int,
    side: Literal["end", "start", "middle"],
    reader: Reader,
    source: Source,
) -> None:
    """Print as much of FILE, or of standard input, as fits into N tokens."""
    with errors_about(source):
        text = beginning(encoding, reader, source, tokens) if side == "end" else reader.text(source)
        kept = encoding.truncate(text, tokens, side=side, **special_arguments(special))
    sys.stdout.buffer.write(kept.encode())
    if source.text is not None and sys.stdout.isatty():
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def beginning(encoding: Encoding, reader: Reader, source: Source, tokens: int) -> str:
    """Returns a text, or as much of its beginning as decides where it is cut."""
    read: list[str] = []
    length = enough = 0
    for chunk in reader.chunks(source):
        read.append(chunk)
        length += len(chunk)
        if length >= enough:
            read = ["".join(read)]
            if encoding.count_up_to(read[0], tokens + MORE_TOKENS, disallowed_special=()) is None:
                break
            enough = 2 * length
    return "".join(read)
