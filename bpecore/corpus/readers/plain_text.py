"""Reads plain text: a document per file, per line, or between separators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from bpecore.corpus.documents import Aside, Documents
from bpecore.corpus.memory import LONG_RECORD, TURN
from bpecore.corpus.options import Options
from bpecore.corpus.separators import LONGEST_RECORD, blocks_of


def separator_of(options: Options) -> bytes:
    """Returns what is between records of a text file."""
    return options.separator.encode() if options.document == "separator" else b"\n"


def document_of_file(file: IO[bytes], options: Options, begun: bytes) -> Iterator[Documents]:
    """Yields the one document of a file, none if it is empty."""
    data = begun + file.read(LONG_RECORD)
    if len(data) >= LONG_RECORD:
        TURN.take()
        data += file.read()
    if data:
        yield _documents([data], 0, len(data), options)


def documents_between(
    file: IO[bytes], end: int, options: Options, begun: bytes
) -> Iterator[Documents]:
    """Yields the documents between separators, from where a file is to an end.

    Empty ones are left out. Of lines, the carriage return at the end is no part.

    Args:
        file: any stream of bytes.
        end: how many bytes to read; -1 for all there are.
        options: the separator, and what is done about bytes that are not UTF-8.
        begun: the start of the first document, which has been read already.
    """
    separator = separator_of(options)
    first = 0
    for data, too_long, read in blocks_of(file, end, separator, begun):
        if too_long:
            reason = f"is longer than {LONGEST_RECORD:,} bytes: {too_long:,}"
            found = Documents([], (), 1, [Aside(first, reason, b"")], read, [])
        else:
            parts = data.split(separator)
            del data
            if separator == b"\n":
                parts = [part[:-1] if part.endswith(b"\r") else part for part in parts]
            found = _documents(parts, first, read, options)
            del parts
        first += found.passed
        yield found
        del found


def _documents(parts: list[bytes], first: int, read: int, options: Options) -> Documents:
    texts, numbers = [], []
    aside = []
    for number, part in enumerate(parts, first):
        if not part:
            continue
        try:
            texts.append(part.decode("utf-8", "strict"))
        except UnicodeDecodeError as error:
            if options.errors != "replace":
                aside.append(Aside(number, f"is not UTF-8 at byte {error.start}", part))
                continue
            texts.append(part.decode("utf-8", "replace"))
        numbers.append(number)
    return Documents(texts, numbers, len(parts), aside, read, [])
