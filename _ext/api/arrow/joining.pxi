"""Several results as one."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, INT32_MAX
from libc.string cimport memcpy, memset

from api.arrow.columns cimport is_valid
from api.arrow.exports cimport Rows, Shape, release_rows
from engine.base.types cimport STATUS_OK
from engine.sink.id_buffer cimport reserve_ids


cdef int64_t offset_at(const Rows *rows, int64_t row) noexcept nogil:
    return ((<int64_t *>rows.offsets)[row] if rows.large
            else <int64_t>(<int32_t *>rows.offsets)[row])


cdef void append_rows(Rows *all_rows, const Rows *rows, int64_t place) noexcept nogil:
    """Copies rows to their place among all rows, which have room for them and their ids."""
    cdef int64_t before = <int64_t>all_rows.ids.length, i
    if all_rows.valid != NULL:
        for i in range(rows.length):
            all_rows.valid[(place + i) >> 3] |= <uint8_t>is_valid(rows.valid, i) << (place + i & 7)
    if rows.counts != NULL:
        memcpy(all_rows.counts + place, rows.counts, <size_t>rows.length * sizeof(int64_t))
        return
    for i in range(rows.length + 1):
        if all_rows.large:
            (<int64_t *>all_rows.offsets)[place + i] = before + offset_at(rows, i)
        else:
            (<int32_t *>all_rows.offsets)[place + i] = <int32_t>(before + offset_at(rows, i))
    if rows.ids.length:
        memcpy(all_rows.ids.data + before, rows.ids.data, rows.ids.length * sizeof(uint32_t))
    all_rows.ids.length += rows.ids.length


cdef ArrowResult joined(list parts, ArrowEncoder encoder):
    """Returns the rows of several results, perhaps of none, one result after another."""
    cdef Stretch stretch
    cdef Shape shape = encoder.shape
    cdef ArrowResult part, result
    cdef size_t ids = 0
    cdef int64_t place = 0
    stretch.first = stretch.last = stretch.null_count = 0
    for part in parts:
        stretch.last += part.rows.length
        stretch.null_count += part.rows.null_count
        ids += part.rows.ids.length
    shape.large |= ids > <size_t>INT32_MAX
    result = ArrowResult.__new__(ArrowResult)
    result.rows = new_rows(&stretch, &shape)
    if result.rows == NULL or reserve_ids(&result.rows.ids, ids + 1) != STATUS_OK:
        raise MemoryError("no memory for the rows")
    result.name = encoder.name
    result.shape = shape
    if not shape.counts:
        memset(result.rows.offsets, 0, 8 if shape.large else 4)
    for part in parts:
        append_rows(result.rows, part.rows, place)
        place += part.rows.length
    return result
