"""The command `bpecore decode`."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence

import click

from bpecore.cli import options
from bpecore.cli.inputs import BYTE_ORDER_MARK, STANDARD_INPUT, Reader, Source
from bpecore.cli.vocabularies import with_encoding
from bpecore.core import Encoding

LARGEST_ID_DIGITS = len(str(2**32))
LONGEST_PART = 1 << 20
"""Characters of ids from which a text is decoded in parts."""

NO_IDS = re.compile(r"[^\d,\s]", re.ASCII)
IDS = re.compile(r"[\d,\[\]\s]*\d[\d,\[\]\s]*", re.ASCII)


def _check_arguments(
    ctx: click.Context, parameter: click.Parameter, arguments: Sequence[str]
) -> list[Source]:
    """Returns the inputs: files, and ids that no file is named like."""
    sources: list[Source] = []
    for argument in arguments:
        if IDS.fullmatch(argument) and not os.path.exists(argument):
            before = sources.pop().text if sources and sources[-1].text else ""
            sources.append(Source("arguments", f"{before} {argument}"))
        else:
            path = click.Path(exists=True, dir_okay=False, allow_dash=True)
            sources.append(Source(os.fsdecode(path.convert(argument, parameter, ctx))))
    return sources


@click.command(short_help="Turn token ids back into text.")
@with_encoding
@options.input_encoding
@click.argument(
    "sources", metavar="[FILES|IDS]...", nargs=-1, callback=_check_arguments, type=click.Path()
)
def decode(encoding: Encoding, input_encoding: str | None, sources: Sequence[Source]) -> None:
    """Print the text of token ids: of IDS, of those in FILES, or of those in standard input.

    Ids are separated by white space or commas, or are in JSON lists, as `encode` prints them.
    Nothing else is printed, not even a line end.
    """
    output = sys.stdout.buffer
    for source in sources or [Source(STANDARD_INPUT)]:
        for part in parts(Reader(input_encoding).chunks(source)):
            ids = parse_ids(part, source)
            try:
                content = encoding.decode_bytes(ids)
            except (KeyError, OverflowError) as error:
                raise click.ClickException(f"{source.display_name}: {error.args[0]}") from None
            output.write(content)
            output.flush()


def parts(chunks: Iterator[str]) -> Iterator[str]:
    """Yields a text of ids in parts that can be parsed by themselves.

    A short text is one part. A long one is cut after separators; in JSON lists, which are then
    closed and opened again, after commas.
    """
    rest = next(chunks, "").removeprefix(BYTE_ORDER_MARK)
    is_json = None
    for chunk in itertools.chain([""], chunks):
        rest += chunk
        if is_json is None and rest.lstrip():
            is_json = rest.lstrip().startswith("[")
        if len(rest) < LONGEST_PART:
            continue
        end = rest.rfind(",") if is_json else last_separator(rest)
        if end > 0:
            yield rest[:end] + ("]" if is_json else "")
            rest = ("[" if is_json else "") + rest[end + 1 :]
    yield rest


def last_separator(text: str) -> int:
    """Returns the last place of a separator, or -1."""
    return max(map(text.rfind, " ,\n\t\r"))


def parse_ids(text: str, source: Source) -> list[int]:
    """Returns the ids that a text lists.

    Args:
        text: decimal numbers separated by white space or commas, or JSON lists of them.
        source: where the text is from, for the error.

    Raises:
        click.ClickException: the text has anything else; the message shows it.
    """
    name = source.display_name
    if text.lstrip().startswith("["):
        try:
            return [id for ids in json_values(text) for id in checked_ids(ids)]
        except (ValueError, RecursionError) as error:
            raise click.ClickException(f"{name}: no JSON list of ids: {error}") from None
    words = text.replace(",", " ").split()
    if NO_IDS.search(text) or max(map(len, words), default=0) > LARGEST_ID_DIGITS:
        for word in words:
            if not (word.isascii() and word.isdigit() and len(word) <= LARGEST_ID_DIGITS):
                raise click.ClickException(f"{name}: not a token id: {word[:80]!r}")
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
