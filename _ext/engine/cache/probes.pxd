# Probes: the keys of pieces and the buckets where they may be.
#
# The keys of a whole group are made, and their buckets prefetched, before the first bucket is read,
# so that one piece's cache misses are hidden by the work on the others.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport MEDIUM_PIECE, SHORT_PIECE, WIDE_PIECE, Span, likely, prefetch
from engine.cache.entries cimport (
    MEDIUM_WORDS, WIDE_WORDS, MediumEntry, NarrowEntry, WideEntry, make_key, widen_key)
from engine.cache.tables cimport PieceCache, medium_bucket, narrow_bucket, wide_bucket
from engine.vocab.tables cimport Key, load_key, short_key

cdef enum:
    PROBED_TOGETHER = 128   # the most pieces of a group

cdef extern from *:
    """
    /* A narrow bucket without pieces: its keys belong to none. */
    static const uint64_t bpecore_no_bucket[8] = {~0ull, ~0ull, 0, 0, ~0ull, ~0ull, 0, 0};
    """
    const uint64_t[8] NO_BUCKET "bpecore_no_bucket"

cdef struct Pieces:
    # Pieces that follow each other in a text
    const uint8_t *text           # borrowed, as `ends`; valid UTF-8
    const uint8_t *readable_end   # one past the last byte that may be read
    const uint32_t *ends          # [count]: the byte after each piece
    size_t count
    uint32_t start                # the first piece's first byte
    size_t ahead_step             # bytes of `ahead` to prefetch per piece; 0: none
    const uint8_t *ahead          # borrowed: text that will be read after these pieces

cdef struct Probe:
    Key key                # of the piece; 0 if it has more than SHORT_PIECE bytes
    NarrowEntry *bucket    # where it may be; NO_BUCKET if it has more than SHORT_PIECE bytes

cdef struct LargeProbe:
    uint64_t key[WIDE_WORDS]   # a medium key (MEDIUM_WORDS of it) or a wide one; of a piece of up
    #                            to WIDE_PIECE bytes
    void *bucket               # where it may be: a MediumEntry or a WideEntry

cdef struct LargePiece:
    uint32_t start         # its first byte in the text
    uint32_t end           # the byte after it
    LargeProbe probe       # set if it has WIDE_PIECE bytes or less

cdef struct PieceGroup:
    Probe *end                             # one past the last of `pieces`
    LargePiece *large_end                  # one past the last of `large`
    Probe pieces[PROBED_TOGETHER]          # all pieces, or those of up to SHORT_PIECE bytes
    LargePiece large[PROBED_TOGETHER]      # the pieces of more than SHORT_PIECE bytes


cdef inline void prefetch_medium(const PieceCache *cache, LargeProbe *probe) noexcept nogil:
    """Prefetches the bucket of a probe's medium key."""
    cdef MediumEntry *bucket = medium_bucket(cache, probe.key)
    prefetch(bucket)
    prefetch(bucket + 1)
    probe.bucket = bucket


cdef inline void prefetch_wide(const PieceCache *cache, LargeProbe *probe) noexcept nogil:
    """Prefetches the bucket of a probe's wide key."""
    cdef WideEntry *bucket = wide_bucket(cache, probe.key)
    prefetch(&bucket.key)
    prefetch(&bucket.ids)
    probe.bucket = bucket


