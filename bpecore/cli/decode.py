"""The command `bpecore decode`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from bpecore.cli.inputs import STANDARD_INPUT, display_name, read_text
from bpecore.cli.options import files_argument, with_encoding
from bpecore.core import Encoding

LARGEST_ID_DIGITS = len(str(2**32))


@click.command()
@with_encoding
@files_argument
def decode(encoding: Encoding, files: Sequence[str]) -> None:
    """Write the bytes of the token ids in FILES, or in standard input, and nothing else.

    Ids are separated by white space or commas, or are in JSON lists, as `encode` prints them.
    """
    for path in files or [STANDARD_INPUT]:
        ids = parse_ids(read_text(path), path)
        try:
            content = encoding.decode_bytes(ids)
        except (KeyError, OverflowError) as error:
            raise click.ClickException(f"{display_name(path)}: {error.args[0]}") from None
        click.echo(content, nl=False)


def parse_ids(text: str, path: str) -> list[int]:
    """Returns the ids that a text lists.

    Args:
        text: decimal numbers separated by white space or commas, or JSON lists of them.
        path: where the text is from, for the error.

    Raises:
        click.ClickException: the text has anything else; the message shows it.
    """
    if text.lstrip().startswith("["):
        try:
            return [id for ids in json_values(text) for id in checked_ids(ids)]
        except (ValueError, RecursionError) as error:
            raise click.ClickException(
                f"{display_name(path)}: no JSON list of ids: {error}"
            ) from None
    words = text.replace(",", " ").split()
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) <= LARGEST_ID_DIGITS):
            raise click.ClickException(f"{display_name(path)}: no token id: {word[:80]!r}")
    return list(map(int, words))


def json_values(text: str) -> Iterator[object]:
    """Yields the JSON values of a text, one after the other."""
    decoder = json.JSONDecoder()
    text = text.strip()
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        while position < len(text) and text[position].isspace():
            position += 1


def checked_ids(value: object) -> list[int]:
    """Returns a JSON value that is a list of integers.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, list) or any(type(id) is not int for id in value):
        raise ValueError("only lists of integers are understood")
    return value
