"""What others export: which of their types are texts, and checks of their structs."""

cimport cython
from libc.stdint cimport int64_t
from libc.string cimport memset, strchr, strcmp, strlen

from api.arrow.columns cimport (
    EQUAL_TEXT, LARGE_TEXT, NARROW_TEXT, NO_TEXT, ROW_BAD_INDEX, ROW_NULL, ROW_TEXT, VIEWED_TEXT,
    IndexColumn, Layout, Row, TextColumn, is_valid, load_32, load_64, read_index, read_text)
from api.arrow.structs cimport ArrowArray, ArrowArrayStream, ArrowSchema
from engine.text.utf8 cimport TextView

cdef extern from *:
    """
    #define BPECORE_ROW_LIMIT ((int64_t)1 << 56)
    """
    const int64_t ROW_LIMIT "BPECORE_ROW_LIMIT"    # more rows than any memory has room for

TYPE_NAMES = {
    "b": "bool", "c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32",
    "I": "uint32", "l": "int64", "L": "uint64", "f": "float", "g": "double", "+l": "list",
    "+L": "large_list", "+s": "struct", "+m": "map", "+r": "run_end_encoded"}


cdef object malformed(str what):
    return ValueError(f"malformed Arrow data: {what}")


cdef str words_of(const char *text):
    """Returns a name or a format of a schema."""
    return "" if text == NULL else text.decode("utf-8", "replace")


cdef int check_schema(const ArrowSchema *schema) except -1:
    cdef int64_t i
    if schema.release == NULL:
        raise malformed("a schema has been released")
    if schema.format == NULL:
        raise malformed("a schema has no format")
    if schema.n_children < 0 or (schema.n_children and schema.children == NULL):
        raise malformed("a schema has no children where they should be")
    for i in range(schema.n_children):
        if schema.children[i] == NULL:
            raise malformed("a child of a schema is missing")
    return 0


cdef int64_t find_column(const ArrowSchema *schema, column) except -1:
    """Returns which child of a struct has a name; None is the name of the only one."""
    cdef list names = []
    cdef int64_t i
    for i in range(schema.n_children):
        names.append(words_of(schema.children[i].name))
    if column is None:
        if len(names) == 1:
            return 0
        raise ValueError(f"data has {len(names)} columns: name one with column=, of {names!r:.200}")
    if not isinstance(column, str):
        raise TypeError(f"column must be a str, not {type(column).__name__}: {column!r:.80}")
    if names.count(column) != 1:
        raise ValueError(f"data has {names.count(column) or 'no'} columns named {column!r}, of "
                         f"{names!r:.200}")
    return <int64_t>names.index(column)


cdef int read_layout(const ArrowSchema *schema, Plan *plan) except -1:
    """Finds out how texts of a type lie in memory; TypeError if the type is not one of texts."""
    cdef const char *format = schema.format
    cdef str name
    if strcmp(format, b"u") == 0 or strcmp(format, b"z") == 0:
        plan.layout = NARROW_TEXT
    elif strcmp(format, b"U") == 0 or strcmp(format, b"Z") == 0:
        plan.layout = LARGE_TEXT
    elif strcmp(format, b"vu") == 0 or strcmp(format, b"vz") == 0:
        plan.layout = VIEWED_TEXT
    elif strcmp(format, b"n") == 0:
        plan.layout = NO_TEXT
    elif format[0] == c"w" and format[1] == c":":
        plan.layout = EQUAL_TEXT
        name = words_of(format + 2)
        if not name.isdecimal() or len(name) > 10:
            raise malformed(f"a fixed size of {name!r}")
        plan.size = int(name)
    else:
        name = words_of(format)
        raise TypeError("expected texts (string or binary types of Arrow, or dictionaries of "
                        f"them), got {TYPE_NAMES.get(name, 'the Arrow format ' + repr(name))}")
    return 0


