"""Reads compressed inputs: gzip, zstd, xz and bz2, each also in several members."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import zlib
from typing import IO, Any, cast

from bpecore.corpus.errors import CorpusError
from bpecore.corpus.extra import library

MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bz2"),
)
SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".xz": "xz", ".bz2": "bz2"}

_COMPRESSED_BLOCK = 1 << 17


def compression_of(start: bytes) -> str:
    """Returns how a file is compressed by its first bytes; "" if it is not."""
    return next((name for magic, name in MAGIC if start.startswith(magic)), "")


def decompressed(file: IO[bytes], compression: str) -> IO[bytes]:
    """Returns a stream of what a compressed file holds.

    Reading it raises one of `damage_errors()` if the file is damaged or ends early.
    """
    if compression == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if compression == "xz":
        return lzma.LZMAFile(file)
    if compression == "bz2":
        return bz2.BZ2File(file)
    return io.BufferedReader(_ZstdFile(file), 1 << 18)


def damage_errors() -> tuple[type[Exception], ...]:
    """Returns what reading a damaged compressed file raises."""
    found: list[type[Exception]] = [EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError]
    with contextlib.suppress(CorpusError):
        found.append(_zstandard().ZstdError)
    return (*found, OSError, ValueError)


def _zstandard() -> Any:
    return library("zstandard", "a zstd file")


class _ZstdFile(io.RawIOBase):
    """A zstd file of any number of frames; one that ends inside a frame is an error.

    The library's own reader takes such a file for a whole one.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._context = _zstandard().ZstdDecompressor()
        self._frame: Any = None
        self._rest = b""
        self._made = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._made:
            if not self._advance():
                return 0
        count = min(len(buffer), len(self._made))
        buffer[:count] = self._made[:count]
        self._made = self._made[count:]
        return count

    def _advance(self) -> bool:
        """Decompresses another block; returns whether there was one."""
        block = self._rest or self._file.read(_COMPRESSED_BLOCK)
        self._rest = b""
        if not block:
            if self._frame is not None:
                raise EOFError("it ends inside a zstd frame")
            return False
        if self._frame is None:
            self._frame = self._context.decompressobj()
        self._made = memoryview(self._frame.decompress(block))
        if self._frame.eof:
            self._rest = self._frame.unused_data
            self._frame = None
        return True
