"""Compresses the files of wheels better than zlib does, by zopfli; unpacking is as fast as before.

Usage: python tools/compress_wheels.py FOLDER [CACHE]

FOLDER holds the wheels, which are replaced. What is the same in several wheels, as the frozen
tables are, is compressed once; CACHE is a folder that keeps it for later runs. Needs zopfli.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from unittest import mock
from zipfile import ZIP_DEFLATED, ZipFile

import zopfli.zlib

ITERATIONS = 5
"""More take longer, and save less than a thousandth."""

LEAST_BYTES = 10_000
"""Smaller files are compressed by zlib: there are many, and they hardly matter."""

HEADER_BYTES, TRAILER_BYTES = 2, 4
"""Of zlib's format, around a plain stream."""


def compress(content: bytes, cache: Path) -> bytes:
    """Returns a stream that inflates to the content; keeps it, and takes it from there."""
    if len(content) < LEAST_BYTES:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return compressor.compress(content) + compressor.flush()
    kept = cache / hashlib.sha256(content).hexdigest()
    if not kept.exists():
        stream = zopfli.zlib.compress(content, numiterations=ITERATIONS)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(stream[HEADER_BYTES:-TRAILER_BYTES])
        part.replace(kept)
    return kept.read_bytes()


class Compressed:
    """Takes the place of zipfile's compressor, with a stream that is there already."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream

    def compress(self, content: bytes) -> bytes:
        return b""

    def flush(self) -> bytes:
        return self.stream


def compress_wheel(path: Path, cache: Path) -> None:
    """Replaces a wheel by one with the same files, in the same order, of the same dates."""
    new = path.with_suffix(".part")
    with ZipFile(path) as source, ZipFile(new, "w", ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            compressor = Compressed(compress(content, cache))
            entry.compress_type = ZIP_DEFLATED
            with mock.patch("zipfile._get_compressor", lambda *_, found=compressor: found):
                target.writestr(entry, content)
    with ZipFile(new) as target:
        if damaged := target.testzip():
            raise zipfile.BadZipFile(f"{path.name}: {damaged} does not inflate to what it was")
    new.replace(path)


def main(folder: Path, cache: Path) -> None:
    for path in sorted(folder.glob("*.whl")):
        before = path.stat().st_size
        compress_wheel(path, cache)
        print(f"{before / 1e6:6.2f} to {path.stat().st_size / 1e6:6.2f} MB  {path.name}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(sys.argv[1]), Path(folder))
