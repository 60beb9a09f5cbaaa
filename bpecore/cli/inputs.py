"""Reads the text of files, of standard input and of arguments, in chunks."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import IO, NamedTuple

import click

STANDARD_INPUT = "-"
FIRST_CHUNK = 1 << 16
CHUNK = 1 << 21
"""Bytes read at once: first few, so that the first results come at once, then many."""

SHOWN_CHARACTERS = 40

BYTE_ORDER_MARK = "\ufeff"
"""No part of ids or of JSON; of any other text it is one."""

# The longer marks come first: UTF-32's begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


UNMARKED_LEAST = 16
"""Bytes from which UTF-16 without a byte order mark is recognised."""

LOOKED_AT = 4096
"""Bytes that are looked at for that."""


class NotTextError(click.ClickException):
    """An input's bytes are not text."""


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal, or the direction of text."""


def printable(name: str) -> str:
    """Returns a name as people see it, with control characters escaped, as `ls` does.

    Example:
        >>> printable("b\\033[31m.txt")
        'b\\\\x1b[31m.txt'
    """
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], click.format_filename(name))


@contextlib.contextmanager
def errors_about(source: Source) -> Iterator[None]:
    """Reports what an encoding finds wrong with a text as an error of the input."""
    try:
        yield
    except ValueError as error:
        raise click.ClickException(f"{source.display_name}: {error}") from None


class Source(NamedTuple):
    """Where a text comes from.

    Attributes:
        path: a file's path, or "-" for standard input; for a text, how it is shown.
        text: the text itself if it was an argument.
    """

    path: str
    text: str | None = None

    @classmethod
    def of_text(cls, text: str) -> Source:
        """Returns the source of a text that was an argument."""
        first = " ".join(text[: 2 * SHOWN_CHARACTERS].split())
        is_whole = len(text) <= len(first) <= SHOWN_CHARACTERS
        return cls(first if is_whole else f"{first[: SHOWN_CHARACTERS - 1]}…", text)

    @property
    def display_name(self) -> str:
        """The name in messages."""
        return "standard input" if self.path == STANDARD_INPUT else printable(self.path)

    @property
    def size(self) -> int:
        """The size of a file in bytes; 0 if it is unknown."""
        try:
            return 0 if self.text is not None else os.path.getsize(self.path)
        except OSError:
            return 0


class Reader(NamedTuple):
    """How texts are read.

    Attributes:
        encoding: a codec of Python's; None for UTF-8, with a hint if the text is UTF-16.
        errors: what is done about bytes that are not text: "strict", "replace" or "ignore".
    """

    encoding: str | None = None
    errors: str = "strict"

    def chunks(self, source: Source) -> Iterator[str]:
        """Yields the text in chunks, with its line ends as they are.

        Raises:
            click.ClickException: it cannot be read; the message says which.
            NotTextError: it cannot be decoded; the message says where.
        """
        if source.text is not None:
            yield source.text
            return
        if source.path == STANDARD_INPUT and sys.stdin is None:
            raise click.ClickException(f"{source.display_name}: it is closed")
        try:
            with click.open_file(source.path, "rb") as file:
                yield from self._decoded(_blocks(file), source)
        except OSError as error:
            raise click.ClickException(f"{source.display_name}: {error.strerror}") from None

    def text(self, source: Source) -> str:
        """Returns the whole text; as `chunks` otherwise."""
        return "".join(self.chunks(source))

    def _decoded(self, blocks: Iterator[bytes], source: Source) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding or "utf-8")(self.errors)
        position = 0
        for block in blocks:
            if position == 0 and self.encoding is None:
                _refuse_other_unicode(block, source)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                name = "UTF-8" if self.encoding is None else self.encoding
                offset = position - pending + error.start
                raise NotTextError(
                    f"{source.display_name}: not {name} at byte offset {offset}: {error.reason}"
                ) from None
            except UnicodeError as error:  # it says nothing of a place
                name = f"{source.display_name}: not {self.encoding}"
                hint = f"{self.encoding}-le and {self.encoding}-be need none"
                reason = f"{error} ({hint})" if "BOM" in str(error) else error
                raise NotTextError(f"{name}: {reason}") from None
            position += len(block)
            if text:
                yield text


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yields the bytes as soon as they are there, and b"" at the end."""
    size = FIRST_CHUNK
    while True:
        block: bytes = file.read1(size)  # type: ignore[attr-defined]
        yield block
        if not block:
            return
        size = CHUNK


def _refuse_other_unicode(start: bytes, source: Source) -> None:
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            raise NotTextError(
                f"{source.display_name}: not UTF-8 at byte offset 0: its byte order mark says "
                f"{encoding.upper()} (--input-encoding {encoding})"
            )
    wide = _encoding_by_zeros(start[:LOOKED_AT])
    if wide is not None:
        raise NotTextError(
            f"{source.display_name}: every other byte is NUL, as in UTF-16 without a byte order "
            f"mark (--input-encoding {wide}; utf-8 reads it as it is)"
        )


def _encoding_by_zeros(start: bytes) -> str | None:
    """Returns what an input is encoded in if at least nine in ten of every other byte are NUL, and
    none of the rest."""
    for zeros, others, encoding in (
        (start[1::2], start[::2], "utf-16-le"),
        (start[::2], start[1::2], "utf-16-be"),
    ):
        is_wide = 0 not in others and 10 * zeros.count(0) >= 9 * len(zeros)
        if is_wide and len(start) >= UNMARKED_LEAST:
            return encoding
    return None
