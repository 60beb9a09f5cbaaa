"""Hashes of a prompt's prefixes, for routers that send a prompt to where its beginning is cached.

Inference servers cache what they computed for the beginning of a prompt, in blocks of tokens. A
router that knows the hashes of each server's blocks sends a prompt to the server that has most of
it: the number of leading hashes found there, times the block, is the number of tokens that need not
be computed.

The scheme, version 1: the ids are divided into blocks, without an incomplete last one. The hash of
a block is XXH64 of its ids as little-endian 32-bit numbers, seeded with the hash of the previous
block; the seed of the first is the version. So a hash identifies all ids from the beginning to the
end of its block, is the same on every machine and in every process, and can be computed with any
library that has XXH64. Hashes with different block sizes have nothing in common. Another scheme
would get another version, so that its hashes never equal these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._core import hash_prefixes_of, prefix_hash_version

if TYPE_CHECKING:
    from bpecore.types import Ids

PREFIX_HASH_VERSION = prefix_hash_version
"""The version of the scheme, which seeds the hashes."""


def prefix_hashes(ids: Ids, block: int = 16) -> list[int]:
    """Hashes each prefix of a sequence of ids that consists of whole blocks.

    Args:
        ids: any sequence of ids; an array from `Encoding.encode_to_numpy` is fastest.
        block: ids per block: the block size of the server's cache (16 for vLLM).

    Returns:
        `len(ids) // block` hashes of 64 bits, each of all ids up to the end of its block.

    Raises:
        ValueError: `block` is not positive.
        OverflowError: an id is negative or above 2**32 - 1, or `block` is beyond 64 bits.
        TypeError: `ids` is not a sequence of integers, or `block` is not an int.

    Example:
        >>> one = prefix_hashes(range(48))
        >>> two = prefix_hashes([*range(32), *range(16)])
        >>> len(one), one[:2] == two[:2], one[2] == two[2]
        (3, True, False)
    """
    return hash_prefixes_of(ids, block)
