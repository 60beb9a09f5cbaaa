"""Where the pieces of a text are, by itself."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, UINT32_MAX

from engine.base.types cimport STATUS_OK
from engine.split.automaton cimport ScannedPieces, scan_pieces
from engine.split.guided cimport BackwardStates, free_states, read_back, scan_guided


cdef add_spans(list spans, const ScannedPieces *scanned):
    cdef size_t i, last, first = scanned.start
    for i in range(scanned.count):
        last = scanned.start + scanned.ends[i]
        spans.append((first, last))
        first = last


def piece_spans(SplitPattern pattern not None, bytes text not None) -> list:
    """Returns where each piece of a text begins and ends, in bytes.

    Time: linear. Space: of a pattern that looks around, 2 bytes per byte besides the result.

    Args:
        pattern: what splits it.
        text: valid UTF-8, below 4 GB, or below 1 GB if the pattern looks around.
    """
    cdef ScannedPieces scanned
    cdef BackwardStates states
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef size_t length = len(text), done = 0, settled
    cdef list spans = []
    if length > UINT32_MAX:
        raise OverflowError(f"{length} bytes are too many to be split at once")
    if pattern.guide.actions == NULL:
        while done < length:
            done = scan_pieces(&pattern.tables, start, done, length, True, &scanned)
            add_spans(spans, &scanned)
        return spans
    states.states = NULL
    states.capacity = 0
    try:
        if read_back(&pattern.guide, start, length, 0, True, &states) != STATUS_OK:
            raise MemoryError("no memory to split a text")
        while True:
            settled = scan_guided(&pattern.guide, states.states, start, done, length, &scanned)
            if settled == done:
                return spans
            done = settled
            add_spans(spans, &scanned)
    finally:
        free_states(&states)
