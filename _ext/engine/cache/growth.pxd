# How large a piece cache is, and when it grows.
#
# A cache starts with 88 KB and grows to 7.5 MB with the text it sees: a process that counts a
# sentence now and then does not pay for megabytes, and a first call on a megabyte does not clear
# seven. A call that has much to do, or was given memory, may go beyond: its cache grows once, to
# all that it may have, when it is full, so texts that repeat their words never cost more. At the
# end of the call the cache is what it was before that; the smaller tables stay in memory for it.
#
# Bounds: 60 MB per thread, and what is kept. Growing takes as long as clearing the new memory.
# Figures: docs/decisions/cache-memory.md.

from libc.stdint cimport SIZE_MAX

from engine.base.types cimport STATUS_OK, likely
from engine.cache.tables cimport (
    CACHE_SIZES, SIZES, USUAL_SIZE, PieceCache, bytes_of_size, enlarge, lay_out, unmap_tables)

cdef enum:
    FULL_PART = 1    # a cache is full if it has replaced this part of its narrow entries: all

cdef struct CacheLimits:
    int kept         # the largest size that a cache may have between calls
    int large        # the largest that it may have in a call that has much to do


cdef inline int size_within(size_t memory) noexcept nogil:
    """Returns the largest size of at most `memory` bytes, or the smallest of all."""
    cdef int size = CACHE_SIZES - 1
    while size > 0 and bytes_of_size(size) > memory:
        size -= 1
    return size


cdef inline int size_for_text(const CacheLimits *limits, size_t characters) noexcept nogil:
    """Returns the largest size that a cache may have for a call.

    Args:
        characters: that one thread will encode; a cache is no larger than that in bytes, except
            the size that is kept.
    """
    if likely(characters < bytes_of_size(USUAL_SIZE + 1)):
        return limits.kept
    return max(min(size_within(characters), limits.large), limits.kept)


cdef inline void set_full(PieceCache *cache) noexcept nogil:
    """Decides how many more pieces a cache of this size replaces until it is full."""
    cache.full = SIZE_MAX
    if cache.most > cache.usual and cache.most > cache.size:
        cache.full = cache.replaced + (<size_t>2 << SIZES[cache.size].narrow_bits) // FULL_PART


cdef inline void set_limits(PieceCache *cache, int kept, int most) noexcept nogil:
    """Sets the sizes that a cache may have between calls, and in the call that begins.

    If they are those of the call before, the cache goes on becoming full.
    """
    if likely(cache.kept == kept and cache.most == most):
        return
    cache.kept = kept
    cache.most = most
    cache.usual = min(kept, most, <int>USUAL_SIZE)
    set_full(cache)


cdef inline void grow_if_full(PieceCache *cache) noexcept nogil:
    """Lets a cache grow if it has replaced many pieces and may; between two groups of pieces."""
    if likely(cache.replaced < cache.full):
        return
    if cache.size >= cache.usual:    # otherwise it will grow with the text
        enlarge(cache, cache.most, cache.size <= cache.kept < cache.most)
    set_full(cache)


cdef inline void shrink_to_kept(PieceCache *cache) noexcept nogil:
    """Gives back at the end of a call what a cache may not keep."""
    if cache.before != NULL:
        unmap_tables(cache, cache.memory, cache.size)
        lay_out(cache, cache.before, cache.size_before)
        cache.before = NULL
        set_full(cache)


cdef inline bint grow_for_text(PieceCache *cache, size_t size) noexcept nogil:
    """Lets a cache grow for texts of `size` characters that will be announced one by one; returns
    whether it did.

    If there is no memory to grow, the cache stays as it is and tries again with the next text.
    """
    cdef int wanted = cache.usual
    if cache.size >= wanted:
        return False
    while cache.seen + size < SIZES[wanted].since:
        wanted -= 1
    if wanted <= cache.size or enlarge(cache, wanted, False) != STATUS_OK:
        return False
    cache.seen = max(cache.seen, 1)    # it will no longer be empty
    set_full(cache)
    return True


cdef inline bint expect_text(PieceCache *cache, size_t size) noexcept nogil:
    """Announces text of `size` characters, for which the cache may grow; returns whether it did."""
    cdef bint grown
    if cache.size >= cache.usual:
        return False
    grown = grow_for_text(cache, size)
    cache.seen += size
    return grown
