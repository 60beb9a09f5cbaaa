from libc.stdint cimport int64_t

from api.arrow.exports cimport Rows, Shape
from api.arrow.structs cimport ArrowArray
from engine.base.types cimport STATUS_OK


cdef extern from *:
    """
    #define BPECORE_NO_LIMIT SIZE_MAX
    """
    const size_t NO_LIMIT "BPECORE_NO_LIMIT"     # of a stretch: all rows of the array


cdef class ArrowResult:
    cdef Rows *rows              # one of its users
    cdef Shape shape
    cdef bytes name              # what `shape` borrows


cdef ArrowResult joined(list parts, ArrowEncoder encoder)


cdef class ArrowProducer:
    cdef ArrowEncoder encoder
    cdef ArrowSource source
    cdef ArrowTexts texts        # the array that rows are taken of; None: the next one
    cdef int64_t first           # the next row of it
    cdef int64_t base            # rows that were encoded before
    cdef ArrowResult only        # what is handed out once, instead of all that
    cdef Shape shape
    cdef bytes name              # what `shape` borrows
    cdef object error            # bytes: what the last call raised

    cdef Rows *next(self, size_t limit) except? NULL
    cdef int produce(self, ArrowArray *array) except -1
