"""Finds the records of a file between separators, in a range that any byte may be the edge of.

A record belongs to the range in which its first byte is. Separators are found from left to right
and do not overlap. Where one could overlap itself, the place of the others depends on all text in
front of it, and the file is not cut; unless it is one character several times, such as two line
ends: then the run of that character is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

from bpecore.corpus.memory import LONG_RECORD, TURN

BLOCK = 1 << 20
"""Bytes read at once: what stays in a CPU's cache while it goes through the steps."""

LONGEST_RECORD = 1 << 30
"""Bytes; longer records are set aside."""


class Block(NamedTuple):
    """Whole records of a file.

    Attributes:
        data: the records, with separators between them.
        too_long: instead of records, the length in bytes of one that is too long; 0 if none is.
        read: bytes of the file that this took.
    """

    data: bytes
    too_long: int
    read: int


def can_be_cut(separator: bytes) -> bool:
    """Returns whether a file with this separator can be cut at any byte."""
    if separator.count(separator[:1]) == len(separator):
        return True
    borders = range(1, len(separator))
    return not any(separator[:size] == separator[-size:] for size in borders)


def first_record(file: IO[bytes], place: int, separator: bytes, size: int) -> int:
    """Returns where the first record begins that begins at a place or after it.

    Args:
        file: can seek.
        place: a byte.
        separator: for which `can_be_cut`.
        size: bytes of the file.

    Returns:
        A byte; the file's size if no record begins there.
    """
    if place <= 0 or place >= size:
        return min(max(place, 0), size)
    start = max(0, place - len(separator))
    if len(separator) > 1 and separator.count(separator[:1]) == len(separator):
        start = _start_of_run(file, place, separator[:1])
    file.seek(start)
    rest = b""
    offset = start
    while block := file.read(BLOCK if offset > start else 1 << 14):
        text = rest + block
        found = text.find(separator)
        while found >= 0:
            end = offset - len(rest) + found + len(separator)
            if end >= place:
                return end
            found = text.find(separator, found + len(separator))
        offset += len(block)
        rest = _rest_after(text, separator)
    return size


def _rest_after(text: bytes, separator: bytes) -> bytes:
    """Returns the end of a text in which a separator may begin, and none does yet."""
    used = 0
    found = text.find(separator)
    while found >= 0:
        used = found + len(separator)
        found = text.find(separator, used)
    return text[max(used, len(text) - len(separator) + 1) :]


def _start_of_run(file: IO[bytes], place: int, character: bytes) -> int:
    """Returns where the run of a character begins that ends at a place; the place if none does."""
    while place > 0:
        start = max(0, place - (1 << 12))
        file.seek(start)
        block = file.read(place - start)
        stripped = len(block.rstrip(character))
        if stripped:
            return start + stripped
        place = start
    return 0


def blocks_of(file: IO[bytes], end: int, separator: bytes, begun: bytes = b"") -> Iterator[Block]:
    """Yields the records from where a file is to an end at which a record begins.

    Args:
        file: any stream of bytes.
        end: how many bytes to read; -1 for all there are.
        separator: what is between records.
        begun: the start of the first record, which has been read already.
    """
    # A record that goes on is a bytearray, which grows without being copied.
    rest: bytes | bytearray = begun
    skipped, read = 0, len(begun)
    while True:
        data = read_exactly(file, BLOCK if end < 0 else min(BLOCK, end))
        end -= len(data) if end >= 0 else 0
        read += len(data)
        if not data:
            break
        searched = max(0, len(rest) - len(separator) + 1)
        rest += data
        text = rest
        rest = data = b""  # a long record is held as few times as possible
        cut = _last_separator(text, separator, searched)
        if skipped and cut >= 0:
            found = text.find(separator)
            yield Block(b"", skipped + found, read)
            read = 0
            skipped, text, cut = 0, text[found + len(separator) :], cut - found - len(separator)
        if cut >= 0:
            with memoryview(text) as view:
                rest, text = bytes(view[cut + len(separator) :]), bytes(view[:cut])
            yielded, read, text = [Block(text, 0, read)], 0, b""
            yield yielded.pop()  # so that only the caller holds it
        elif skipped or len(text) > LONGEST_RECORD:
            rest = text[len(text) - len(separator) + 1 :]
            skipped += len(text) - len(rest)
        else:
            rest = text if isinstance(text, bytearray) else bytearray(text)
            if len(rest) >= LONG_RECORD:
                TURN.take()
    if skipped:
        yield Block(b"", skipped + len(rest), read)
    elif rest:
        # What had been read already may have a separator at its end.
        size = len(rest) - len(separator) * rest.endswith(separator)
        with memoryview(rest) as view:
            yielded, rest = [Block(bytes(view[:size]), 0, read)], b""
        yield yielded.pop()


def _last_separator(text: bytes | bytearray, separator: bytes, searched: int) -> int:
    """Returns where the last separator of a text is, counted from the left; -1 without any.

    Args:
        text: begins where a record begins.
        separator: what is looked for.
        searched: bytes at the start in which there is none.
    """
    if len(separator) == 1:
        return text.rfind(separator)
    last = -1
    found = text.find(separator, searched)
    while found >= 0:
        last = found
        found = text.find(separator, found + len(separator))
    return last


def read_exactly(file: IO[bytes], size: int) -> bytes:
    """Reads as many bytes as wanted, fewer only at the end of the file."""
    data = file.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := file.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