cdef int read_plan(const ArrowSchema *schema, column, Plan *plan) except -1:
    """Finds the texts in arrays of a schema.

    Args:
        column: the name of a struct's column; None: its only one.
        plan: receives where they are.
    """
    memset(plan, 0, sizeof(Plan))
    check_schema(schema)
    if strcmp(schema.format, b"+s") == 0 and schema.dictionary == NULL:
        plan.is_struct = True
        plan.columns = schema.n_children
        plan.child = find_column(schema, column)
        schema = schema.children[plan.child]
        check_schema(schema)
    elif column is not None:
        raise TypeError(f"data is no table or struct, so it has no column {column!r:.80}")
    if schema.dictionary != NULL:
        if strlen(schema.format) != 1 or strchr(b"cCsSiIlL", schema.format[0]) == NULL:
            raise malformed(f"indices of the format {words_of(schema.format)!r}")
        plan.index_format = schema.format[0]
        schema = schema.dictionary
        check_schema(schema)
        if schema.dictionary != NULL:
            raise TypeError("expected texts, got a dictionary of dictionaries")
    return read_layout(schema, plan)


cdef int check_array(const ArrowArray *array, int64_t buffers) except -1:
    """Checks the numbers of an array; `buffers` is how many it has at least."""
    if array.release == NULL:
        raise malformed("an array has been released")
    if not (0 <= array.length <= ROW_LIMIT and 0 <= array.offset <= ROW_LIMIT):
        raise malformed(f"an array of length {array.length} at offset {array.offset}")
    if array.n_buffers < buffers:
        raise malformed(f"an array has {array.n_buffers} buffers instead of {buffers}")
    if array.n_buffers and array.buffers == NULL:
        raise malformed("an array has no buffers where they should be")
    return 0


cdef const uint8_t *buffer_of(const ArrowArray *array, int64_t number) noexcept:
    return <const uint8_t *>array.buffers[number]


cdef const uint8_t *validity_of(const ArrowArray *array) except? NULL:
    """Returns the bits of the rows that are not null; NULL if there are no others."""
    cdef const uint8_t *valid = buffer_of(array, 0)
    if valid == NULL and array.null_count > 0:
        raise malformed(f"{array.null_count} rows are null, and nothing says which")
    return NULL if array.null_count == 0 else valid


cdef int bind_texts(const ArrowArray *array, const Plan *plan, TextColumn *texts) except -1:
    """Finds the texts of an array in its buffers."""
    texts.layout = plan.layout
    check_array(array, 0 if plan.layout == NO_TEXT else 2 if plan.layout == EQUAL_TEXT else 3)
    texts.offset = array.offset
    texts.length = array.length
    if plan.layout == NO_TEXT:
        return 0
    texts.valid = validity_of(array)
    texts.places = texts.data = buffer_of(array, 1)
    if texts.places == NULL and array.length and (plan.layout != EQUAL_TEXT or plan.size):
        raise malformed("a buffer of texts is missing")
    if plan.layout == EQUAL_TEXT:
        texts.size = plan.size
        if array.offset + array.length > ROW_LIMIT // max(plan.size, 1):
            raise malformed(f"{array.length} rows of {plan.size} bytes")
    elif plan.layout == VIEWED_TEXT:
        texts.buffers = array.buffers + 2
        texts.buffer_count = array.n_buffers - 3
        texts.buffer_sizes = buffer_of(array, array.n_buffers - 1)
        if texts.buffer_count and texts.buffer_sizes == NULL:
            raise malformed("the sizes of the buffers are missing")
    else:
        texts.data = buffer_of(array, 2)
        if array.length and plan.layout == NARROW_TEXT:
            texts.last_offset = load_32(texts.places + 4 * (array.offset + array.length))
        elif array.length:
            texts.last_offset = load_64(texts.places + 8 * (array.offset + array.length))
    return 0


