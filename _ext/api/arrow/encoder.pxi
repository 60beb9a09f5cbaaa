"""`ArrowEncoder`: texts in Arrow's buffers become rows of ids, or counts.

The entries of a dictionary are encoded once each, if a row has them, and copied to the rows.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, INT32_MAX
from libc.string cimport memcpy, memset

from api.arguments cimport collect_ids
from api.arrow.columns cimport (
    ROW_BAD_INDEX, ROW_BAD_OFFSETS, ROW_BAD_VIEW, ROW_NULL, ROW_TEXT, Row)
from api.arrow.exports cimport Rows, Shape, release_rows
from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.sink.id_buffer cimport IdBuffer, grow_ids, release_ids, reserve_ids, trim_ids
from engine.text.utf8 cimport TextView

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)


cdef object bad_row(Row found, int64_t number):
    """Returns the error for a row that cannot be read."""
    if found == ROW_BAD_OFFSETS:
        return malformed(f"the offsets of row {number} are out of order or out of range")
    if found == ROW_BAD_VIEW:
        return malformed(f"the view of row {number} is outside its buffer")
    if found == ROW_BAD_INDEX:
        return malformed(f"the index of row {number} is not in the dictionary")
    return malformed(f"the buffer with the text of row {number} is missing")


cdef int scan_rows(ArrowTexts texts, size_t limit, Stretch *stretch) noexcept nogil:
    """Finds the end of a stretch, its nulls, and the entries of the dictionary that it uses.

    Returns:
        ROW_TEXT, or what is wrong with row `stretch.last`.
    """
    cdef size_t size = 0
    cdef int64_t row = stretch.first, number
    cdef TextView view
    cdef Row found
    stretch.null_count = 0
    while row < texts.length and (size < limit or row == stretch.first):
        found = texts.read(row, &view, &number)
        if found == ROW_TEXT:
            size += view.length + 1
            if stretch.used != NULL:
                stretch.used[number] = True
        elif found == ROW_NULL:
            size += 1
            stretch.null_count += 1
        else:
            stretch.last = row
            return found
        row += 1
    stretch.last = row
    return ROW_TEXT


cdef int add_rows(TextBatch batch, ArrowTexts texts, const Stretch *stretch) noexcept nogil:
    """Adds the texts of a stretch to a batch."""
    cdef TextView view
    cdef int64_t number, i
    cdef int status = STATUS_OK
    if stretch.used == NULL:
        status = batch.reserve(<size_t>(stretch.last - stretch.first))
        for i in range(stretch.first, stretch.last):
            if status == STATUS_OK and texts.read(i, &view, &number) == ROW_TEXT:
                status = batch.add_text(&view, <size_t>(i - stretch.first))
        return status
    status = batch.reserve(0)
    for i in range(<int64_t>stretch.text_count):
        if (status == STATUS_OK and stretch.used[i]
                and read_text(&texts.texts, i, &view) == ROW_TEXT):
            status = batch.add_text(&view, <size_t>i)
    return status


cdef Rows *new_rows(const Stretch *stretch, const Shape *shape) noexcept nogil:
    """Makes rows without anything in them, all valid; NULL if there is no memory."""
    cdef Rows *rows = <Rows *>allocate_zeroed(1, sizeof(Rows))
    cdef size_t length = <size_t>(stretch.last - stretch.first)
    cdef size_t width = 8 if shape.large else 4
    if rows == NULL:
        return NULL
    rows.users = 1
    rows.length = stretch.last - stretch.first
    rows.null_count = stretch.null_count
    rows.large = shape.large
    if rows.null_count:
        rows.valid = <uint8_t *>allocate_zeroed((length + 7) // 8, 1)
    if shape.counts:
        rows.counts = <int64_t *>allocate(length, sizeof(int64_t))
    else:
        rows.offsets = allocate(length + 1, width)
    if (rows.null_count and rows.valid == NULL) or (
            rows.counts == NULL if shape.counts else rows.offsets == NULL):
        release_rows(rows)
        return NULL
    return rows


cdef int64_t fill_rows(
    ArrowTexts texts, const Stretch *stretch, const int64_t *starts, Rows *rows
) noexcept nogil:
    """Fills the validity, and the counts or offsets, of rows.

    Args:
        starts: where the ids of each text begin.

    Returns:
        How many ids the rows have.
    """
    cdef int64_t total = 0, count, number, i
    cdef TextView view
    cdef Row found
    cdef bint plain = stretch.used == NULL
    for i in range(rows.length):
        found = ROW_TEXT
        if not plain or rows.valid != NULL:
            found = texts.read(stretch.first + i, &view, &number)
        if plain:
            number = i
        count = starts[number + 1] - starts[number] if found == ROW_TEXT else 0
        if rows.valid != NULL:
            rows.valid[i >> 3] |= (found == ROW_TEXT) << (i & 7)
        if rows.counts != NULL:
            rows.counts[i] = count
        elif rows.large:
            (<int64_t *>rows.offsets)[i] = total
        else:
            (<int32_t *>rows.offsets)[i] = <int32_t>total
        total += count
    if rows.counts == NULL and rows.large:
        (<int64_t *>rows.offsets)[rows.length] = total
    elif rows.counts == NULL:
        (<int32_t *>rows.offsets)[rows.length] = <int32_t>total
    return total


cdef int64_t total_of(
    ArrowTexts texts, const Stretch *stretch, const int64_t *starts
) noexcept nogil:
    """Returns how many ids the rows will have."""
    cdef int64_t total = 0, number, i
    if stretch.used == NULL:
        return starts[stretch.text_count]
    for i in range(stretch.first, stretch.last):
        if texts.text_number(i, &number) == ROW_TEXT:
            total += starts[number + 1] - starts[number]
    return total


cdef int gather_ids(
    ArrowTexts texts, const Stretch *stretch, const int64_t *starts, int64_t total, IdBuffer *ids
) noexcept nogil:
    """Replaces the ids of a dictionary's entries by those of the rows."""
    cdef IdBuffer gathered
    cdef int64_t number, i, count
    memset(&gathered, 0, sizeof(IdBuffer))
    if reserve_ids(&gathered, <size_t>total + 1) != STATUS_OK:
        return STATUS_NO_MEMORY
    for i in range(stretch.first, stretch.last):
        if texts.text_number(i, &number) == ROW_TEXT:
            count = starts[number + 1] - starts[number]
            memcpy(gathered.data + gathered.length, ids.data + starts[number],
                   <size_t>count * sizeof(uint32_t))
            gathered.length += <size_t>count
    release_ids(ids, True)
    ids[0] = gathered
    return STATUS_OK


