"""Rank tables of OpenAI's encodings, bundled in a compact form.

A table holds each token of two or more bytes as the indices of the two tokens whose merge makes
it, so that no text is stored twice. Three tables in three files (1.24 MB together) give all
four of OpenAI's: r50k_base is the first 50,256 entries of p50k_base.

One `.ranks` file, all integers little-endian; an *index* is a token's position in rank order:

| Bytes | Meaning |
|---|---|
| 4 | magic `BPER` |
| 2 | format version, 1 |
| 2 | number of ranks that no token has |
| 4 | number of tokens, the 256 single bytes included |
| 4 | length of the body as stored |
| … | the body, compressed by zlib |
| 4 | CRC-32 of everything before it |

The body, once inflated: the 256 single bytes in rank order (they are the first 256 tokens); the
ranks that no token has, 4 bytes each, ascending; then for the other tokens the left parts'
indices as three planes (all low bytes, all middle bytes, all high bytes) and the right parts' in
the same way. A part's index is always lower than its token's. Planes compress better than
interleaved integers: the high bytes almost vanish.

The two parts of a token are the ones that merging its bytes by the rest of the table leaves just
before the last merge. They are the only pair that ever produces the token, in any text.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from array import array
from binascii import b2a_base64
from collections.abc import Sequence
from typing import NamedTuple

NO_PARENT = 0xFFFFFFFF
"""What `RankTable.parents` holds, twice, for a single byte."""

RANK_TABLE_NAMES = ("r50k_base", "p50k_base", "cl100k_base", "o200k_base")
"""The bundled rank tables. Each of the seven encodings uses one of them."""

_MAGIC = b"BPER"
_VERSION = 1
_HEADER = struct.Struct("<4sHHII")
_CHECKSUM = struct.Struct("<I")
_BYTE_COUNT = 256

# r50k_base is not stored: a shorter p50k_base. Checked when the files are made.
_STORED_TABLE = {"r50k_base": "p50k_base"}
_TOKEN_LIMIT = {"r50k_base": 50_256}


class RankTable(NamedTuple):
    """The tokens of a vocabulary in rank order.

    Attributes:
        tokens: Every token's bytes, lowest rank first. The first 256 are the single bytes.
        ranks: Every token's rank, ascending, in the same order; a `range` where none is skipped.
        parents: Two entries a token (`array("I")`): the positions in `tokens` of its left and its
            right part, both lower than its own; `NO_PARENT` twice for a single byte.
    """

    tokens: list[bytes]
    ranks: Sequence[int]
    parents: array[int]


class _CompactTable(NamedTuple):
    """A `.ranks` file, inflated but not expanded."""

    token_count: int
    single_bytes: bytes
    skipped_ranks: tuple[int, ...]
    planes: bytes


def _rank_table_path(name: str) -> str:
    # Not importlib.resources: its import costs more than the read, and a package with an
    # extension module is never imported from inside an archive.
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.ranks")


def pack_compact_table(
    single_bytes: bytes, skipped_ranks: Sequence[int], parents: Sequence[tuple[int, int]]
) -> bytes:
    """Write a `.ranks` file's contents; only the maintainer's script needs this.

    Args:
        single_bytes: The 256 single bytes in rank order.
        skipped_ranks: Ranks that no token has, ascending.
        parents: The positions of the left and right part of each token after the single bytes.

    Returns:
        The file's bytes.
    """
    planes = [
        bytes((pair[side] >> shift) & 0xFF for pair in parents)
        for side in (0, 1)
        for shift in (0, 8, 16)
    ]
    skipped = struct.pack(f"<{len(skipped_ranks)}I", *skipped_ranks)
    body = zlib.compress(b"".join([single_bytes, skipped, *planes]), 9)
    count = len(single_bytes) + len(parents)
    stored = _HEADER.pack(_MAGIC, _VERSION, len(skipped_ranks), count, len(body)) + body
    return stored + _CHECKSUM.pack(zlib.crc32(stored))


def _damaged(path: str, what: str) -> ValueError:
    return ValueError(f"rank table {path} is damaged: {what}; reinstall bpecore")


def _unpack_compact_table(data: bytes, path: str) -> _CompactTable:
    """Check a `.ranks` file's contents and inflate them; ValueError names the file."""
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise _damaged(path, f"only {len(data)} bytes long")
    magic, version, skipped_count, count, body_length = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise _damaged(path, f"it starts with {magic!r}, not {_MAGIC!r}")
    if version != _VERSION:
        raise _damaged(path, f"format version {version}, not {_VERSION}")
    expected_length = _HEADER.size + body_length + _CHECKSUM.size
    if len(data) != expected_length:
        raise _damaged(path, f"{len(data)} bytes long, not {expected_length}")
    (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
    actual_checksum = zlib.crc32(memoryview(data)[: -_CHECKSUM.size])
    if checksum != actual_checksum:
        raise _damaged(path, f"its CRC-32 is {actual_checksum:#010x}, not {checksum:#010x}")

    planes_start = _BYTE_COUNT + 4 * skipped_count
    body = zlib.decompress(data[_HEADER.size : -_CHECKSUM.size])
    if count < _BYTE_COUNT or len(body) != planes_start + 6 * (count - _BYTE_COUNT):
        raise _damaged(path, f"{len(body)} bytes inside do not hold {count} tokens")
    return _CompactTable(
        token_count=count,
        single_bytes=body[:_BYTE_COUNT],
        skipped_ranks=struct.unpack_from(f"<{skipped_count}I", body, _BYTE_COUNT),
        planes=body[planes_start:],
    )


def _read_parents(compact: _CompactTable, count: int) -> array[int]:
    """Left and right part of each of the first `count` tokens after the single bytes."""
    stored_count = compact.token_count - _BYTE_COUNT
    count -= _BYTE_COUNT
    interleaved = bytearray(8 * count)
    for position, plane in zip((0, 1, 2, 4, 5, 6), range(6)):
        start = plane * stored_count
        interleaved[position::8] = compact.planes[start : start + count]
    parents = array("I")
    parents.frombytes(interleaved)
    if sys.byteorder == "big":
        parents.byteswap()
    return parents


def _expand_tokens(single_bytes: bytes, parents: array[int]) -> list[bytes]:
    tokens = [single_bytes[i : i + 1] for i in range(_BYTE_COUNT)]
    append = tokens.append
    entries = iter(parents)
    for left, right in zip(entries, entries):
        append(tokens[left] + tokens[right])
    return tokens


def _assign_ranks(count: int, skipped_ranks: Sequence[int]) -> Sequence[int]:
    """The `count` lowest ranks that are not skipped."""
    if not skipped_ranks or skipped_ranks[0] >= count:
        return range(count)
    skipped = frozenset(skipped_ranks)
    return [rank for rank in range(count + len(skipped)) if rank not in skipped][:count]


def _load(name: str) -> tuple[list[bytes], Sequence[int], array[int]]:
    """Tokens, ranks, and the parts of all tokens but the single bytes."""
    if name not in RANK_TABLE_NAMES:
        known = ", ".join(RANK_TABLE_NAMES)
        raise ValueError(f"unknown rank table {name!r}; bundled are {known}")
    path = _rank_table_path(_STORED_TABLE.get(name, name))
    with open(path, "rb") as file:
        data = file.read()
    try:
        compact = _unpack_compact_table(data, path)
        count = _TOKEN_LIMIT.get(name, compact.token_count)
        parents = _read_parents(compact, count)
        tokens = _expand_tokens(compact.single_bytes, parents)
    except (zlib.error, IndexError) as error:
        raise _damaged(path, str(error)) from error
    return tokens, _assign_ranks(count, compact.skipped_ranks), parents


def load_rank_table(name: str) -> RankTable:
    """Expand a bundled rank table. Nothing is cached: every call makes a new one.

    Args:
        name: One of `RANK_TABLE_NAMES`.

    Returns:
        The table; see `RankTable`.

    Raises:
        ValueError: The name is unknown, or the file is damaged (the message names it).
        OSError: The file cannot be read.

    Example:
        >>> table = load_rank_table("r50k_base")
        >>> len(table.tokens), table.tokens[256], table.parents[512], table.parents[513]
        (50256, b' t', 220, 83)
        >>> table.tokens[220], table.tokens[83]
        (b' ', b't')
    """
    tokens, ranks, merged_parents = _load(name)
    parents = array("I", [NO_PARENT]) * (2 * _BYTE_COUNT)
    parents.extend(merged_parents)
    return RankTable(tokens, ranks, parents)


def load_ranks(name: str) -> dict[bytes, int]:
    """Expand a bundled rank table into the mapping that encodings are built from.

    Args:
        name: One of `RANK_TABLE_NAMES`.

    Returns:
        Each token's bytes and its rank, lowest rank first; a new dict for every call.

    Raises:
        ValueError: The name is unknown, or the file is damaged (the message names it).
        OSError: The file cannot be read.

    Example:
        >>> load_ranks("cl100k_base")[b" world"]
        1917
    """
    tokens, ranks, _ = _load(name)
    return dict(zip(tokens, ranks))


def tiktoken_file(name: str) -> bytes:
    r"""Regenerate the `.tiktoken` file that OpenAI publishes, byte for byte.

    Args:
        name: One of `RANK_TABLE_NAMES`.

    Returns:
        The file's bytes: a line a token, its bytes in base64, a space and its rank.

    Raises:
        ValueError: The name is unknown, or the file is damaged (the message names it).
        OSError: The file cannot be read.

    Example:
        >>> tiktoken_file("o200k_base")[:14]
        b'IQ== 0\nIg== 1\n'
    """
    tokens, ranks, _ = _load(name)
    return b"".join(
        [
            b"%s %d\n" % (b2a_base64(token, newline=False), rank)
            for token, rank in zip(tokens, ranks)
        ]
    )
