# The piece cache: pieces seen before, and their ids. Other rooms use only this file.
#
# Pieces are looked up in groups, in two passes: `probe_group` makes the probes of all pieces and
# prefetches their buckets, then each piece is found by its probe. Most pieces need no more than
# `find_at_once`, which compares keys; the others need `find_short_ids` or `find_large_ids`, which
# search every table that may have them. If that fails too, the caller encodes the piece and passes
# its ids to `keep_ids`. Which table holds a piece is the cache's own business.
#
# While a cache is new, short pieces that it does not have are put off, and learned many at a time
# (cache/learn.pxd).
#
# Bounds: memory as cache/growth.pxd says; O(1) per piece, O(n) for one of n bytes above
# WIDE_PIECE. Loses where no piece comes twice.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.types cimport MEDIUM_PIECE, SHORT_PIECE, WIDE_PIECE, Span, likely
from engine.cache.entries cimport (
    MEDIUM_IDS, NARROW_IDS, WIDE_IDS, MediumEntry, NarrowEntry, WideEntry, bring_home, copy_ids,
    copy_large_ids, find_large, find_narrow, in_own_bucket, likely_large, same_key, same_large)
from engine.cache.growth cimport (
    CacheLimits, bytes_of_size, expect_text, grow_for_text, grow_if_full, set_limits,
    shrink_to_kept, size_for_text, size_within)
from engine.cache.keep cimport keep_medium, keep_short, keep_wider, span_of_key
from engine.cache.learn cimport (
    LEARNED_TOGETHER, UnknownPiece, UnknownPieces, find_buckets_again, ids_for, learn_pieces,
    put_off_medium, put_off_short, set_count, span_of_medium)
from engine.cache.long_entries cimport LONG_PIECE, copy_long_ids, long_bucket
from engine.cache.probes cimport (
    PROBED_TOGETHER, LargePiece, LargeProbe, PieceGroup, Pieces, Probe, likely_entry, probe_group,
    probe_large, probe_short, span_of, widen_to_medium, widen_to_wide)
from engine.cache.tables cimport CACHE_SEEDS, CacheTotals, PieceCache, close_cache, open_cache
from engine.simd.vectors cimport same_pieces
from engine.vocab.tables cimport Key, Vocabulary

cdef enum:
    SPARE_IDS = WIDE_IDS      # ids that may be written past a piece's own
    # A cache is new if it lacks more pieces than MANY_UNKNOWN, and more than one in KNOWN_PIECES.
    # It is so until it has nearly all of DECIDING_PIECES.
    KNOWN_PIECES = 128
    MANY_UNKNOWN = 2
    DECIDING_PIECES = 1024

cdef enum Table:
    NARROW
    MEDIUM
    WIDE                      # and long

cdef struct Missing:
    # A piece whose ids the cache does not have, and where they belong
    Span piece                # borrowed
    bint is_merged            # the cache knows that it has several ids, though not which ones
    Table table               # the first that has nothing about the piece
    const Probe *narrow       # borrowed, likewise the next two: its probe in that table
    const LargeProbe *medium
    const LargeProbe *wide    # not set above WIDE_PIECE bytes
    LargeProbe widened[2]     # a medium and a wide probe made on the way


cdef inline bint find_at_once(const Probe *probe, uint32_t *out, size_t *count) noexcept nogil:
    """Finds a piece that is where most are; arguments as for `find_short_ids`."""
    cdef const NarrowEntry *entry = likely_entry(probe)
    if likely(same_key(entry.key, probe.key)):
        copy_ids(out, entry)
        count[0] = entry.count
        return True
    return False


cdef inline bint count_two_at_once(const Probe *probe, size_t *count) noexcept nogil:
    """Adds the ids of two pieces to a count if both are where most are; returns whether they are.

    Args:
        probe: the first one's; the second one's follows.
    """
    cdef const NarrowEntry *entry = likely_entry(probe)
    cdef const NarrowEntry *next_entry = likely_entry(probe + 1)
    if likely(same_pieces(&entry.key, &probe.key, &next_entry.key, &probe[1].key)):
        count[0] += entry.count + next_entry.count
        return True
    return False


cdef inline bint find_large_at_once(
    const Span *piece, const LargeProbe *probe, uint32_t *out, size_t *count
) noexcept nogil:
    """As `find_at_once`, for a piece of more than SHORT_PIECE bytes."""
    cdef MediumEntry *entry
    if piece.length > MEDIUM_PIECE:
        return False
    entry = likely_large(<MediumEntry *>probe.bucket, probe.key)
    if likely(same_large(entry, probe.key) and entry.count <= MEDIUM_IDS):
        memcpy(out, entry.ids, sizeof(entry.ids))
        count[0] = entry.count
        return True
    return False


cdef inline bint find_wider(
    const PieceCache *cache, const Missing *missing, uint32_t *out, size_t *count
) noexcept nogil:
    """Finds a piece in the wide or the long table."""
    cdef const Span *piece = &missing.piece
    if piece.length <= WIDE_PIECE and copy_large_ids(
            <WideEntry *>missing.wide.bucket, missing.wide.key, out, count):
        return True
    if not SHORT_PIECE < piece.length <= LONG_PIECE:
        return False
    return copy_long_ids(
        long_bucket(cache.longs, cache.long_mask, cache.seeds, piece.start, piece.length),
        piece.start, piece.length, out, count)


