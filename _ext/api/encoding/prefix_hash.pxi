"""Hashes of the prefixes of a sequence of ids, as Python calls them."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from api.arguments cimport collect_ids, integer_of
from engine.sink.id_buffer cimport IdBuffer, release_ids
from engine.base.heap cimport allocate, release
from engine.hash.prefix_hash cimport PREFIX_HASH_VERSION, hash_prefixes

prefix_hash_version = PREFIX_HASH_VERSION


def hash_prefixes_of(ids, block) -> list:
    """Returns the hash of each prefix of whole blocks; see `bpecore.prefix_hash`.

    Args:
        ids: a contiguous buffer of `uint32`, or any sequence of ids.
        block: ids per block, at least 1.
    """
    cdef const uint32_t[::1] view
    cdef IdBuffer collected
    cdef Py_ssize_t size = integer_of("block", block)
    if size < 1:
        raise ValueError(f"block must be at least 1, not {size}")
    memset(&collected, 0, sizeof(collected))
    try:
        view = ids
    except (TypeError, ValueError, BufferError):
        view = None   # no such buffer
    if view is None:
        try:
            collect_ids(ids, &collected)
            return _hash_list(collected.data, collected.length, <size_t>size)
        finally:
            release_ids(&collected, True)
    return _hash_list(&view[0] if view.shape[0] else NULL, <size_t>view.shape[0], <size_t>size)


cdef list _hash_list(const uint32_t *ids, size_t count, size_t block):
    cdef size_t blocks = count // block
    cdef size_t i
    cdef uint64_t *hashes = <uint64_t *>allocate(blocks + 1, sizeof(uint64_t))
    if hashes == NULL:
        raise MemoryError("no memory for the hashes")
    try:
        with nogil:
            hash_prefixes(ids, block, blocks, hashes)
        return [hashes[i] for i in range(blocks)]
    finally:
        release(hashes)
