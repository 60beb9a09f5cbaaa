# Splits in sequence: the ranges of a text that one split leaves are texts to the next.
#
# Each range is split by itself, so look-arounds see nothing outside. Time: linear in the text, for
# each split. Space: 16 bytes per range, and of a pattern that looks around, 2 bytes per byte of
# the longest range. Loses to one pattern, where one can say the same.
#
# Reference: `tokenizer/normalizer.rs` of tokenizers 0.23.

from libc.stdint cimport uint8_t

from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.split.automaton cimport Automaton, ScannedPieces, scan_pieces
from engine.split.guided cimport BackwardStates, Guide, read_back, scan_guided

# What becomes of a split's matches, and of the gaps between them.
cdef enum Behaviour:
    ISOLATED = 0
    REMOVED = 1                 # the matches are dropped
    KEPT = 2                    # the gaps are dropped
    CONTIGUOUS = 3              # matches that follow each other are one range
    MERGED_WITH_PREVIOUS = 4    # a match belongs to the gap before it
    MERGED_WITH_NEXT = 5        # a match belongs to the gap after it
    GAPS_WITH_PREVIOUS = 6      # the same for gaps
    GAPS_WITH_NEXT = 7

cdef struct Range:
    size_t start, stop          # bytes

cdef struct Ranges:
    ByteBuffer memory
    size_t count

cdef struct Split:
    const Automaton *automaton  # borrowed
    const Guide *guide          # borrowed; splits instead if it has tables
    Behaviour behaviour


cdef inline Range *all_ranges(const Ranges *ranges) noexcept nogil:
    return <Range *>ranges.memory.data


cdef inline int append_range(Ranges *ranges, size_t start, size_t stop) noexcept nogil:
    cdef size_t needed = (ranges.count + 1) * sizeof(Range)
    if needed > ranges.memory.capacity:
        if grow_bytes(&ranges.memory, 2 * needed) != STATUS_OK:
            return STATUS_NO_MEMORY
    all_ranges(ranges)[ranges.count].start = start
    all_ranges(ranges)[ranges.count].stop = stop
    ranges.count += 1
    return STATUS_OK


cdef inline int put_range(
    Behaviour behaviour, size_t start, size_t stop, bint is_match, size_t first, bint *was_match,
    Ranges *out
) noexcept nogil:
    """Adds a match or a gap to the ranges.

    Args:
        first: the number of the first range of the text that is split.
        was_match: whether what came before it in that text was one, as this function changed it.
    """
    cdef bint joins = False, before
    if behaviour >= GAPS_WITH_PREVIOUS:
        is_match = not is_match
        behaviour = (MERGED_WITH_PREVIOUS if behaviour == GAPS_WITH_PREVIOUS
                     else MERGED_WITH_NEXT)
    before = was_match[0]
    was_match[0] = is_match
    if behaviour == REMOVED and is_match or behaviour == KEPT and not is_match:
        return STATUS_OK
    if out.count > first:
        if behaviour == CONTIGUOUS:
            joins = is_match == before
        elif behaviour == MERGED_WITH_PREVIOUS:
            joins = is_match and not before
        elif behaviour == MERGED_WITH_NEXT:
            joins = before and not is_match
    if joins:
        all_ranges(out)[out.count - 1].stop = stop
        return STATUS_OK
    return append_range(out, start, stop)


cdef inline int put_scanned(
    const Split *split, const ScannedPieces *scanned, size_t base, size_t *reached, size_t first,
    bint *was_match, Ranges *out
) noexcept nogil:
    """Adds pieces, which follow each other, and the gap before them.

    Args:
        base: where the text begins that they are in.
        reached: where the pieces before them end.
    """
    cdef size_t i, start = base + scanned.start, stop
    cdef int status = STATUS_OK
    if scanned.count and reached[0] < start:
        status = put_range(split.behaviour, reached[0], start, False, first, was_match, out)
    for i in range(scanned.count):
        stop = base + scanned.start + scanned.ends[i]
        if status == STATUS_OK:
            status = put_range(split.behaviour, start, stop, True, first, was_match, out)
        start = reached[0] = stop
    return status


cdef inline int split_range(
    const Split *split, const uint8_t *text, const Range *whole, ScannedPieces *scanned,
    BackwardStates *states, Interrupt *interrupt, Ranges *out
) noexcept nogil:
    """Splits a range of a text."""
    cdef size_t length = whole.stop - whole.start, done = 0, settled
    cdef size_t reached = whole.start, first = out.count
    cdef const uint8_t *start = text + whole.start
    cdef bint was_match = False, guided = split.guide.actions != NULL
    cdef int status = STATUS_OK
    if guided:
        status = read_back(split.guide, start, length, 0, True, states)
    while status == STATUS_OK and done < length:
        if guided:
            settled = scan_guided(split.guide, states.states, start, done, length, scanned)
        else:
            settled = scan_pieces(split.automaton, start, done, length, True, scanned)
        if settled == done:
            break
        status = count_work(interrupt, settled - done)
        done = settled
        if status == STATUS_OK:
            status = put_scanned(split, scanned, whole.start, &reached, first, &was_match, out)
    if status == STATUS_OK and reached < whole.stop:
        status = put_range(split.behaviour, reached, whole.stop, False, first, &was_match, out)
    return status


cdef inline int split_all(
    const Split *split, const uint8_t *text, const Ranges *ranges, ScannedPieces *scanned,
    BackwardStates *states, Interrupt *interrupt, Ranges *out
) noexcept nogil:
    """Splits each range of a text; `out` is emptied first."""
    cdef const Range *whole
    cdef size_t i
    cdef int status
    out.count = 0
    for i in range(ranges.count):
        whole = all_ranges(ranges) + i
        status = count_work(interrupt, whole.stop - whole.start)
        if status == STATUS_OK:
            status = split_range(split, text, whole, scanned, states, interrupt, out)
        if status != STATUS_OK:
            return status
    return STATUS_OK
