# Ids in a growing buffer of their own.
#
# From MAPPED_IDS to MAPPED_LIMIT ids the buffer is a mapping, otherwise a block of the C library.
# New pages cost 1.7 us per 4 KB, a tenth of a first call on a megabyte of text, or a third of that
# in huge pages; but huge pages need an alignment that the C library's blocks do not have. A
# released mapping is kept for the next buffer, with its pages ready, or returned to the system: the
# C library, once used to large blocks, would keep it.
#
# Bounds: SPARE_SLOTS mappings are kept, each of at most SPARE_BYTES, one of MAPPED_LIMIT ids. A
# mapping takes up to twice what its ids need if they fill half a huge page, and a spare one twice
# that. Growing a mapping copies it, so it doubles. That would cost too much for more ids, which are
# left to the C library, because it moves large blocks without copying. Huge pages would lose there
# too, because moving a block splits them (docs/decisions/ids-and-lists.md).

from libc.stdint cimport uint32_t, SIZE_MAX
from libc.string cimport memcpy, memset

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.heap cimport grow, release
from engine.base.mappings cimport HUGE_PAGE, map_zeroed, unmap, unmap_tail
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK

cdef enum:
    MAPPED_IDS = 1 << 17          # the fewest ids of a mapping: 512 KB
    MAPPED_LIMIT = 1 << 23        # the most: 32 MB
    SPARE_BYTES = 8 << 20         # only one larger mapping is kept
    FEW_IDS = 3 << 15             # fewer are not left in a mapping
    MAPPING_UNIT = 1 << 16        # bytes; a mapping's size is a multiple of it

cdef struct IdBuffer:
    uint32_t *data    # owned
    size_t length     # ids written; may exceed the capacity while they are only counted
    size_t capacity   # ids there is room for; between MAPPED_IDS and MAPPED_LIMIT it is a mapping

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #ifdef BPECORE_SANITIZE
    #define BPECORE_SPARE_SLOTS 0    /* sanitizers check each use by itself */
    #else
    #define BPECORE_SPARE_SLOTS 4
    #endif
    /* Owned by the buffer that takes one out. A mapping in a slot begins with its size in bytes. */
    static void *bpecore_spare_mappings[BPECORE_SPARE_SLOTS + 1];
    #define bpecore_take_spare(slot) \\
        bpecore_exchange_acquire(&bpecore_spare_mappings[slot], NULL)
    #define bpecore_has_spare(slot) \\
        (bpecore_load_relaxed(&bpecore_spare_mappings[slot]) != NULL)
    #define bpecore_put_spare(slot, mapping) \\
        bpecore_fill_release(&bpecore_spare_mappings[slot], (void *)(mapping))
    """
    cdef enum:
        SPARE_SLOTS "BPECORE_SPARE_SLOTS"     # mappings that are kept for the next ones
    size_t *take_spare "bpecore_take_spare" (int slot) noexcept nogil
    bint has_spare "bpecore_has_spare" (int slot) noexcept nogil
    bint put_spare "bpecore_put_spare" (int slot, size_t *mapping) noexcept nogil


cdef inline bint is_mapped(const IdBuffer *buffer) noexcept nogil:
    return MAPPED_IDS <= buffer.capacity <= MAPPED_LIMIT


cdef inline bint in_huge_pages(const IdBuffer *buffer) noexcept nogil:
    """Returns whether a buffer is in huge pages, except perhaps its end."""
    return is_mapped(buffer) and buffer.capacity * sizeof(uint32_t) >= HUGE_PAGE


cdef inline size_t mapping_size(size_t ids) noexcept nogil:
    """Returns the bytes of a mapping with room for `ids` ids, MAPPED_LIMIT at most.

    Its end is a whole huge page if at least half of that is used, otherwise small pages.
    """
    cdef size_t bytes = ids * sizeof(uint32_t)
    cdef size_t rest = bytes % HUGE_PAGE
    if rest >= HUGE_PAGE // 2:
        return bytes - rest + HUGE_PAGE
    return (bytes + MAPPING_UNIT - 1) // MAPPING_UNIT * MAPPING_UNIT


cdef inline void *map_ids(size_t *size) noexcept nogil:
    """Returns a mapping, or NULL.

    Args:
        size: its bytes; receives more if it is a spare one.
    """
    cdef size_t *spare
    cdef int slot
    if must_fail():
        return NULL
    for slot in range(SPARE_SLOTS):
        spare = take_spare(slot) if has_spare(slot) else NULL
        if spare == NULL:
            continue
        if size[0] <= spare[0] <= 2 * size[0]:
            count_held(1)
            size[0] = spare[0]
            return spare
        # One that does not fit is freed only from the last slot, which fills after all others.
        if slot == SPARE_SLOTS - 1 or not put_spare(slot, spare):
            count_held(1)
            unmap(spare, spare[0])
    return map_zeroed(size[0])


cdef inline void release_ids(IdBuffer *buffer, bint keep) noexcept nogil:
    """Releases a buffer's memory; it is empty afterwards.

    Args:
        keep: whether a mapping may be kept for the next one.
    """
    cdef size_t *mapping = <size_t *>buffer.data
    cdef size_t size = buffer.capacity * sizeof(uint32_t)
    cdef bint mapped = is_mapped(buffer)
    cdef int slot
    memset(buffer, 0, sizeof(IdBuffer))
    if not mapped:
        release(mapping)
        return
    if keep:
        mapping[0] = size
        # A large one only in the last slot, from which what does not fit is freed.
        for slot in range(0 if size <= SPARE_BYTES else max(SPARE_SLOTS, 1) - 1, SPARE_SLOTS):
            if put_spare(slot, mapping):
                count_held(-1)
                return
    unmap(mapping, size)


cdef inline int move_ids(IdBuffer *buffer, size_t capacity) noexcept nogil:
    """Moves ids into memory with room for `capacity` of them, from a mapping or into one."""
    cdef IdBuffer moved
    cdef size_t size, kept
    memset(&moved, 0, sizeof(IdBuffer))
    if MAPPED_IDS <= capacity <= MAPPED_LIMIT:
        size = mapping_size(capacity)
        moved.data = <uint32_t *>map_ids(&size)
        capacity = size // sizeof(uint32_t)
    elif grow(<void **>&moved.data, capacity * sizeof(uint32_t)) != STATUS_OK:
        return STATUS_NO_MEMORY
    if moved.data == NULL:
        return STATUS_NO_MEMORY
    moved.capacity = capacity
    moved.length = buffer.length
    kept = buffer.capacity if buffer.capacity < capacity else capacity
    if kept > buffer.length:
        kept = buffer.length
    if kept:
        memcpy(moved.data, buffer.data, kept * sizeof(uint32_t))
    release_ids(buffer, False)
    buffer[0] = moved
    return STATUS_OK


cdef inline int reserve_ids(IdBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` ids, keeping what is there."""
    if capacity <= buffer.capacity:
        return STATUS_OK
    if capacity > SIZE_MAX // sizeof(uint32_t):
        return STATUS_NO_MEMORY
    if is_mapped(buffer) and capacity < 2 * buffer.capacity:
        capacity = 2 * buffer.capacity
    if is_mapped(buffer) or MAPPED_IDS <= capacity <= MAPPED_LIMIT:
        return move_ids(buffer, capacity)
    if grow(<void **>&buffer.data, capacity * sizeof(uint32_t)) != STATUS_OK:
        return STATUS_NO_MEMORY
    buffer.capacity = capacity
    return STATUS_OK


