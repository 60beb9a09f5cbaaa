"""Where the pieces of a text are, by itself."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, UINT32_MAX

from engine.split.automaton cimport ScannedPieces, scan_pieces


def piece_spans(SplitPattern pattern not None, bytes text not None) -> list:
    """Returns where each piece of a text begins and ends, in bytes.

    Args:
        pattern: what splits it.
        text: valid UTF-8, below 4 GB.
    """
    cdef ScannedPieces scanned
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef size_t length = len(text), done = 0, first, last, i
    cdef list spans = []
    if length > UINT32_MAX:
        raise OverflowError(f"{length} bytes are too many to be split at once")
    while done < length:
        done = scan_pieces(&pattern.tables, start, done, length, True, &scanned)
        first = scanned.start
        for i in range(scanned.count):
            last = scanned.start + scanned.ends[i]
            spans.append((first, last))
            first = last
    return spans
