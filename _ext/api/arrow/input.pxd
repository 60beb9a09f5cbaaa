from libc.stdint cimport int64_t, uint8_t

from api.arrow.columns cimport IndexColumn, Layout, Row, TextColumn
from api.arrow.structs cimport ArrowArray, ArrowArrayStream, ArrowSchema
from engine.text.utf8 cimport TextView

cdef struct Plan:
    # Where the texts are in arrays of one schema
    bint is_struct
    int64_t child            # of a struct: which column
    int64_t columns          # of a struct
    char index_format        # 0: there is no dictionary
    Layout layout
    int64_t size             # of EQUAL_TEXT


cdef class ArrowTexts:
    cdef ArrowArray array        # owned, unless released
    cdef TextColumn texts        # of the rows, or of the dictionary; borrow from the array
    cdef IndexColumn indices     # of the rows in the dictionary
    cdef bint has_dictionary
    cdef const uint8_t *valid    # of the struct's rows; NULL: none is null
    cdef int64_t offset          # of the struct's rows
    cdef int64_t length          # rows

    cdef int bind(self, const Plan *plan) except -1
    cdef Row text_number(self, int64_t row, int64_t *number) noexcept nogil
    cdef Row read(self, int64_t row, TextView *view, int64_t *number) noexcept nogil


cdef class ArrowSource:
    cdef ArrowArrayStream stream    # owned, unless released
    cdef Plan plan

    cdef ArrowTexts next(self)


cdef object malformed(str what)
cdef ArrowSource open_source(data, column)
cdef ArrowTexts read_array(data, column)
