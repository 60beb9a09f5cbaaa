# Puts pieces into the tables of a piece cache.
#
# A piece goes into the first table that has room for its bytes. If that has no room for its ids, it
# gets their count, and the ids go into the next table that has room.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.types cimport WIDE_PIECE, Span, check
from engine.cache.entries cimport (
    MEDIUM_IDS, NARROW_IDS, WIDE_IDS, WITHOUT_IDS, LargeEntry, MediumEntry, NarrowEntry, WideEntry,
    place_for)
from engine.cache.long_entries cimport fits_long, keep_long, long_bucket
from engine.cache.probes cimport LargeProbe, Probe, widen_to_medium, widen_to_wide
from engine.cache.tables cimport PieceCache
from engine.vocab.tables cimport Key


cdef inline void keep_narrow(
    PieceCache *cache, const Probe *probe, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece of up to SHORT_PIECE bytes into the narrow table, if need be without its ids."""
    cdef NarrowEntry *entry = place_for(probe.bucket, &cache.replaced)
    cdef size_t i
    entry.key = probe.key
    if count > NARROW_IDS:
        entry.key.high |= WITHOUT_IDS
    for i in range(NARROW_IDS):
        entry.ids[i] = ids[i] if i < count else 0
    entry.count = <uint32_t>count


cdef inline void keep_large(
    PieceCache *cache, LargeEntry *bucket, const uint64_t *key, const uint32_t *ids, size_t count
) noexcept nogil:
    """Puts a piece into the medium or wide table."""
    cdef LargeEntry *entry = place_for(bucket, &cache.replaced)
    if LargeEntry is WideEntry:
        check(count <= WIDE_IDS)
    memcpy(entry.key, key, sizeof(entry.key))
    memcpy(entry.ids, ids, min(count * sizeof(uint32_t), sizeof(entry.ids)))
    entry.count = <uint32_t>count


cdef inline void keep_wider(
    PieceCache *cache, const Span *piece, const LargeProbe *wide, const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece in the wide or the long table, if one of them has room.

    Args:
        wide: its probe in the wide table, if it has WIDE_PIECE bytes or less.
    """
    if piece.length <= WIDE_PIECE and count <= WIDE_IDS:
        keep_large(cache, <WideEntry *>wide.bucket, wide.key, ids, count)
    elif fits_long(piece.length, count):
        keep_long(long_bucket(cache.longs, cache.long_mask, cache.seeds, piece.start, piece.length),
                  piece.start, piece.length, ids, count)


cdef inline void keep_medium(
    PieceCache *cache, const Span *piece, const LargeProbe *medium, const uint32_t *ids,
    size_t count
) noexcept nogil:
    """Keeps a piece of up to MEDIUM_PIECE bytes that the medium table does not have.

    Args:
        medium: its probe in that table.
    """
    cdef LargeProbe wide
    keep_large(cache, <MediumEntry *>medium.bucket, medium.key, ids, count)
    if count > MEDIUM_IDS:
        widen_to_wide(cache, medium, &wide)
        keep_wider(cache, piece, &wide, ids, count)


cdef inline Span span_of_key(const uint64_t *key, size_t words) noexcept nogil:
    """Returns the bytes of a piece whose key has these words."""
    cdef Span piece
    piece.start = <const uint8_t *>key
    piece.length = key[words - 1] >> 56
    piece.readable_end = <const uint8_t *>(key + words)
    return piece


cdef inline void keep_short(
    PieceCache *cache, const Probe *probe, const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps a piece of up to SHORT_PIECE bytes that the narrow table does not have."""
    cdef LargeProbe medium
    cdef Span piece
    keep_narrow(cache, probe, ids, count)
    if count > NARROW_IDS:
        widen_to_medium(cache, &probe.key, &medium)
        piece = span_of_key(<const uint64_t *>&probe.key, sizeof(Key) // sizeof(uint64_t))
        keep_medium(cache, &piece, &medium, ids, count)
