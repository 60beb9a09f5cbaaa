"""Reads Parquet and Arrow IPC files, a few megabytes of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from bpecore.corpus.compression import decompressed
from bpecore.corpus.documents import Aside, Documents
from bpecore.corpus.errors import BrokenRecordError, CorpusError, InputError
from bpecore.corpus.extra import library
from bpecore.corpus.files import open_raw, reason_of
from bpecore.corpus.inputs import InputFile
from bpecore.corpus.memory import LONG_RECORD, TURN
from bpecore.corpus.options import Options
from bpecore.corpus.ranges import Range, Unit
from bpecore.corpus.readers.json_lines import text_at

_BATCH = 2 << 20
"""Bytes of rows read at once, by a file's own average."""

_FILE_MAGIC = b"ARROW1"


def arrow_library(what: str) -> Any:
    """Returns pyarrow, for which memory comes from the system: it keeps none for itself."""
    pyarrow = library("pyarrow", what)
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    pyarrow.set_cpu_count(1)
    return pyarrow


def row_groups(file: InputFile) -> list[Unit]:
    """Returns the row groups of a Parquet file, or the record batches of an Arrow file.

    An Arrow stream has no list of its batches, and is read as a whole.

    Raises:
        InputError: the file is damaged.
    """
    arrow = arrow_library(f"{file.name}: a {file.format} file")
    try:
        with open_raw(file.path) as raw:
            if file.format == "parquet":
                parquet = library("pyarrow.parquet", file.name)
                metadata = parquet.ParquetFile(raw).metadata
                groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
                return [Unit(max(1, group.total_byte_size), group.num_rows) for group in groups]
            if raw.read(len(_FILE_MAGIC)) != _FILE_MAGIC:
                return []
            batches = arrow.ipc.open_file(raw)
            count = batches.num_record_batches
            return [Unit(max(1, file.size // count), 0)] * count
    except CorpusError:
        raise
    except Exception as error:
        raise InputError(f"{file.name}: damaged {file.format} file: {reason_of(error)}") from None


def documents_of_rows(file: InputFile, part: Range, options: Options) -> Iterator[Documents]:
    """Yields the documents of row groups or record batches.

    Raises:
        InputError: the file is damaged, or has no such column of strings.
    """
    arrow = arrow_library(f"{file.name}: a {file.format} file")
    first = 0
    try:
        with open_raw(file.path) as raw:
            batches = (_parquet_batches if file.format == "parquet" else _arrow_batches)(
                arrow, raw, file, part, options
            )
            for batch in batches:
                if batch.nbytes >= LONG_RECORD:
                    TURN.take()
                found = _documents(arrow, batch, first, file, options)
                first += found.passed
                yield found
    except (arrow.ArrowException, arrow.ArrowInvalid) as error:
        raise InputError(f"{file.name}: damaged {file.format} file: {reason_of(error)}") from None


def _parquet_batches(
    arrow: Any, raw: IO[bytes], file: InputFile, part: Range, options: Options
) -> Iterator[Any]:
    parquet = library("pyarrow.parquet", file.name)
    if file.compression:
        raise InputError(f"{file.name}: Parquet files are compressed inside; decompress this one")
    reader = parquet.ParquetFile(raw, buffer_size=1 << 20, pre_buffer=False)
    columns = sorted({field.split(".")[0] for field in options.text_fields})
    if options.format == "olmo" and "id" in reader.schema_arrow.names:
        columns.append("id")
    _require_columns(reader.schema_arrow, columns, file)
    for group in range(part.start, part.end):
        found = reader.metadata.row_group(group)
        average = found.total_byte_size // max(1, found.num_rows)
        rows = max(1, min(1 << 16, _BATCH // max(1, average)))
        yield from reader.iter_batches(rows, row_groups=[group], columns=columns)


def _arrow_batches(
    arrow: Any, raw: IO[bytes], file: InputFile, part: Range, options: Options
) -> Iterator[Any]:
    columns = {field.split(".")[0] for field in options.text_fields}
    if part.end >= 0:
        reader = arrow.ipc.open_file(arrow.memory_map(file.path) if _is_local(file) else raw)
        _require_columns(reader.schema, columns, file)
        batches = (reader.get_batch(number) for number in range(part.start, part.end))
    else:
        stream = decompressed(raw, file.compression) if file.compression else raw
        batches = arrow.ipc.open_stream(stream)
        _require_columns(batches.schema, columns, file)
    for batch in batches:
        average = batch.nbytes // max(1, batch.num_rows)
        rows = max(1, _BATCH // max(1, average))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _is_local(file: InputFile) -> bool:
    return "://" not in file.path


def _require_columns(schema: Any, columns: Any, file: InputFile) -> None:
    missing = [name for name in columns if name not in schema.names]
    if missing:
        shown = ", ".join(schema.names[:20]) or "none"
        raise InputError(f"{file.name}: has no column {missing[0]!r}; it has {shown}")


def _documents(arrow: Any, batch: Any, first: int, file: InputFile, options: Options) -> Documents:
    rows = batch.num_rows
    read = batch.nbytes
    names = []
    if options.format == "olmo":
        has_names = "id" in batch.schema.names
        names = list(map(str, batch.column("id").to_pylist())) if has_names else [""] * rows
    if len(options.text_fields) == 1 and "." not in options.text_fields[0]:
        column = batch.column(options.text_fields[0])
        _require_text(arrow, column, options.text_fields[0], file)
        texts = _texts(arrow, column)
        if texts is not None:
            return Documents(texts, range(first, first + rows), rows, [], read, names)
    return _read_each(batch, first, names, options)


def _require_text(arrow: Any, column: Any, name: str, file: InputFile) -> None:
    kind = column.type.value_type if arrow.types.is_dictionary(column.type) else column.type
    is_text = str(kind) in (
        *("string", "large_string", "string_view", "binary", "large_binary", "binary_view"),
        "null",
    )
    if not is_text:
        raise InputError(f"{file.name}: column {name!r} holds {column.type}, not strings")


def _texts(arrow: Any, column: Any) -> list[str] | None:
    """Returns the strings of a column; None if some are missing or not UTF-8."""
    if column.null_count or "string" not in str(column.type):
        return None
    try:
        found: list[str] = column.to_numpy(zero_copy_only=False).tolist()
    except (UnicodeDecodeError, arrow.ArrowException):
        return None
    return found


def _read_each(batch: Any, first: int, names: list[str], options: Options) -> Documents:
    texts, numbers, kept = [], [], []
    aside = []
    for row in range(batch.num_rows):
        try:
            texts.append(_text_of_row(batch, row, options))
            numbers.append(first + row)
            kept += names[row : row + 1]
        except BrokenRecordError as error:
            aside.append(Aside(first + row, str(error), b""))
    return Documents(texts, numbers, batch.num_rows, aside, batch.nbytes, kept)


def _text_of_row(batch: Any, row: int, options: Options) -> str:
    """Returns the text of a row.

    Raises:
        BrokenRecordError: it has none, or one that is not UTF-8.
    """
    record = {}
    for name in {field.split(".")[0] for field in options.text_fields}:
        try:
            value = batch.column(name)[row].as_py()
            if isinstance(value, bytes):
                value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            if options.errors != "replace":
                raise BrokenRecordError(f"is not UTF-8 at byte {error.start}") from None
            value = error.object.decode("utf-8", "replace")
        record[name] = value
    return options.join.join(text_at(record, field.split(".")) for field in options.text_fields)
