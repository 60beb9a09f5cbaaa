# A chunk of a text, ready to be split: UTF-8 bytes, and for each block of 64 characters the words
# of their kinds (split/starts.pxd) and of the cuts between them (vocab/borders.pxd).

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX

from engine.base.heap cimport grow, release
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, check

cdef enum:
    CHUNK_BLOCKS = 64
    CHUNK_CHARACTERS = 64 * CHUNK_BLOCKS   # characters that are split at a time

cdef struct Chunk:
    uint8_t *bytes                             # owned: UTF-8
    size_t byte_count
    size_t characters
    size_t capacity                            # characters that fit into `bytes`
    uint64_t masks[8 * (CHUNK_BLOCKS + 1)]     # a word for each bit of a kind, block by block
    uint64_t cuts[CHUNK_BLOCKS]                # bits of characters before which a piece may be cut
    uint32_t block_starts[CHUNK_BLOCKS + 1]    # where each block begins, in bytes
    uint8_t places[CHUNK_CHARACTERS]           # where each character begins in its block, in bytes
    uint8_t kinds[64]                          # of a block on its way into `masks`


cdef inline int grow_chunk(Chunk *chunk, size_t capacity) noexcept nogil:
    """Makes room for `capacity` characters."""
    if capacity > chunk.capacity:
        if (capacity > UINT32_MAX // 4 - LOAD_SLACK
                or grow(<void **>&chunk.bytes, 4 * capacity + LOAD_SLACK) != STATUS_OK):
            return STATUS_NO_MEMORY
        chunk.capacity = capacity
    return STATUS_OK


cdef inline void free_chunk(Chunk *chunk) noexcept nogil:
    release(chunk.bytes)
    chunk.bytes = NULL
    chunk.capacity = 0


cdef inline size_t character_of(const Chunk *chunk, uint32_t place) noexcept nogil:
    """Returns the index of the character that begins at a byte, or their number at the end."""
    cdef size_t block = 0, first
    cdef size_t blocks = (chunk.characters + 63) >> 6
    if place == chunk.byte_count:
        return chunk.characters
    while block + 1 < blocks and chunk.block_starts[block + 1] <= place:
        block += 1
    first = 64 * block
    place -= chunk.block_starts[block]
    while chunk.places[first] != place:
        first += 1
        check(first < chunk.characters)
    return first
