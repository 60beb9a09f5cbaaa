# Keys of a batch of pieces, and the lines of the cache where they may be.
#
# All are made, and their lines asked for, before the first is looked at (encode/pieces.pxd), so that one
# piece's cache miss hides behind the others' work.
#
# Rejected: no branch on whether a piece is short, a key and a line for each, and the larger ones
# listed and probed afterwards (counts and arrays 0.97).

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint32_t

from engine.cache.cache cimport (
    NO_LINE, LargeProbe, PieceCache, narrow_line, probe_medium, probe_wide)
from engine.cache.entries cimport NarrowEntry
from engine.base.types cimport MEDIUM_PIECE, SHORT_PIECE, WIDE_PIECE, likely, prefetch
from engine.vocab.tables cimport Key, load_key, short_key

cdef enum:
    LEARNING_PIECES = 256   # pieces of a batch for a new cache: the more are unknown, the less each
    #                         waits; GROUP_PIECES of the others, whose probes stay nearer

cdef struct TextAhead:
    const uint8_t *text   # borrowed: what will be read after the pieces at hand
    size_t step           # bytes of it that are fetched a piece; 0: none

cdef struct Probe:
    Key key               # of the piece; 0 if it has more than 15 bytes
    NarrowEntry *line     # where it may be; NO_LINE if it has more than 15 bytes

cdef struct LargePiece:
    uint32_t start        # bytes of the text before it
    uint32_t end          # bytes up to its end
    LargeProbe probe      # if it has WIDE_PIECE bytes or less

cdef struct Probes:
    Probe *end                               # behind the last of `pieces`
    LargePiece *large_end                    # behind the last of `large`
    Probe pieces[LEARNING_PIECES]            # one a piece, or one a piece of up to 15 bytes
    LargePiece large[LEARNING_PIECES]        # the pieces of 16 bytes or more


cdef inline const NarrowEntry *likely_entry(const Probe *probe) noexcept nogil:
    """Returns the one entry of its own line that a piece may have.

    Whether it may be the second one is added, not branched on.
    """
    return probe.line + (probe.line.key.low != probe.key.low)


cdef inline Probe *put_large(
    const PieceCache *cache, const uint8_t *text, uint32_t start, uint32_t end,
    const uint8_t *readable_end, bint apart, Probes *probes, Probe *probe
) noexcept nogil:
    """Notes a piece of 16 bytes or more, makes its key and asks for its line.

    Args:
        apart: whether it gets no place among the other probes.
        probe: its place among them.

    Returns:
        The place of the next piece.
    """
    cdef LargePiece *large = probes.large_end
    large.start = start
    large.end = end
    if end - start <= MEDIUM_PIECE:
        probe_medium(cache, text + start, end - start, readable_end, &large.probe)
    elif end - start <= WIDE_PIECE:
        probe_wide(cache, text + start, end - start, readable_end, &large.probe)
    probes.large_end = large + 1
    if apart:
        return probe
    probe.line = <NarrowEntry *>NO_LINE
    probe.key.low = 0
    probe.key.high = 0
    return probe + 1


cdef inline void probe_whole_pieces(
    const PieceCache *cache, const uint8_t *text, uint32_t start, const uint32_t *ends,
    const uint32_t *last, const uint8_t *readable_end, bint apart, TextAhead *ahead, bint fetching,
    Probes *probes
) noexcept nogil:
    """Does it for pieces behind which 16 bytes can be read.

    Arguments as for `probe_pieces`.

    Args:
        last: where the ends of pieces end.
        fetching: known when this is compiled; whether text is fetched ahead.
    """
    # So that they stay in registers.
    cdef PieceCache fixed = cache[0]
    cdef TextAhead coming = ahead[0]
    cdef Probe *probe = probes.end
    cdef uint32_t end
    cdef Key key
    while ends < last:
        end = ends[0]
        if likely(end - start <= SHORT_PIECE):
            key = load_key(text + start, end - start)
            probe.line = narrow_line(&fixed, key)
            prefetch(probe.line)
            probe.key = key
            probe += 1
        else:
            probe = put_large(cache, text, start, end, readable_end, apart, probes, probe)
        if fetching:
            prefetch(coming.text)
            coming.text += coming.step
        start = end
        ends += 1
    ahead[0] = coming
    probes.end = probe


cdef inline void probe_pieces(
    const PieceCache *cache, const uint8_t *text, uint32_t start, const uint32_t *ends,
    size_t count, const uint8_t *readable_end, bint apart, TextAhead *ahead, Probes *probes
) noexcept nogil:
    """Makes the keys of pieces and asks for the lines where they may be.

    Other arguments as for `encode_pieces`.

    Args:
        apart: known when this is compiled; whether pieces of 16 bytes or more are only in
            `probes.large`.
    """
    cdef const uint32_t *last = ends + count
    cdef size_t whole = count
    # The last pieces, behind which 16 bytes cannot be read.
    while whole > 0 and readable_end - text < <ptrdiff_t>(
            sizeof(Key) + (ends[whole - 2] if whole > 1 else start)):
        whole -= 1
    probes.end = probes.pieces
    probes.large_end = probes.large
    if ahead.step:
        probe_whole_pieces(cache, text, start, ends, ends + whole, readable_end, apart, ahead,
                           True, probes)
    else:
        probe_whole_pieces(cache, text, start, ends, ends + whole, readable_end, apart, ahead,
                           False, probes)
    if whole:
        start = ends[whole - 1]
    ends += whole
    while ends < last:
        if ends[0] - start <= SHORT_PIECE:
            probes.end.key = short_key(text + start, ends[0] - start, readable_end)
            probes.end.line = narrow_line(cache, probes.end.key)
            probes.end += 1
        else:
            probes.end = put_large(cache, text, start, ends[0], readable_end, apart, probes,
                                   probes.end)
        start = ends[0]
        ends += 1
