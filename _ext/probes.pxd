# Keys of a batch of pieces, and the lines of the cache where they may be.
#
# All are made, and their lines asked for, before the first is looked at (pieces.pxd), so that one
# piece's cache miss hides behind the others' work.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport uint8_t, uint32_t

from cache cimport NO_LINE, LargeProbe, PieceCache, narrow_line, probe_medium, probe_wide
from cache_entries cimport NarrowEntry
from types cimport MEDIUM_PIECE, SHORT_PIECE, WIDE_PIECE, likely, prefetch
from vocab cimport Key, load_key, short_key
from workspace cimport TextAhead

cdef enum:
    LEARNING_PIECES = 512   # pieces of a batch for a new cache: the more are unknown, the less each
    #                         waits; BATCH_PIECES of the others, whose probes stay nearer

cdef struct Probe:
    Key key               # of the piece; 0 if it has more than 15 bytes, see LargeProbe
    NarrowEntry *line     # where it may be; NO_LINE if it has more than 15 bytes


cdef inline LargeProbe *probe_large(
    const PieceCache *cache, const uint8_t *piece, uint32_t length, const uint8_t *readable_end,
    LargeProbe *probe
) noexcept nogil:
    """Makes the key of a piece of 16 bytes or more and asks for its line.

    Returns:
        Where the next such probe goes: to the same place, if the piece is too long for the tables.
    """
    if length <= MEDIUM_PIECE:
        probe_medium(cache, piece, length, readable_end, probe)
        return probe + 1
    if length > WIDE_PIECE:
        return probe
    probe_wide(cache, piece, length, readable_end, probe)
    return probe + 1


cdef inline const NarrowEntry *likely_entry(const Probe *probe) noexcept nogil:
    """Returns the one entry of its own line that a piece may have.

    Whether it may be the second one is added, not branched on.
    """
    return probe.line + (probe.line.key.low != probe.key.low)


cdef inline void probe_whole_pieces(
    const PieceCache *cache, const uint8_t *text, uint32_t start, const uint32_t *ends,
    const uint8_t *readable_end, Probe *probes, const Probe *last, LargeProbe **large,
    TextAhead *ahead, bint fetching
) noexcept nogil:
    """Does it for pieces behind which 16 bytes can be read.

    Arguments as for `probe_pieces`.

    Args:
        last: where the probes end.
        fetching: known when this is compiled; whether text is fetched ahead.
    """
    # So that they stay in registers.
    cdef PieceCache fixed = cache[0]
    cdef TextAhead coming = ahead[0]
    cdef uint32_t end
    cdef Key key
    while probes < last:
        end = ends[0]
        if likely(end - start <= SHORT_PIECE):
            key = load_key(text + start, end - start)
            probes.line = narrow_line(&fixed, key)
            prefetch(probes.line)
            probes.key = key
        else:
            probes.line = <NarrowEntry *>NO_LINE
            probes.key.low = 0
            probes.key.high = 0
            large[0] = probe_large(cache, text + start, end - start, readable_end, large[0])
        if fetching:
            prefetch(coming.text)
            coming.text += coming.step
        start = end
        ends += 1
        probes += 1
    ahead[0] = coming


cdef inline void probe_pieces(
    const PieceCache *cache, const uint8_t *text, uint32_t start, const uint32_t *ends,
    size_t count, const uint8_t *readable_end, TextAhead *ahead, Probe *probes, LargeProbe *large
) noexcept nogil:
    """Makes the keys of pieces and asks for the lines where they may be.

    Arguments as for `encode_pieces`.

    Args:
        probes: receives one a piece.
        large: receives one a piece of 16 to WIDE_PIECE bytes.
    """
    cdef const Probe *last = probes + count
    cdef size_t whole = count
    # The last pieces, behind which 16 bytes cannot be read.
    while whole > 0 and readable_end - text < <ptrdiff_t>(
            sizeof(Key) + (ends[whole - 2] if whole > 1 else start)):
        whole -= 1
    if ahead.step:
        probe_whole_pieces(cache, text, start, ends, readable_end, probes, probes + whole, &large,
                           ahead, True)
    else:
        probe_whole_pieces(cache, text, start, ends, readable_end, probes, probes + whole, &large,
                           ahead, False)
    if whole:
        start = ends[whole - 1]
    ends += whole
    probes += whole
    while probes < last:
        probes.line = <NarrowEntry *>NO_LINE
        probes.key.low = 0
        probes.key.high = 0
        if ends[0] - start <= SHORT_PIECE:
            probes.key = short_key(text + start, ends[0] - start, readable_end)
            probes.line = narrow_line(cache, probes.key)
        else:
            large = probe_large(cache, text + start, ends[0] - start, readable_end, large)
        start = ends[0]
        ends += 1
        probes += 1
