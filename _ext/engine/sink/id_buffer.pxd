# Ids in memory of their own, which grows.
#
# From MAPPED_IDS to MAPPED_LIMIT ids it is a mapping, else the C library's. New pages cost 1.7 us
# for each 4 KB, a tenth of a first call on a megabyte of text, and a third of that in huge pages;
# but these need memory of a certain alignment, which the C library's blocks have not. A mapping
# that is given back is kept for the next one, where its pages are ready. Or it goes back to the
# system: the C library would keep it, once it has learned of large blocks.
#
# Bounds: SPARE_SLOTS mappings are kept, each of MAPPED_LIMIT ids at most. One takes up to twice
# what its ids need, where they fill half a huge page, and a spare one twice that. Growing a mapping
# copies, so it doubles. Loses where that would be much: more ids are left to the C library, which
# moves large blocks without copying, and knows what to keep. Asking for huge pages there loses too:
# moving a block splits them (NOTES.md).

from libc.stdint cimport uint32_t, SIZE_MAX
from libc.string cimport memcpy, memset

from engine.base.allocation_watch cimport count_held, must_fail
from engine.base.heap cimport grow, release
from engine.base.mappings cimport HUGE_PAGE, map_zeroed, unmap, unmap_tail
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK

cdef enum:
    MAPPED_IDS = 1 << 17          # the least ids of a mapping: 512 KB
    MAPPED_LIMIT = 1 << 21        # the most: 8 MB
    FEW_IDS = 3 << 15             # fewer are not left in a mapping
    SMALL_PIECES = 1 << 16        # bytes; a mapping's size is a multiple of them

cdef struct IdBuffer:
    uint32_t *data    # owned
    size_t length     # ids written; while they are counted only, more than there is room for
    size_t capacity   # ids there is room for; of a mapping all of it, and the C library's is never
    #                   as large as one

cdef extern from *:
    """
    #ifdef BPECORE_SANITIZE
    #define BPECORE_SPARE_SLOTS 0    /* they see each use alone */
    #else
    #define BPECORE_SPARE_SLOTS 4
    #endif
    /* Owned by whoever takes one out. A mapping in a slot begins with its size in bytes. */
    static void *bpecore_spare_mappings[BPECORE_SPARE_SLOTS + 1];
    #define bpecore_take_spare(slot) \\
        __atomic_exchange_n(&bpecore_spare_mappings[slot], NULL, __ATOMIC_ACQUIRE)
    #define bpecore_has_spare(slot) \\
        (__atomic_load_n(&bpecore_spare_mappings[slot], __ATOMIC_RELAXED) != NULL)
    static int bpecore_put_spare(int slot, void *mapping) {
        void *empty = NULL;
        return __atomic_compare_exchange_n(&bpecore_spare_mappings[slot], &empty, mapping, 0,
                                           __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    }
    """
    cdef enum:
        SPARE_SLOTS "BPECORE_SPARE_SLOTS"     # mappings that are kept for the next ones
    size_t *take_spare "bpecore_take_spare" (int slot) noexcept nogil
    bint has_spare "bpecore_has_spare" (int slot) noexcept nogil
    bint put_spare "bpecore_put_spare" (int slot, size_t *mapping) noexcept nogil


cdef inline bint is_mapped(const IdBuffer *buffer) noexcept nogil:
    return MAPPED_IDS <= buffer.capacity <= MAPPED_LIMIT


cdef inline bint in_huge_pages(const IdBuffer *buffer) noexcept nogil:
    """Whether a buffer's pages, but for some at its end, become memory a huge one at a time."""
    return is_mapped(buffer) and buffer.capacity * sizeof(uint32_t) >= HUGE_PAGE


cdef inline size_t mapping_size(size_t ids) noexcept nogil:
    """Returns the bytes of a mapping with room for so many ids, MAPPED_LIMIT at most.

    Its last huge page is whole if it is at least half full, and otherwise of small ones.
    """
    cdef size_t bytes = ids * sizeof(uint32_t)
    cdef size_t rest = bytes % HUGE_PAGE
    if rest >= HUGE_PAGE // 2:
        return bytes - rest + HUGE_PAGE
    return (bytes + SMALL_PIECES - 1) // SMALL_PIECES * SMALL_PIECES


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
        # One that does not fit makes way in the last slot, which is taken when all others are.
        if slot == SPARE_SLOTS - 1 or not put_spare(slot, spare):
            count_held(1)
            unmap(spare, spare[0])
    return map_zeroed(size[0])


cdef inline void release_ids(IdBuffer *buffer, bint keep) noexcept nogil:
    """Gives a buffer's memory back; it is then empty.

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
        for slot in range(SPARE_SLOTS):
            if put_spare(slot, mapping):
                count_held(-1)
                return
    unmap(mapping, size)


cdef inline int move_ids(IdBuffer *buffer, size_t capacity) noexcept nogil:
    """Moves ids to where there is room for `capacity` of them, from a mapping or into one."""
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


cdef inline void trim_mapping(IdBuffer *buffer) noexcept nogil:
    """Gives the end of a mapping back if it is more than half, or all of it if few ids are left.

    Most of what is spare is no memory yet, and what is left should serve the next one.
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
    """Gives back memory that the ids do not need, if it is much and can be done.

    Much is more than a quarter of what they need; of the C library's large blocks, more than as
    much again. For the library learns the size of such a block when it is freed, and would go on
    mapping new ones, with a page fault every 4 KB, if what is freed were smaller than what is asked
    for; and what is spare there is hardly ever memory yet.
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
