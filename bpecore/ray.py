"""Tokenizing in Ray Data, Spark and Dask: one object that takes batches and gives batches.

Needs pyarrow, which these bring; Ray itself is not imported.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Union

from bpecore.core import Encoding
from bpecore.registry import get_encoding

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from bpecore.types import Allowed, Disallowed, Errors, IdType

    Batch = Union[pa.Table, pa.RecordBatch, pd.DataFrame]


class Tokenize:
    """Adds a column of ids to batches of texts.

    It can be pickled, so it is sent to workers as it is; each process maps the vocabulary, of which
    a node has one copy in memory.

    Args:
        encoding: an encoding, or the name of one.
        column: the column of texts.
        output: the column of ids; one of that name is replaced.
        keep_text: whether the column of texts stays.
        id_type: the type of the ids. Spark has no unsigned ones.
        num_threads: threads to use at most. One by default, because workers are processes.
        errors: see `Encoding.encode_arrow`, as for all further arguments.
        allowed_special: see `Encoding`.
        disallowed_special: see `Encoding`.
        append: an id to put after those of each text.

    Raises:
        TypeError, ValueError: an argument is wrong.

    Example:
        >>> import pyarrow as pa
        >>> tokenize = Tokenize("o200k_base", keep_text=False)
        >>> tokenize(pa.table({"id": [1, 2], "text": ["hello world", None]})).to_pylist()
        [{'id': 1, 'input_ids': [24912, 2375]}, {'id': 2, 'input_ids': None}]
    """

    def __init__(
        self,
        encoding: Encoding | str,
        column: str = "text",
        output: str = "input_ids",
        *,
        keep_text: bool = True,
        id_type: IdType = "uint32",
        num_threads: int | None = 1,
        errors: Errors = "strict",
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
        append: int | None = None,
    ) -> None:
        if id_type not in ("uint32", "int32", "int64"):
            raise ValueError(f"id_type must be uint32, int32 or int64, not {id_type!r:.80}")
        self.encoding = get_encoding(encoding) if isinstance(encoding, str) else encoding
        self.column = column
        self.output = output
        self.keep_text = keep_text
        self.id_type = id_type
        self.options: dict[str, Any] = {
            "num_threads": num_threads,
            "errors": errors,
            "allowed_special": allowed_special,
            "disallowed_special": disallowed_special,
            "append": append,
        }
        from pyarrow import array

        self._encode(array([""]))  # refuses wrong arguments here, not in a worker

    def __call__(self, batch: Batch) -> Any:
        """Returns a batch with the column of ids, of the same kind.

        Args:
            batch: a `pyarrow.Table` or `RecordBatch`, or a `pandas.DataFrame`.

        Raises:
            KeyError: there is no such column.
            TypeError, ValueError: as for `Encoding.encode_arrow`.
        """
        import pyarrow as pa

        if isinstance(batch, pa.RecordBatch):
            table = self(pa.Table.from_batches([batch])).combine_chunks()
            arrays = [column.combine_chunks() for column in table.columns]
            return pa.RecordBatch.from_arrays(arrays, schema=table.schema)
        if not isinstance(batch, pa.Table):
            return self._add_to_frame(batch)
        ids = self._encode(batch.column(self.column))
        gone = {self.output} | (set() if self.keep_text else {self.column})
        columns = [name for name in batch.column_names if name not in gone]
        return batch.select(columns).append_column(self.output, ids)

    def batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yields each batch with the column of ids: for Spark's `DataFrame.mapInArrow`.

        Example:
            >>> import pyarrow as pa
            >>> tokenize = Tokenize("o200k_base", id_type="int32", keep_text=False)
            >>> batch = pa.record_batch({"text": ["hello"]})
            >>> [made.to_pydict() for made in tokenize.batches([batch])]
            [{'input_ids': [[24912]]}]
        """
        return map(self, batches)

    def _encode(self, texts: Any) -> pa.ChunkedArray:
        """Returns the ids of a column."""
        import pyarrow as pa

        ids = pa.chunked_array(self.encoding.encode_arrow(texts, **self.options))
        if self.id_type == "uint32":
            return ids
        return ids.cast(pa.list_(pa.type_for_alias(self.id_type)))

    def _add_to_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns a data frame with a column of ids, which are numpy arrays."""
        import pyarrow as pa

        ids = self._encode(pa.array(frame[self.column], pa.large_string(), from_pandas=True))
        kept = frame if self.keep_text else frame.drop(columns=self.column)
        return kept.assign(**{self.output: ids.to_pandas().set_axis(frame.index)})
