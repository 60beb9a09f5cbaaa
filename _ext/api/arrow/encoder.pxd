from libc.stdint cimport int64_t, uint8_t

from api.arrow.exports cimport Rows, Shape
from engine.sink.id_buffer cimport IdBuffer

cdef struct Stretch:
    # Rows of an array that are encoded together
    int64_t first
    int64_t last             # the row after them
    int64_t base             # the number of the first, over all arrays
    int64_t null_count
    size_t text_count        # rows, or entries of the dictionary
    uint8_t *used            # owned: whether rows have each entry of the dictionary


cdef Rows *new_rows(const Stretch *stretch, const Shape *shape) noexcept nogil


cdef class ArrowEncoder:
    cdef CoreBPE core        # None: `one` encodes all texts
    cdef object masks        # from `masks_of`
    cdef size_t num_threads
    cdef object append
    cdef bint replaces
    cdef object one          # encodes or counts one text, given its number and the text
    cdef Shape shape
    cdef bytes name          # what `shape` borrows

    cdef int _scan(self, ArrowTexts texts, size_t limit, Stretch *stretch) except -1
    cdef TextBatch _run(self, ArrowTexts texts, const Stretch *stretch)
    cdef object _text(self, ArrowTexts texts, int64_t row, int64_t number)
    cdef int _raise_failed(self, ArrowTexts texts, const Stretch *stretch,
                           TextBatch batch) except -1
    cdef bytearray _encode_one_by_one(self, ArrowTexts texts, const Stretch *stretch,
                                      IdBuffer *ids)
    cdef Rows *encode(self, ArrowTexts texts, size_t limit, Stretch *stretch) except NULL