cdef inline int grow_ids(IdBuffer *buffer, size_t capacity) noexcept nogil:
    """Makes room for `capacity` ids, keeping what is there; if it grows, it at least doubles."""
    if buffer.capacity < capacity < 2 * buffer.capacity:
        capacity = 2 * buffer.capacity
    return reserve_ids(buffer, capacity)


cdef inline int append_id(IdBuffer *buffer, uint32_t token_id, bint counting) noexcept nogil:
    """Appends an id; while ids are only counted, just counts it."""
    if grow_ids(buffer, (0 if counting else buffer.length) + 1) != STATUS_OK:
        return STATUS_NO_MEMORY
    if not counting:
        buffer.data[buffer.length] = token_id
    buffer.length += 1
    return STATUS_OK


cdef inline void trim_mapping(IdBuffer *buffer) noexcept nogil:
    """Frees the end of a mapping if that is more than half, or all of it if it has few ids.

    Most of the spare pages have never been written, and what is left should serve the next buffer.
    """
    cdef size_t size = buffer.capacity * sizeof(uint32_t)
    cdef size_t needed
    if buffer.length < FEW_IDS:
        move_ids(buffer, buffer.length if buffer.length else 1)
        return
    needed = mapping_size(buffer.length if buffer.length > MAPPED_IDS else <size_t>MAPPED_IDS)
    if 2 * needed < size:
        buffer.capacity = unmap_tail(buffer.data, size, needed) // sizeof(uint32_t)


cdef inline void trim_ids(IdBuffer *buffer) noexcept nogil:
    """Frees memory that the ids do not need, if that is worth it and possible.

    It is worth it from a quarter of what they need, or for large blocks of the C library from as
    much again. The library learns such a block's size when it is freed; if blocks were freed
    smaller than they are allocated, it would keep mapping new ones, with a page fault per 4 KB.
    Besides, most spare pages of such a block have never been written.
    """
    cdef size_t capacity = buffer.length if buffer.length else 1
    cdef size_t spare = buffer.capacity - buffer.length
    if is_mapped(buffer):
        trim_mapping(buffer)
    elif spare <= (buffer.length if buffer.capacity > MAPPED_LIMIT else buffer.length // 4) + 16:
        return
    elif MAPPED_IDS <= capacity <= MAPPED_LIMIT:
        move_ids(buffer, capacity)
    elif grow(<void **>&buffer.data, capacity * sizeof(uint32_t)) == STATUS_OK:
        buffer.capacity = capacity