@cython.final
cdef class ArrowTexts:
    """The texts of one array, which it keeps."""

    def __dealloc__(self):
        if self.array.release != NULL:
            with nogil:
                self.array.release(&self.array)

    cdef int bind(self, const Plan *plan) except -1:
        """Finds the texts; precondition: `array` was moved here."""
        cdef const ArrowArray *array = &self.array
        self.length = array.length
        if plan.is_struct:
            check_array(array, 1)
            self.offset = array.offset
            self.valid = validity_of(array)
            if array.n_children != plan.columns or array.children == NULL:
                raise malformed(f"{array.n_children} columns instead of {plan.columns}")
            array = array.children[plan.child]
            if array == NULL:
                raise malformed("a column is missing")
        if plan.index_format:
            self.has_dictionary = True
            check_array(array, 2)
            self.indices.format = plan.index_format
            self.indices.offset = array.offset
            self.indices.valid = validity_of(array)
            self.indices.indices = buffer_of(array, 1)
            if self.indices.indices == NULL and array.length:
                raise malformed("the indices of a dictionary are missing")
            if array.dictionary == NULL:
                raise malformed("a dictionary is missing")
            bind_texts(array.dictionary, plan, &self.texts)
        else:
            bind_texts(array, plan, &self.texts)
        if plan.is_struct and self.offset + self.length > array.length:
            raise malformed(f"a column of {array.length} rows in a struct of {self.length}")
        return 0

    cdef Row text_number(self, int64_t row, int64_t *number) noexcept nogil:
        """Finds the number of a row's text: in the dictionary, or the row's own."""
        number[0] = self.offset + row
        if not is_valid(self.valid, number[0]):
            return ROW_NULL
        if self.has_dictionary:
            if not is_valid(self.indices.valid, self.indices.offset + number[0]):
                return ROW_NULL
            number[0] = read_index(&self.indices, number[0])
            if not 0 <= number[0] < self.texts.length:
                return ROW_BAD_INDEX
        return ROW_TEXT

    cdef Row read(self, int64_t row, TextView *view, int64_t *number) noexcept nogil:
        """Finds the text of a row, and its number."""
        cdef Row found = self.text_number(row, number)
        return read_text(&self.texts, number[0], view) if found == ROW_TEXT else found


@cython.final
cdef class ArrowSource:
    """Arrays of texts that others hand out one by one."""

    def __dealloc__(self):
        if self.stream.release != NULL:
            with nogil:
                self.stream.release(&self.stream)

    cdef ArrowTexts next(self):
        """Returns the next array, or None at the end."""
        cdef ArrowTexts texts = ArrowTexts.__new__(ArrowTexts)
        cdef int code
        if self.stream.release == NULL:
            return None
        with nogil:
            code = self.stream.get_next(&self.stream, &texts.array)
        if code:
            texts.array.release = NULL
            raise OSError(code, stream_error(&self.stream))
        if texts.array.release == NULL:
            with nogil:
                self.stream.release(&self.stream)
            self.stream.release = NULL
            return None
        texts.bind(&self.plan)
        return texts


cdef str stream_error(ArrowArrayStream *stream):
    cdef const char *message = stream.get_last_error(stream)
    return "the Arrow stream failed" if message == NULL else words_of(message)


cdef ArrowSource open_source(data, column):
    """Opens the stream of an object, and finds the texts in it."""
    cdef ArrowSource source = ArrowSource.__new__(ArrowSource)
    cdef ArrowSchema schema
    cdef int code
    memset(&schema, 0, sizeof(ArrowSchema))
    move_stream(data.__arrow_c_stream__(), &source.stream)
    with nogil:
        code = source.stream.get_schema(&source.stream, &schema)
    if code:
        raise OSError(code, stream_error(&source.stream))
    try:
        read_plan(&schema, column, &source.plan)
    finally:
        if schema.release != NULL:
            schema.release(&schema)
    return source


cdef ArrowTexts read_array(data, column):
    """Takes the array of an object, and finds the texts in it."""
    cdef ArrowTexts texts = ArrowTexts.__new__(ArrowTexts)
    cdef ArrowSchema schema
    cdef Plan plan
    its_schema, its_array = data.__arrow_c_array__()
    move_array(its_array, &texts.array)
    move_schema(its_schema, &schema)
    try:
        read_plan(&schema, column, &plan)
    finally:
        schema.release(&schema)
    texts.bind(&plan)
    return texts
