"""The `.ranks` file format: a vocabulary in which each token is two parts, so no text repeats.

All integers are little-endian; an *index* is a token's position in rank order.

| Bytes | Meaning |
|---|---|
| 4 | magic `BPER` |
| 2 | format version, 1 |
| 2 | number of ranks that no token has |
| 4 | number of tokens, including the 256 single bytes |
| 4 | length of the body as stored |
| … | the body, compressed by zlib |
| 4 | CRC-32 of everything before it |

The uncompressed body: the 256 single bytes in rank order (they are the first 256 tokens); the ranks
that no token has, 4 bytes each, ascending; then, for the other tokens, the left parts' indices as
three planes (all low bytes, all middle bytes, all high bytes), and the right parts' likewise. A
part's index is always lower than its token's. Planes compress better than interleaved integers:
the high bytes almost vanish.

The two parts of a token are those that remain, just before the last merge, when its bytes are
merged by the rest of the table. They are the only pair that ever produces the token, in any text.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from typing import NamedTuple

BYTE_COUNT = 256

_MAGIC = b"BPER"
_VERSION = 1
_HEADER = struct.Struct("<4sHHII")
_CHECKSUM = struct.Struct("<I")


class PackedRanks(NamedTuple):
    """The contents of a `.ranks` file, checked and uncompressed.

    Attributes:
        token_count: number of tokens.
        single_bytes: the 256 single bytes in rank order.
        skipped_ranks: ranks that no token has, ascending.
        planes: the parts of the other tokens, as the file holds them.
    """

    token_count: int
    single_bytes: bytes
    skipped_ranks: tuple[int, ...]
    planes: bytes

    def parents(self, count: int) -> array[int]:
        """Returns the indices of the left and right part of each token after the single bytes.

        Args:
            count: number of tokens to read, including the single bytes.
        """
        stored_count = self.token_count - BYTE_COUNT
        count -= BYTE_COUNT
        interleaved = bytearray(8 * count)
        for position, plane in zip((0, 1, 2, 4, 5, 6), range(6)):
            start = plane * stored_count
            interleaved[position::8] = self.planes[start : start + count]
        parents = array("I")
        parents.frombytes(interleaved)
        if sys.byteorder == "big":
            parents.byteswap()
        return parents


def pack(
    single_bytes: bytes, skipped_ranks: Sequence[int], parents: Sequence[tuple[int, int]]
) -> bytes:
    """Returns the bytes of a `.ranks` file; only the maintainers' script needs them.

    Args:
        single_bytes: the 256 single bytes in rank order.
        skipped_ranks: ranks that no token has, ascending.
        parents: the indices of the left and right part of each token after the single bytes.
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


def damaged(path: str, what: str) -> ValueError:
    """Returns the error for a damaged file, which names it."""
    return ValueError(f"rank table {path} is damaged: {what}; reinstall bpecore")


def unpack(data: bytes, path: str) -> PackedRanks:
    """Checks and uncompresses the bytes of a `.ranks` file.

    Args:
        data: the file's bytes.
        path: where they are from, for errors.

    Raises:
        ValueError: the file is damaged.
        zlib.error: likewise, although its CRC-32 is right.
    """
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise damaged(path, f"only {len(data)} bytes long")
    magic, version, skipped_count, count, body_length = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise damaged(path, f"it starts with {magic!r}, not {_MAGIC!r}")
    if version != _VERSION:
        raise damaged(path, f"format version {version}, not {_VERSION}")
    expected_length = _HEADER.size + body_length + _CHECKSUM.size
    if len(data) != expected_length:
        raise damaged(path, f"{len(data)} bytes long, not {expected_length}")
    (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
    actual_checksum = zlib.crc32(memoryview(data)[: -_CHECKSUM.size])
    if checksum != actual_checksum:
        raise damaged(path, f"its CRC-32 is {actual_checksum:#010x}, not {checksum:#010x}")

    planes_start = BYTE_COUNT + 4 * skipped_count
    body = zlib.decompress(data[_HEADER.size : -_CHECKSUM.size])
    if count < BYTE_COUNT or len(body) != planes_start + 6 * (count - BYTE_COUNT):
        raise damaged(path, f"{len(body)} bytes inside do not hold {count} tokens")
    return PackedRanks(
        token_count=count,
        single_bytes=body[:BYTE_COUNT],
        skipped_ranks=struct.unpack_from(f"<{skipped_count}I", body, BYTE_COUNT),
        planes=body[planes_start:],
    )