cdef inline bint find_widened(
    const PieceCache *cache, Missing *missing, uint32_t *out, size_t *count
) noexcept nogil:
    """Finds a piece that has too many ids for the medium table."""
    widen_to_wide(cache, missing.medium, &missing.widened[1])
    missing.wide = &missing.widened[1]
    missing.table = WIDE
    missing.is_merged = True
    return find_wider(cache, missing, out, count)


cdef inline bint find_short_ids(
    PieceCache *cache, const Probe *probe, uint32_t *out, size_t *count, Missing *missing
) noexcept nogil:
    """Finds a piece of up to SHORT_PIECE bytes.

    Args:
        out: receives the ids; room for SPARE_IDS more.
        count: receives how many there are.
        missing: filled in if they are not found, for `keep_ids`.

    Returns:
        Whether they are found.
    """
    cdef NarrowEntry *entry = find_narrow(probe.bucket, probe.key)
    if entry != NULL and entry.count <= NARROW_IDS:
        entry = bring_home(probe.bucket, entry)
        copy_ids(out, entry)
        count[0] = entry.count
        return True
    missing.piece = span_of_key(<const uint64_t *>&probe.key, sizeof(Key) // sizeof(uint64_t))
    missing.narrow = probe
    missing.is_merged = entry != NULL
    if entry == NULL:
        cache.unknown += 1
        missing.table = NARROW
        return False
    missing.medium = &missing.widened[0]
    widen_to_medium(cache, &probe.key, &missing.widened[0])
    if not copy_large_ids(<MediumEntry *>missing.medium.bucket, missing.medium.key, out, count):
        missing.table = MEDIUM
        return False
    return count[0] <= MEDIUM_IDS or find_widened(cache, missing, out, count)


cdef inline bint find_large_ids(
    const PieceCache *cache, const Span *piece, const LargeProbe *probe, uint32_t *out,
    size_t *count, Missing *missing
) noexcept nogil:
    """Finds a piece of more than SHORT_PIECE bytes.

    Args:
        probe: made by `probe_large`.

    Other arguments, and what is returned, as for `find_short_ids`.
    """
    cdef bint is_medium = piece.length <= MEDIUM_PIECE
    cdef bint is_there = is_medium and copy_large_ids(
        <MediumEntry *>probe.bucket, probe.key, out, count)
    if is_there and count[0] <= MEDIUM_IDS:
        return True
    missing.piece = piece[0]
    missing.medium = probe
    missing.wide = probe
    if is_there:
        return find_widened(cache, missing, out, count)
    missing.is_merged = False
    missing.table = MEDIUM if is_medium else WIDE
    return not is_medium and find_wider(cache, missing, out, count)


cdef inline bint may_be_put_off(const PieceCache *cache, const Probe *probe) noexcept nogil:
    """Returns whether a piece of up to SHORT_PIECE bytes is put off without looking further."""
    return cache.is_new and not in_own_bucket(probe.bucket, probe.key)


cdef inline bint find_short_count(const Probe *probe, size_t *count) noexcept nogil:
    """Finds only the number of ids of a piece of up to SHORT_PIECE bytes; returns whether it does.
    """
    cdef NarrowEntry *entry = find_narrow(probe.bucket, probe.key)
    if entry == NULL:
        return False
    count[0] = bring_home(probe.bucket, entry).count
    return True


cdef inline bint find_large_count(
    const Span *piece, const LargeProbe *probe, size_t *count
) noexcept nogil:
    """Finds only the number of ids of a longer piece, unless it has more than MEDIUM_PIECE bytes;
    returns whether it does."""
    cdef MediumEntry *bucket = <MediumEntry *>probe.bucket
    cdef MediumEntry *entry
    if piece.length > MEDIUM_PIECE:
        return False
    entry = likely_large(bucket, probe.key)
    if not likely(same_large(entry, probe.key)):
        entry = find_large(bucket, probe.key)
        if entry == NULL:
            return False
        entry = bring_home(bucket, entry)
    count[0] = entry.count
    return True


cdef inline void keep_ids(
    PieceCache *cache, const Missing *missing, const uint32_t *ids, size_t count
) noexcept nogil:
    """Keeps the ids of a piece that was not found."""
    if missing.table == NARROW:
        keep_short(cache, missing.narrow, ids, count)
    elif missing.table == MEDIUM:
        keep_medium(cache, &missing.piece, missing.medium, ids, count)
    else:
        keep_wider(cache, &missing.piece, missing.wide, ids, count)


cdef inline void end_group(PieceCache *cache, size_t count) noexcept nogil:
    """Decides whether the cache is new, after a group of `count` pieces."""
    cache.looked_up += count
    if cache.unknown > MANY_UNKNOWN and KNOWN_PIECES * cache.unknown > cache.looked_up:
        cache.is_new = True
    elif cache.looked_up >= DECIDING_PIECES:
        cache.is_new = False
    else:
        return
    cache.looked_up = 0
    cache.unknown = 0