cdef inline void widen_to_medium(
    const PieceCache *cache, const Key *key, LargeProbe *probe
) noexcept nogil:
    """Makes the probe of a short piece that has too many ids for the narrow table."""
    widen_key(<const uint64_t *>key, sizeof(Key) // sizeof(uint64_t), probe.key, MEDIUM_WORDS)
    prefetch_medium(cache, probe)


cdef inline void widen_to_wide(
    const PieceCache *cache, const LargeProbe *medium, LargeProbe *probe
) noexcept nogil:
    """Makes the probe of a piece that has too many ids for the medium table."""
    widen_key(medium.key, MEDIUM_WORDS, probe.key, WIDE_WORDS)
    prefetch_wide(cache, probe)


cdef inline void probe_short(
    const PieceCache *cache, const Span *piece, Probe *probe
) noexcept nogil:
    """Makes the probe of a piece of up to SHORT_PIECE bytes."""
    probe.key = short_key(piece.start, piece.length, piece.readable_end)
    probe.bucket = narrow_bucket(cache, probe.key)


cdef inline void probe_large(
    const PieceCache *cache, const Span *piece, LargeProbe *probe
) noexcept nogil:
    """Makes the probe of a longer piece and prefetches its bucket; none above WIDE_PIECE bytes."""
    if piece.length <= MEDIUM_PIECE:
        make_key(probe.key, MEDIUM_WORDS, piece)
        prefetch_medium(cache, probe)
    elif piece.length <= WIDE_PIECE:
        make_key(probe.key, WIDE_WORDS, piece)
        prefetch_wide(cache, probe)


cdef inline const NarrowEntry *likely_entry(const Probe *probe) noexcept nogil:
    """Returns the one entry of its own bucket that may hold a piece, chosen without a branch."""
    return probe.bucket + (probe.bucket.key.low != probe.key.low)


cdef inline Span span_of(const Pieces *pieces, uint32_t start, uint32_t end) noexcept nogil:
    """Returns the bytes from `start` to `end` of the pieces' text."""
    cdef Span span
    span.start = pieces.text + start
    span.length = end - start
    span.readable_end = pieces.readable_end
    return span


cdef inline Probe *add_large(
    const PieceCache *cache, const Pieces *pieces, uint32_t start, uint32_t end, bint apart,
    PieceGroup *group, Probe *probe
) noexcept nogil:
    """Adds a piece of more than SHORT_PIECE bytes to a group.

    Args:
        apart: whether it gets no place among the short pieces' probes.
        probe: its place among them.

    Returns:
        The next piece's place.
    """
    cdef LargePiece *large = group.large_end
    cdef Span span
    large.start = start
    large.end = end
    if end - start <= WIDE_PIECE:
        span = span_of(pieces, start, end)
        probe_large(cache, &span, &large.probe)
    group.large_end = large + 1
    if apart:
        return probe
    probe.bucket = <NarrowEntry *>NO_BUCKET
    probe.key.low = 0
    probe.key.high = 0
    return probe + 1


cdef inline void probe_whole_keys(
    const PieceCache *cache, Pieces *pieces, size_t count, bint apart, bint fetching,
    PieceGroup *group
) noexcept nogil:
    """Probes the first `count` pieces, after whose starts 16 bytes are readable.

    Args:
        fetching: known at compile time; whether text is prefetched as well.

    Other arguments as for `probe_group`.
    """
    # Copies, so that they stay in registers.
    cdef PieceCache fixed = cache[0]
    cdef Pieces given = pieces[0]
    cdef const uint8_t *ahead = pieces.ahead
    cdef const uint32_t *ends = pieces.ends
    cdef const uint32_t *last = ends + count
    cdef uint32_t start = pieces.start, end
    cdef Probe *probe = group.end
    cdef Key key
    while ends < last:
        end = ends[0]
        if likely(end - start <= SHORT_PIECE):
            key = load_key(given.text + start, end - start)
            probe.bucket = narrow_bucket(&fixed, key)
            prefetch(probe.bucket)
            probe.key = key
            probe += 1
        else:
            probe = add_large(cache, &given, start, end, apart, group, probe)
        if fetching:
            prefetch(ahead)
            ahead += given.ahead_step
        start = end
        ends += 1
    pieces.ahead = ahead
    group.end = probe


cdef inline void probe_group(
    const PieceCache *cache, Pieces *pieces, bint apart, PieceGroup *group
) noexcept nogil:
    """Makes the probes of up to PROBED_TOGETHER pieces and prefetches their buckets.

    Args:
        pieces: their `ahead` moves on.
        apart: known at compile time; whether pieces of more than SHORT_PIECE bytes are only in
            `group.large`, not in `group.pieces`.
    """
    cdef Pieces given = pieces[0]
    cdef const uint32_t *ends = given.ends
    cdef size_t whole = given.count, i
    cdef uint32_t start = given.start
    cdef Probe *probe
    cdef Span span
    # The last pieces, after whose starts fewer than 16 bytes are readable.
    while whole > 0 and given.readable_end - given.text < <ptrdiff_t>(
            sizeof(Key) + (ends[whole - 2] if whole > 1 else start)):
        whole -= 1
    group.end = group.pieces
    group.large_end = group.large
    if given.ahead_step:
        probe_whole_keys(cache, pieces, whole, apart, True, group)
    else:
        probe_whole_keys(cache, pieces, whole, apart, False, group)
    if whole:
        start = ends[whole - 1]
    probe = group.end
    for i in range(whole, given.count):
        if ends[i] - start <= SHORT_PIECE:
            span = span_of(&given, start, ends[i])
            probe_short(cache, &span, probe)
            probe += 1
        else:
            probe = add_large(cache, &given, start, ends[i], apart, group, probe)
        start = ends[i]
    group.end = probe
