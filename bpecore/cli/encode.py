"""The command `bpecore encode`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from bpecore.cli.inputs import Reader, Source, errors_about
from bpecore.cli.options import allow_special, files_argument, with_reader
from bpecore.cli.streams import stream
from bpecore.cli.vocabularies import with_encoding
from bpecore.cli.written_ids import IdWriter
from bpecore.core import Encoding

SHORT = 1 << 15
"""Characters below which a list is made, so that numpy need not be imported."""


@click.command(short_help="Print the token ids of each file.")
@with_encoding
@allow_special
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list per input.")
@with_reader
@files_argument
def encode(
    encoding: Encoding, special: bool, as_json: bool, reader: Reader, sources: Sequence[Source]
) -> None:
    """Print the token ids of each of FILES, or of standard input, on one line per input."""

    def encoded(text: str, **arguments: Any) -> Any:
        if len(text) < SHORT:
            return encoding.encode(text, **arguments)
        return encoding.encode_to_numpy(text, **arguments)

    def as_array(ids: list[int]) -> Any:
        import numpy as np

        return np.array(ids, dtype=np.uint32)

    output = sys.stdout.buffer
    writer = IdWriter(output, as_json, encoding.max_token_value + 1)
    for source in sources:
        with errors_about(source):
            for ids in stream(encoding, reader.chunks(source), special, encoded, as_array):
                writer.write(ids)
        writer.end()
