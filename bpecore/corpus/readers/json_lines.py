"""Reads JSON Lines.

orjson parses the lines. What it refuses goes to Python's own parser, which also takes NaN, numbers
of any size and lone surrogates; a line that this refuses too is set aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, Callable

from bpecore.corpus.documents import Aside, Documents
from bpecore.corpus.errors import BrokenRecordError
from bpecore.corpus.extra import library
from bpecore.corpus.options import Options
from bpecore.corpus.separators import LONGEST_RECORD, blocks_of

_SHOWN = 40
_JSON_NAMES = {
    dict: "an object",
    list: "a list",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def documents_of_lines(
    file: IO[bytes], end: int, options: Options, begun: bytes
) -> Iterator[Documents]:
    """Yields the documents of JSON Lines, from where a file is to an end.

    Args:
        file: any stream of bytes.
        end: how many bytes to read; -1 for all there are.
        options: which fields hold text, and what is done about bytes that are not UTF-8.
        begun: the start of the first line, which has been read already.
    """
    reader = _LineReader(options)
    first = 0
    for data, too_long, read in blocks_of(file, end, b"\n", begun):
        if too_long:
            reason = f"is longer than {LONGEST_RECORD:,} bytes: {too_long:,}"
            found = Documents([], (), 1, [Aside(first, reason, b"")], read, [])
        else:
            lines = data.split(b"\n")
            del data
            found = reader.read(lines, first, read)
            del lines
        first += found.passed
        yield found
        del found


class _LineReader:
    """Makes documents of lines."""

    def __init__(self, options: Options) -> None:
        self._loads: Callable[[bytes], Any] = library("orjson", "a file of JSON Lines").loads
        self._paths = [field.split(".") for field in options.text_fields]
        self._join = options.join
        self._replaces = options.errors == "replace"
        self._wants_names = options.format == "olmo"
        self._only = self._paths[0][0] if [len(path) for path in self._paths] == [1] else None

    def read(self, lines: list[bytes], first: int, read: int) -> Documents:
        """Returns the documents of lines, the first of which has a number in the range."""
        if self._only is not None and not self._wants_names:
            loads, field = self._loads, self._only
            try:
                texts = [loads(line)[field] for line in lines]
                if set(map(type, texts)) == {str}:
                    numbers = range(first, first + len(lines))
                    return Documents(texts, numbers, len(lines), [], read, [])
            except (ValueError, LookupError, TypeError, RecursionError):
                pass
        return self._read_each(lines, first, read)

    def _read_each(self, lines: list[bytes], first: int, read: int) -> Documents:
        texts, numbers, names = [], [], []
        aside = []
        for number, line in enumerate(lines, first):
            if not line or line.isspace():
                continue
            try:
                record = self._parse(line)
                texts.append(self._join.join(text_at(record, path) for path in self._paths))
                numbers.append(number)
                if self._wants_names:
                    names.append(_name_of(record))
            except BrokenRecordError as error:
                aside.append(Aside(number, str(error), line))
        return Documents(texts, numbers, len(lines), aside, read, names)

    def _parse(self, line: bytes) -> Any:
        try:
            return self._loads(line)
        except ValueError:
            pass
        try:
            text = line.decode("utf-8", "replace" if self._replaces else "strict")
            return json.loads(text)
        except UnicodeDecodeError as error:
            raise BrokenRecordError(f"is not UTF-8 at byte {error.start}") from None
        except RecursionError:
            raise BrokenRecordError("is nested too deeply") from None
        except ValueError as error:
            raise BrokenRecordError(f"is not JSON: {_without_newlines(error)}") from None


def text_at(record: Any, path: Sequence[str]) -> str:
    """Returns the text of a record at a path.

    Raises:
        BrokenRecordError: there is none.
    """
    value = record
    for depth, key in enumerate(path):
        if not isinstance(value, dict):
            what = f"field {'.'.join(path[:depth])!r}" if depth else "the record"
            raise BrokenRecordError(f"{what} is {_kind(value)}, not an object")
        if key not in value:
            raise BrokenRecordError(f"has no field {'.'.join(path[: depth + 1])!r}")
        value = value[key]
    if not isinstance(value, str):
        raise BrokenRecordError(f"field {'.'.join(path)!r} is {_kind(value)}, not a string")
    return value


def _kind(value: object) -> str:
    return _JSON_NAMES.get(type(value), "a string")


def _without_newlines(error: Exception) -> str:
    return " ".join(str(error).split())[: 3 * _SHOWN]


def _name_of(record: Any) -> str:
    name = record.get("id", "")
    return name if isinstance(name, str) else json.dumps(name)
