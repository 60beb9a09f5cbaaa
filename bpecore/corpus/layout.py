"""Where inputs can be cut."""

from __future__ import annotations

from collections.abc import Sequence

from bpecore.corpus.errors import InputError
from bpecore.corpus.files import open_raw, reason_of
from bpecore.corpus.inputs import InputFile
from bpecore.corpus.options import Options
from bpecore.corpus.ranges import Unit
from bpecore.corpus.separators import can_be_cut

_BLOCK = 1 << 22


def units_of(file: InputFile, options: Options) -> Sequence[Unit] | None:
    """Returns the units that an input is made of.

    Returns:
        Row groups or record batches; none if the input is read as a whole; None if it can be cut
        at any byte.

    Raises:
        InputError: it cannot be read.
    """
    if file.size == 0:
        return None
    if file.compression:
        return ()
    if file.format in ("parquet", "arrow"):
        from bpecore.corpus.readers.columnar import row_groups

        return row_groups(file)
    if file.format == "jsonl" or options.document == "line":
        return None
    if options.document == "separator" and can_be_cut(options.separator.encode()):
        return None
    return ()


def first_lines(file: InputFile, edges: Sequence[int]) -> list[int]:
    """Returns the number of the first line that begins at each edge or after it, but the last.

    Args:
        file: an input in lines.
        edges: bytes, in order, from 0 on.

    Raises:
        InputError: it cannot be read.
    """
    found = []
    lines = place = 0
    try:
        with open_raw(file.path) as stream:
            for edge in edges[:-1]:
                # A line that begins at the edge itself has its line end right before it.
                while place < edge - 1:
                    block = stream.read(min(_BLOCK, edge - 1 - place))
                    if not block:
                        raise InputError(f"{file.name}: is shorter than it was")
                    lines += block.count(b"\n")
                    place += len(block)
                found.append(lines + 1 if edge else 0)
    except OSError as error:
        raise InputError(f"{file.name}: {reason_of(error)}") from None
    return found
