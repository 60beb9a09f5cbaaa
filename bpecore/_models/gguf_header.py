"""Reads the metadata at the beginning of a GGUF file, and nothing after it.

Numbers in a file are not believed: memory grows only with the bytes that are there, up to a limit.

Reference: docs/gguf.md of ggml, versions 2 and 3.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

MAGIC = b"GGUF"
METADATA_LIMIT = 1 << 28
"""Bytes; published models have up to 20 million."""

_BYTES_AT_ONCE = 1 << 20
_KEY_LIMIT = 1 << 16
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
_NUMBERS = {
    number: struct.Struct(f"<{code}")
    for number, code in zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd")
}
"""The types that are numbers, by their number."""


class GgufHeader:
    """The metadata of a file.

    Args:
        file: the file, from its beginning; it is read up to the end of the metadata.
        source: its path, for errors.

    Raises:
        ValueError: the metadata is invalid, cut off, or larger than that of any model.

    Attributes:
        values: the value of each key that is about the vocabulary; arrays are lists.
        size: bytes up to the end of the metadata.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file = file
        self._source = source
        self._data = bytearray()
        self._reached = 0
        self._place = "the header"
        self.values: dict[str, Any] = {}
        self._read()
        self.size = self._reached

    @property
    def contents(self) -> bytes:
        """The bytes up to the end of the metadata."""
        return bytes(self._data[: self.size])

    def _read(self) -> None:
        version, _, count = struct.unpack("<IQQ", self._bytes(24)[4:])
        if version not in (2, 3):
            what = "big-endian" if version in (2 << 24, 3 << 24) else f"of version {version}"
            raise self._fault(f"a GGUF file that is {what}, which is not known")
        seen: set[str] = set()
        for number in range(count):
            self._place = f"metadata[{number}]"
            key = self._string(_KEY_LIMIT)
            if key in seen:
                raise self._fault(f"the key {key!r:.80} is there twice")
            seen.add(key)
            self._place = f"{key:.80}"
            value = self._value(self._number(4))
            if key.startswith("tokenizer."):
                self.values[key] = value

    def _value(self, kind: int) -> Any:
        if kind in _NUMBERS:
            (number,) = _NUMBERS[kind].unpack(self._bytes(_NUMBERS[kind].size))
            return number
        if kind == _STRING:
            return self._string(METADATA_LIMIT)
        if kind != _ARRAY:
            raise self._fault(f"a value of type {kind}, which GGUF does not have")
        kind, count = self._number(4), self._number(8)
        if kind in _NUMBERS:
            item = _NUMBERS[kind]
            return [*struct.unpack(f"<{count}{item.format[1:]}", self._bytes(count * item.size))]
        if kind != _STRING:
            raise self._fault(f"an array of type {kind}, which is not known")
        return self._strings(count)

    def _strings(self, count: int) -> list[str]:
        """Reads the items of an array; those that are there and sound without a look at each."""
        place, data, items = self._place, self._data, []
        for number in range(count):
            start = self._reached + 8
            if start <= len(data):
                stop = start + int(_LENGTH.unpack_from(data, start - 8)[0])
                if stop <= len(data):
                    try:
                        items.append(data[start:stop].decode())
                    except UnicodeDecodeError:
                        pass  # said below, with its place
                    else:
                        self._reached = stop
                        continue
            self._place = f"{place}[{number}]"
            items.append(self._string(METADATA_LIMIT))
        self._place = place
        return items

    def _string(self, limit: int) -> str:
        length = self._number(8)
        if length > limit:
            raise self._fault(f"a string of {length:,} bytes, and {limit:,} are allowed")
        try:
            return self._bytes(length).decode()
        except UnicodeDecodeError:
            raise self._fault("no UTF-8") from None

    def _number(self, size: int) -> int:
        return int.from_bytes(self._bytes(size), "little")

    def _bytes(self, count: int) -> bytearray:
        start, stop = self._reached, self._reached + count
        if stop > len(self._data):
            self._read_up_to(stop)
        self._reached = stop
        return self._data[start:stop]

    def _read_up_to(self, stop: int) -> None:
        if stop > METADATA_LIMIT:
            raise self._fault(f"metadata of more than {METADATA_LIMIT:,} bytes")
        while len(self._data) < stop:
            piece = self._file.read(_BYTES_AT_ONCE)
            if not piece:
                raise self._fault(
                    f"{stop - len(self._data):,} bytes are missing. It looks truncated"
                )
            self._data += piece

    def _fault(self, what: str) -> ValueError:
        return ValueError(f"{self._source}, {self._place}, byte {self._reached:,}: {what}.")