@cython.final
cdef class ArrowEncoder:
    """Encodes or counts texts of Arrow arrays.

    Args:
        core: the engine; None: all texts are given to `one`.
        special: allowed and disallowed special tokens and the set of them all.
        num_threads: threads to use at most, 1 or more.
        append: an id that follows the ids of each text; None: nothing does.
        replaces: whether U+FFFD takes the place of what is not UTF-8.
        shape: whether tokens are counted, whether lists are large, and the name of a column or
            None.
        one: encodes or counts one text, given its number and the text; it raises what is wrong.
    """

    def __cinit__(self, core, tuple special not None, size_t num_threads, append, bint replaces,
                  tuple shape not None, one):
        cdef object allowed, disallowed, known
        self.core = core
        self.append = append
        self.num_threads = num_threads
        self.replaces = replaces
        self.one = one
        self.shape.counts, self.shape.large, name = shape
        if name is not None:
            self.name = name.encode("utf-8")
            if 0 in self.name:
                raise ValueError(f"name must not have a NUL character: {name!r:.80}")
            self.shape.name = self.name
        if self.core is not None:
            allowed, disallowed, known = special
            self.masks = masks_of(self.core.special_tokens, allowed, disallowed, known)
            if self.masks is None or self.core.split_pattern is None:
                self.core = None

    cdef int _scan(self, ArrowTexts texts, size_t limit, Stretch *stretch) except -1:
        """Finds the end of a stretch that begins at `stretch.first`; `used` has to be released."""
        cdef int found
        stretch.used = NULL
        if texts.has_dictionary:
            stretch.used = <uint8_t *>allocate_zeroed(<size_t>texts.texts.length, 1)
            if stretch.used == NULL:
                raise MemoryError("no memory for the entries of a dictionary")
        with nogil:
            found = scan_rows(texts, limit, stretch)
        if found != ROW_TEXT:
            raise bad_row(<Row>found, stretch.base + stretch.last - stretch.first)
        stretch.text_count = <size_t>(
            texts.texts.length if texts.has_dictionary else stretch.last - stretch.first)
        return 0

    cdef TextBatch _run(self, ArrowTexts texts, const Stretch *stretch):
        """Encodes the texts of a stretch; returns None if that has to be done one by one."""
        cdef TextBatch batch
        cdef int status
        if self.core is None:
            return None
        batch = TextBatch(self.core, stretch.text_count)
        batch.texts = texts
        batch.job.permissions.replaces = self.replaces
        if self.append is not None:
            batch.job.appends = True
            batch.job.appended = self.append
        with nogil:
            status = add_rows(batch, texts, stretch)
        if status != STATUS_OK:
            raise MemoryError("no memory for a batch")
        batch.run(self.masks, self.num_threads, COUNTS if self.shape.counts else ROW)
        if batch.any_failed():
            self._raise_failed(texts, stretch, batch)
            return None
        return batch

    cdef object _text(self, ArrowTexts texts, int64_t row, int64_t number):
        """Returns the text of a row and its number in the stretch, or None.

        Args:
            number: of the row, for the error if it is not UTF-8.
        """
        cdef TextView view
        cdef int64_t place
        if texts.read(row, &view, &place) != ROW_TEXT:
            return None
        try:
            return PyUnicode_DecodeUTF8(<const char *>view.data, <Py_ssize_t>view.length,
                                        b"replace" if self.replaces else b"strict"), place
        except UnicodeDecodeError as error:
            raise ValueError(
                f"at index {number}: not UTF-8, {error.reason} 0x{error.object[error.start]:02x} "
                f"at byte {error.start}; errors='replace' puts U+FFFD there") from None

    cdef int _raise_failed(self, ArrowTexts texts, const Stretch *stretch,
                           TextBatch batch) except -1:
        """Encodes the first row whose text has failed by itself, which raises the reason."""
        cdef int64_t row, number, place
        for row in range(stretch.first, stretch.last):
            place = row - stretch.first
            if stretch.used != NULL and texts.text_number(row, &place) != ROW_TEXT:
                continue
            if batch.failed[place]:
                number = stretch.base + row - stretch.first
                self.one(number, self._text(texts, row, number)[0])
                return 0
        return 0

    cdef bytearray _encode_one_by_one(self, ArrowTexts texts, const Stretch *stretch,
                                      IdBuffer *ids):
        """Encodes or counts the texts of a stretch; returns where the ids of each begin."""
        cdef bytearray result = bytearray((stretch.text_count + 1) * sizeof(int64_t))
        cdef int64_t *starts = <int64_t *><char *>result
        cdef int64_t row, number
        cdef dict found = {}
        cdef IdBuffer some
        cdef size_t i
        for row in range(stretch.first, stretch.last):
            number = stretch.base + row - stretch.first
            text = self._text(texts, row, number)
            if text is not None:
                place = text[1] if stretch.used != NULL else row - stretch.first
                if place not in found:
                    found[place] = self.one(number, text[0])
        memset(&some, 0, sizeof(IdBuffer))
        try:
            for i in range(stretch.text_count):
                one = found.pop(i, None)
                starts[i + 1] = starts[i]
                if one is None:
                    continue
                if self.shape.counts:
                    starts[i + 1] += one
                    continue
                collect_ids(one, &some)
                if grow_ids(ids, ids.length + some.length) != STATUS_OK:
                    raise MemoryError("no memory for the ids")
                memcpy(ids.data + ids.length, some.data, some.length * sizeof(uint32_t))
                ids.length += some.length
                starts[i + 1] += <int64_t>some.length
        finally:
            release_ids(&some, True)
        return result

    cdef Rows *encode(self, ArrowTexts texts, size_t limit, Stretch *stretch) except NULL:
        """Encodes the next rows of an array.

        Args:
            limit: bytes of text after which no further row is begun.
            stretch: `first` and `base` are set; the rest is received.

        Returns:
            The rows, with one user.

        Raises:
            OverflowError: the ids need a large list.
        """
        cdef IdBuffer ids
        cdef Rows *rows = NULL
        cdef TextBatch batch
        cdef bytearray starts
        cdef const int64_t *places
        cdef Shape shape = self.shape
        cdef int64_t total
        cdef int status = STATUS_OK
        memset(&ids, 0, sizeof(IdBuffer))
        try:
            self._scan(texts, limit, stretch)
            batch = self._run(texts, stretch)
            if batch is None:
                starts = self._encode_one_by_one(texts, stretch, &ids)
            else:
                starts = batch.offsets()
                if not shape.counts:
                    batch.move_ids(&ids)
            places = <const int64_t *><char *>starts
            total = total_of(texts, stretch, places)
            if total > INT32_MAX and not shape.counts and not shape.large:
                if limit != NO_LIMIT:
                    raise OverflowError(f"{total} ids of a row need large_list=True")
                shape.large = True
            with nogil:
                rows = new_rows(stretch, &shape)
                if rows != NULL:
                    fill_rows(texts, stretch, places, rows)
                    if not shape.counts and stretch.used != NULL:
                        status = gather_ids(texts, stretch, places, total, &ids)
            if rows == NULL or status != STATUS_OK or (
                    not shape.counts and grow_ids(&ids, 1) != STATUS_OK):
                release_rows(rows)
                raise MemoryError("no memory for the rows")
            rows.ids = ids
            memset(&ids, 0, sizeof(IdBuffer))
            trim_ids(&rows.ids)
            return rows
        finally:
            release(stretch.used)
            stretch.used = NULL
            release_ids(&ids, True)
