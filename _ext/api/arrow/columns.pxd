# Rows of text in Arrow's buffers, read where they are. Buffers say nothing of their sizes, so only
# what offsets, lengths and indices show to be wrong is noticed; no row is read past those.

from libc.stdint cimport (
    int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t)
from libc.string cimport memcpy

from engine.text.utf8 cimport UNCHECKED_UTF8, TextView

cdef enum Layout:
    NO_TEXT         # all rows are null
    NARROW_TEXT     # offsets of 32 bits
    LARGE_TEXT      # offsets of 64 bits
    VIEWED_TEXT     # views of 16 bytes
    EQUAL_TEXT      # every row has the same size

cdef enum:
    INLINE_BYTES = 12    # of the longest text inside its view

cdef enum Row:
    ROW_TEXT
    ROW_NULL
    ROW_BAD_OFFSETS      # out of order, or after the last
    ROW_BAD_VIEW         # outside its buffer
    ROW_BAD_INDEX        # of no entry of the dictionary
    ROW_NO_DATA          # the buffer of a text is missing

cdef struct TextColumn:
    Layout layout
    int64_t offset             # of row 0 in the buffers
    int64_t length             # rows
    const uint8_t *valid       # a bit per row; NULL: no row is null
    const uint8_t *places      # offsets or views; NULL if there are no rows
    const uint8_t *data        # of all but VIEWED_TEXT
    int64_t size               # of an EQUAL_TEXT
    int64_t last_offset        # of NARROW_TEXT and LARGE_TEXT
    const void *const *buffers      # of VIEWED_TEXT: [buffer_count]
    const uint8_t *buffer_sizes     # int64[buffer_count]
    int64_t buffer_count

cdef struct IndexColumn:
    char format                # "c", "C", "s", …: that of the Arrow type
    int64_t offset
    const uint8_t *valid
    const uint8_t *indices


cdef inline bint is_valid(const uint8_t *bits, int64_t position) noexcept nogil:
    return bits == NULL or bits[position >> 3] >> (position & 7) & 1


cdef inline int32_t load_32(const uint8_t *place) noexcept nogil:
    cdef int32_t number
    memcpy(&number, place, sizeof(number))
    return number


cdef inline int64_t load_64(const uint8_t *place) noexcept nogil:
    cdef int64_t number
    memcpy(&number, place, sizeof(number))
    return number


cdef inline Row read_view(
    const TextColumn *column, const uint8_t *place, TextView *view
) noexcept nogil:
    cdef int32_t length = load_32(place), buffer, start
    if length < 0:
        return ROW_BAD_VIEW
    view.length = <size_t>length
    view.data = place + 4
    if length <= INLINE_BYTES:
        return ROW_TEXT
    buffer = load_32(place + 8)
    start = load_32(place + 12)
    if (not 0 <= buffer < column.buffer_count or start < 0
            or <int64_t>start + length > load_64(column.buffer_sizes + 8 * <size_t>buffer)):
        return ROW_BAD_VIEW
    if column.buffers[buffer] == NULL:
        return ROW_NO_DATA
    view.data = <const uint8_t *>column.buffers[buffer] + start
    return ROW_TEXT


cdef inline Row read_text(const TextColumn *column, int64_t row, TextView *view) noexcept nogil:
    """Finds the text of a row, which is below `length`."""
    cdef int64_t position = column.offset + row, start, end
    if column.layout == NO_TEXT or not is_valid(column.valid, position):
        return ROW_NULL
    view.width = UNCHECKED_UTF8
    if column.layout == VIEWED_TEXT:
        return read_view(column, column.places + 16 * position, view)
    if column.layout == EQUAL_TEXT:
        start = position * column.size
        end = start + column.size
    else:
        if column.layout == NARROW_TEXT:
            start = load_32(column.places + 4 * position)
            end = load_32(column.places + 4 * position + 4)
        else:
            start = load_64(column.places + 8 * position)
            end = load_64(column.places + 8 * position + 8)
        if not 0 <= start <= end <= column.last_offset:
            return ROW_BAD_OFFSETS
    if end > start and column.data == NULL:
        return ROW_NO_DATA
    view.data = column.data + start
    view.length = <size_t>(end - start)
    return ROW_TEXT


cdef inline int64_t read_index(const IndexColumn *column, int64_t row) noexcept nogil:
    """Returns the index that a row has, or -1 if it is negative or above an int64."""
    cdef int64_t position = column.offset + row, index
    cdef const uint8_t *place = column.indices
    if column.format == c"c":
        index = (<const int8_t *>place)[position]
    elif column.format == c"C":
        index = place[position]
    elif column.format == c"s" or column.format == c"S":
        index = place[2 * position] | <int64_t>place[2 * position + 1] << 8
        if column.format == c"s":
            index = <int16_t>index
    elif column.format == c"i":
        index = load_32(place + 4 * position)
    elif column.format == c"I":
        index = <uint32_t>load_32(place + 4 * position)
    else:
        index = load_64(place + 8 * position)
    return max(index, <int64_t>-1)
