"""Texts of Arrow arrays: the methods of `Encoding` that read what other libraries hold in memory.

Nothing here needs a library of Arrow; the extension reads and writes the structs of Arrow's C data
interface.
"""

from __future__ import annotations

from bpecore._build.threads import thread_count
from bpecore._core import ArrowEncoder, encode_arrow
from bpecore._engine_calls import NONE, EngineCalls, do_at_index, named_as_encoding

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

    from bpecore._core import ArrowResult, ArrowResultStream
    from bpecore.types import Allowed, Disallowed, Errors


class ArrowMethods(EngineCalls):
    """What `bpecore.core.Encoding` inherits by way of `BeyondTiktoken`."""

    def encode_arrow(
        self,
        data: Any,
        *,
        column: str | None = None,
        name: str | None = None,
        large_list: bool = False,
        errors: Errors = "strict",
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
        append: int | None = None,
    ) -> ArrowResult | ArrowResultStream:
        """Encodes the texts of an Arrow array, column or table, which are read where they are.

        Args:
            data: an object of any library with `__arrow_c_array__` or `__arrow_c_stream__`, such as
                a `pyarrow.Array` or `Table`, a `polars.Series` or `DataFrame`, a `pandas.Series`, a
                query of DuckDB. Its type is one of strings (of any kind), of binary data that is
                UTF-8, or a dictionary of these; or it is a table or a struct with such a column.
            column: the name of that column; None if the table has only one.
            name: makes the result a table whose only column has this name, such as DuckDB scans and
                Parquet holds; None: the result is that column.
            large_list: whether lists have offsets of 64 bits. An array with 2**31 ids or more has
                them in any case.
            errors: what becomes of text that is not UTF-8: "strict" raises, "replace" puts U+FFFD
                in its place, as `bytes.decode` does.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.
            append: an id to put after those of each text, such as `eot_token`.

        Returns:
            The ids of each row, `list<uint32>` or `large_list<uint32>`, null where the text is.
            Any Arrow library reads it without a copy, because it has `__arrow_c_schema__`,
            `__arrow_c_array__` and `__arrow_c_stream__`: `pyarrow.array(…)`, `polars.Series(…)`.
            What only has `__arrow_c_stream__` (tables, chunked arrays, polars) is encoded while the
            result is read, some 32 MB of text at a time, so that memory stays bounded.

        Raises:
            ValueError: as for `encode`, with the number of the row; a text is not UTF-8; there is
                no such column; the structs of `data` are malformed. What is wrong in a stream is
                found when it is read, so the library that reads it raises.
            TypeError: `data` is not of texts, or an argument has a wrong type.
            OverflowError: `append` is no id, or a row in a stream needs `large_list`.

        Example:
            >>> import bpecore
            >>> import pyarrow as pa
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> pa.array(encoding.encode_arrow(pa.array(["hello world", None]))).to_pylist()
            [[24912, 2375], None]
            >>> texts = pa.table({"id": [1, 2], "text": ["hello", "world"]})
            >>> ids = encoding.encode_arrow(texts, column="text", append=encoding.eot_token)
            >>> texts.append_column("ids", pa.chunked_array(ids))["ids"].to_pylist()
            [[24912, 199999], [24169, 199999]]
        """
        if append is not None:
            append = self._array_form(None, append, None).append
        special = allowed_special, disallowed_special
        return self._encode_arrow(
            data, column, (False, bool(large_list), name), errors, num_threads, special, append
        )

    def count_arrow(
        self,
        data: Any,
        *,
        column: str | None = None,
        name: str | None = None,
        errors: Errors = "strict",
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> ArrowResult | ArrowResultStream:
        """Counts the tokens of each text of an Arrow array, column or table, without making ids.

        Args:
            data: as for `encode_arrow`, as are all arguments.
            column: the name of a table's column.
            name: makes the result a table with one column.
            errors: what becomes of text that is not UTF-8.
            num_threads: threads to use at most.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The number of tokens of each row, `int64`, null where the text is; otherwise as for
            `encode_arrow`.

        Raises:
            ValueError, TypeError: as for `encode_arrow`.

        Example:
            >>> import bpecore
            >>> import pyarrow as pa
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> pa.array(encoding.count_arrow(pa.array(["hello world", None]))).to_pylist()
            [2, None]
        """
        special = allowed_special, disallowed_special
        return self._encode_arrow(
            data, column, (True, False, name), errors, num_threads, special, None
        )

    def _encode_arrow(
        self,
        data: Any,
        column: str | None,
        shape: tuple[bool, bool, str | None],
        errors: str,
        num_threads: int | None,
        special: tuple[Allowed, Disallowed],
        append: int | None,
    ) -> ArrowResult | ArrowResultStream:
        """Encodes or counts.

        Args:
            shape: whether tokens are counted, whether lists are large, the name of a column.
            special: allowed and disallowed special tokens.
        """
        if errors not in ("strict", "replace"):
            raise ValueError(f"errors must be 'strict' or 'replace', not {errors!r:.80}")
        if shape[2] is not None and not isinstance(shape[2], str):
            kind = type(shape[2]).__name__
            raise TypeError(f"name must be a str, not {kind}: {shape[2]!r:.80}")
        method = "count" if shape[0] else "encode_to_numpy"

        def one(index: int, text: str) -> Any:
            permissions = {"allowed_special": special[0], "disallowed_special": special[1]}
            found = do_at_index(index, getattr(self, method), text, **permissions)
            return found if append is None else [*found, append]

        encoder = ArrowEncoder(
            self._core_bpe if self._is_own(method) else None,
            (*special, self.special_tokens_set),
            thread_count(num_threads),
            append,
            errors == "replace",
            shape,
            one,
        )
        return encode_arrow(encoder, data, column)


named_as_encoding(ArrowMethods)
