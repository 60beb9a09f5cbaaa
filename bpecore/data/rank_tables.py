"""The rank tables of OpenAI's encodings, bundled as `.ranks` files (see `packed_ranks`).

Three files (1.24 MB together) give all four of OpenAI's tables: r50k_base is the first 50,256
entries of p50k_base.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from bpecore.data.packed_ranks import BYTE_COUNT, damaged, unpack
from bpecore.data.tiktoken_format import written

NO_PARENT = 0xFFFFFFFF
"""What `RankedTokens.parents` holds, twice, for a single byte."""

RANK_TABLE_NAMES = ("r50k_base", "p50k_base", "cl100k_base", "o200k_base")
"""The bundled rank tables. Each of the seven encodings uses one of them."""

BUNDLED_FILES = {
    f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken": name
    for name in RANK_TABLE_NAMES
}
"""The rank table of each of OpenAI's `.tiktoken` URLs."""

# r50k_base is stored as the beginning of p50k_base; this is checked when the files are made.
_STORED_TABLE = {"r50k_base": "p50k_base"}
_TOKEN_LIMIT = {"r50k_base": 50_256}


class RankedTokens(NamedTuple):
    """The tokens of a vocabulary in rank order.

    Attributes:
        tokens: every token's bytes, lowest rank first. The first 256 are the single bytes.
        ranks: every token's rank, ascending, in the same order; a `range` if none is skipped.
        parents: two entries per token (`array("I")`): the positions in `tokens` of its left and
            right part, both lower than its own; `NO_PARENT` twice for a single byte.
    """

    tokens: list[bytes]
    ranks: Sequence[int]
    parents: array[int]


def _rank_table_path(name: str) -> str:
    # Not importlib.resources: importing it costs more than the read, and a package with an
    # extension module is never imported from an archive.
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.ranks")


def _expand_tokens(single_bytes: bytes, parents: array[int]) -> list[bytes]:
    tokens = [single_bytes[i : i + 1] for i in range(BYTE_COUNT)]
    append = tokens.append
    entries = iter(parents)
    for left, right in zip(entries, entries):
        append(tokens[left] + tokens[right])
    return tokens


def _assign_ranks(count: int, skipped_ranks: Sequence[int]) -> Sequence[int]:
    """Returns the `count` lowest ranks that are not skipped."""
    if not skipped_ranks or skipped_ranks[0] >= count:
        return range(count)
    skipped = frozenset(skipped_ranks)
    return [rank for rank in range(count + len(skipped)) if rank not in skipped][:count]


def _load(name: str) -> tuple[list[bytes], Sequence[int], array[int]]:
    """Returns tokens, ranks, and the parts of all tokens but the single bytes."""
    if name not in RANK_TABLE_NAMES:
        known = ", ".join(RANK_TABLE_NAMES)
        raise ValueError(f"unknown rank table {name!r}; bundled are {known}")
    path = _rank_table_path(_STORED_TABLE.get(name, name))
    with open(path, "rb") as file:
        data = file.read()
    try:
        packed = unpack(data, path)
        count = _TOKEN_LIMIT.get(name, packed.token_count)
        parents = packed.parents(count)
        tokens = _expand_tokens(packed.single_bytes, parents)
    except (zlib.error, IndexError) as error:
        raise damaged(path, str(error)) from error
    return tokens, _assign_ranks(count, packed.skipped_ranks), parents


def load_rank_table(name: str) -> RankedTokens:
    """Reads a bundled rank table. Nothing is cached: every call makes a new one.

    Args:
        name: one of `RANK_TABLE_NAMES`.

    Raises:
        ValueError: the name is unknown, or the file is damaged (the message names it).
        OSError: the file cannot be read.

    Example:
        >>> table = load_rank_table("r50k_base")
        >>> len(table.tokens), table.tokens[256], table.parents[512], table.parents[513]
        (50256, b' t', 220, 83)
        >>> table.tokens[220], table.tokens[83]
        (b' ', b't')
    """
    tokens, ranks, merged_parents = _load(name)
    parents = array("I", [NO_PARENT]) * (2 * BYTE_COUNT)
    parents.extend(merged_parents)
    return RankedTokens(tokens, ranks, parents)


def load_ranks(name: str) -> dict[bytes, int]:
    """Reads a bundled rank table into the mapping that encodings are built from.

    Args:
        name: one of `RANK_TABLE_NAMES`.

    Returns:
        Each token's bytes and its rank, lowest rank first; a new dict for every call.

    Raises:
        ValueError: as for `load_rank_table`.
        OSError: as for `load_rank_table`.

    Example:
        >>> load_ranks("cl100k_base")[b" world"]
        1917
    """
    tokens, ranks, _ = _load(name)
    return dict(zip(tokens, ranks))


def tiktoken_file(name: str) -> bytes:
    r"""Returns the bytes of the `.tiktoken` file that OpenAI publishes.

    Args:
        name: one of `RANK_TABLE_NAMES`.

    Raises:
        ValueError: as for `load_rank_table`.
        OSError: as for `load_rank_table`.

    Example:
        >>> tiktoken_file("o200k_base")[:14]
        b'IQ== 0\nIg== 1\n'
    """
    tokens, ranks, _ = _load(name)
    return written(zip(tokens, ranks))
