"""Parquet and Arrow files with one column `input_ids`, lists of uint32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.extra import library
from bpecore.corpus.grouping import Grouping
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

COLUMN = "input_ids"
_TOKENS_OF_GROUP = 1 << 22
"""Tokens in a row group or record batch: 16 MB."""


class ColumnarWriter(ShardWriter):
    """`NAME.parquet` or `NAME.arrow`, in groups of rows that depend on the documents alone."""

    suffix: str

    def open(self) -> None:
        self._arrow = library("pyarrow", f"--format {self.suffix}")
        self._arrow.set_memory_pool(self._arrow.system_memory_pool())
        root = f"{self.options.prefix}{self.name.split}_{self.name.number:05d}"
        self._file = self.open_file(f"{root}.{self.suffix}")
        field = self._arrow.field("item", self._arrow.uint32(), nullable=False)
        self._type = self._arrow.list_(field)
        schema = self._arrow.schema([self._arrow.field(COLUMN, self._type, nullable=False)])
        self._schema = schema.with_metadata({"encoding": self.options.encoding.name})
        self._grouping = Grouping(self.dtype, _TOKENS_OF_GROUP, 1)
        # Not the writer's own file: it would close it, and what is closed cannot be synced.
        self._sink = self._arrow.PythonFile(_KeptOpen(self._file), "w")
        self._writer = self.make_writer()

    def make_writer(self) -> Any:
        """Returns the library's writer."""
        raise NotImplementedError

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        for group in self._grouping.add(ids, lengths):
            self._write_group(*group)

    def _write_group(self, ids: Ids, lengths: Lengths) -> None:
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        buffers = [None, self._arrow.py_buffer(offsets)]
        values = self._arrow.array(ids, self._arrow.uint32())
        rows = self._arrow.Array.from_buffers(
            self._type, len(lengths), buffers, null_count=0, children=[values]
        )
        batch = self._arrow.RecordBatch.from_arrays([rows], schema=self._schema)
        self._writer.write_batch(batch)

    def close(self) -> dict[str, Any]:
        if not self._grouping.is_empty:
            self._write_group(*self._grouping.take())
        self._writer.close()
        self._sink.close()
        return {}


class _KeptOpen:
    """A file for pyarrow that stays open when pyarrow has closed it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.closed = False

    def write(self, data: Any) -> int:
        """Writes all of some bytes."""
        from bpecore.corpus.folder import write_all

        write_all(self._file, data)
        return len(data)

    def tell(self) -> int:
        """Returns how many bytes are written."""
        place: int = self._file.tell()
        return place

    def writable(self) -> bool:
        """Returns that it can be written to."""
        return True

    def readable(self) -> bool:
        """Returns that it is not read."""
        return False

    def seekable(self) -> bool:
        """Returns that it is written from start to end."""
        return False

    def flush(self) -> None:
        """Does nothing: there is no buffer."""

    def close(self) -> None:
        """Leaves the file open."""
        self.closed = True


class ParquetWriter(ColumnarWriter):
    """A Parquet file; zstd, ids without a dictionary."""

    suffix = "parquet"

    def make_writer(self) -> Any:
        parquet = library("pyarrow.parquet", "--format parquet")
        options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
        return parquet.ParquetWriter(self._sink, self._schema, **options)


class ArrowWriter(ColumnarWriter):
    """An Arrow IPC file, also known as Feather."""

    suffix = "arrow"

    def make_writer(self) -> Any:
        return self._arrow.ipc.new_file(self._sink, self._schema)
