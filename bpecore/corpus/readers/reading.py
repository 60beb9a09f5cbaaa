"""Reads the documents of a range, whatever its input holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from bpecore.corpus.compression import damage_errors, decompressed
from bpecore.corpus.documents import Documents
from bpecore.corpus.errors import CorpusError, InputError
from bpecore.corpus.files import STANDARD_INPUT, open_raw, reason_of, status_of
from bpecore.corpus.inputs import InputFile
from bpecore.corpus.options import Options
from bpecore.corpus.ranges import Range
from bpecore.corpus.readers.json_lines import documents_of_lines
from bpecore.corpus.readers.plain_text import document_of_file, documents_between, separator_of
from bpecore.corpus.separators import first_record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def documents_of(file: InputFile, part: Range, options: Options) -> Iterator[Documents]:
    """Yields the documents of a range.

    Raises:
        InputError: the input cannot be read, is damaged, or is not what it was when the plan was
            made.
    """
    _check_unchanged(file)
    try:
        if file.format in ("parquet", "arrow"):
            from bpecore.corpus.readers.columnar import documents_of_rows

            yield from documents_of_rows(file, part, options)
        else:
            yield from _documents_of_bytes(file, part, options)
    except CorpusError:
        raise
    except damage_errors() as error:
        what = f"damaged {file.compression} file" if file.compression else "cannot be read"
        raise InputError(f"{file.name}: {what}: {reason_of(error)}") from None
    _check_unchanged(file)


def _check_unchanged(file: InputFile) -> None:
    status = status_of(file.path)
    if status.size != file.size or (file.name != STANDARD_INPUT and status.version != file.version):
        raise InputError(f"{file.name}: has changed since the plan was made")


def _documents_of_bytes(file: InputFile, part: Range, options: Options) -> Iterator[Documents]:
    with open_raw(file.path) as raw:
        stream: IO[bytes] = raw
        end = -1
        if file.compression:
            stream = decompressed(raw, file.compression)
        elif part.end >= 0:
            separator = b"\n" if file.format == "jsonl" else separator_of(options)
            first = first_record(raw, part.start, separator, file.size)
            end = first_record(raw, part.end, separator, file.size) - first
            raw.seek(first)
        begun = b""
        if part.start == 0 and end:
            begun = stream.read(len(_BYTE_ORDER_MARK))
            end -= len(begun) if end > 0 else 0
            begun = b"" if begun == _BYTE_ORDER_MARK else begun
        if file.format == "jsonl":
            found = documents_of_lines(stream, end, options, begun)
        elif options.document == "file":
            found = document_of_file(stream, options, begun)
        else:
            found = documents_between(stream, end, options, begun)
        if file.compression:
            yield from _with_progress_in(raw, found)
        else:
            yield from found


def _with_progress_in(raw: IO[bytes], found: Iterator[Documents]) -> Iterator[Documents]:
    """Yields documents with the number of compressed bytes that they took."""
    place = 0
    for documents in found:
        now = raw.tell()
        yield documents._replace(read=now - place)
        place = now
