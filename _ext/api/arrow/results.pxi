"""What `Encoding.encode_arrow` and `count_arrow` return, and the streams that others read of it."""

cimport cython
from cpython.ref cimport PyObject, Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from api.arrow.exports cimport (
    Rows, Shape, add_user, make_array, make_schema, release_rows)
from api.arrow.structs cimport ArrowArray, ArrowArrayStream, ArrowSchema
from engine.base.types cimport STATUS_OK

cdef enum:
    # What a stream reports; these are the same everywhere.
    CODE_INTERRUPTED = 4
    CODE_NO_MEMORY = 12
    CODE_INVALID = 22

cdef extern from "Python.h":
    bint Py_IsInitialized() noexcept nogil


cdef object schema_capsule(const Shape *shape):
    cdef ArrowSchema schema
    if make_schema(shape, b"", False, &schema) != STATUS_OK:
        raise MemoryError("no memory for an Arrow schema")
    return capsule_of_schema(&schema)


@cython.final
cdef class ArrowResult:
    """Rows of ids or counts that Arrow libraries read without a copy.

    Made by `Encoding.encode_arrow` and `Encoding.count_arrow` of an array. It has the methods of
    Arrow's PyCapsule interface, so give it to any library that takes Arrow data, such as
    `pyarrow.array(result)` or `polars.Series(result)`; as often as you like, in any thread.
    """

    def __init__(self):
        raise TypeError("made by Encoding.encode_arrow and Encoding.count_arrow")

    def __dealloc__(self):
        release_rows(self.rows)

    def __len__(self) -> int:
        return self.rows.length

    def __repr__(self) -> str:
        return f"<ArrowResult of {self.rows.length} rows>"

    @property
    def null_count(self) -> int:
        """How many rows are null."""
        return self.rows.null_count

    def __arrow_c_schema__(self):
        """Returns a capsule with the type: see `Encoding.encode_arrow`."""
        return schema_capsule(&self.shape)

    def __arrow_c_array__(self, requested_schema=None):
        """Returns capsules with the type and the rows.

        Args:
            requested_schema: ignored; there is one type.
        """
        cdef ArrowArray array
        schema = schema_capsule(&self.shape)
        if make_array(self.rows, &self.shape, &array) != STATUS_OK:
            raise MemoryError("no memory for an Arrow array")
        return schema, capsule_of_array(&array)

    def __arrow_c_stream__(self, requested_schema=None):
        """Returns a capsule with a stream of one array.

        Args:
            requested_schema: ignored; there is one type.
        """
        cdef ArrowProducer producer = ArrowProducer.__new__(ArrowProducer)
        producer.only = self
        producer.shape = self.shape
        producer.name = self.name
        return stream_capsule(producer)


cdef ArrowResult result_of(Rows *rows, ArrowEncoder encoder):
    """Returns rows as a result, which takes them over."""
    cdef ArrowResult result = ArrowResult.__new__(ArrowResult)
    result.rows = rows
    result.name = encoder.name
    result.shape = encoder.shape
    result.shape.large = rows.large
    return result


@cython.final
cdef class ArrowProducer:
    """What a stream that was handed out reads: the arrays of a source, encoded one by one."""

    cdef Rows *next(self, size_t limit) except? NULL:
        """Returns the next rows, with one user; NULL at the end.

        Args:
            limit: as for `ArrowEncoder.encode`.
        """
        cdef Stretch stretch
        cdef Rows *rows
        while self.texts is None or self.first == self.texts.length:
            self.texts = None
            self.texts = self.source.next()
            self.first = 0
            if self.texts is None:
                return NULL
        stretch.first = self.first
        stretch.base = self.base
        rows = self.encoder.encode(self.texts, limit, &stretch)
        self.base += stretch.last - self.first
        self.first = stretch.last
        return rows

    cdef int produce(self, ArrowArray *array) except -1:
        """Makes the next array; a released one at the end."""
        cdef Rows *rows
        cdef int status
        memset(array, 0, sizeof(ArrowArray))
        if self.encoder is not None:
            rows = self.next(thread_sizes.batch)
        else:
            rows = NULL if self.only is None else self.only.rows
            if rows != NULL:
                add_user(rows)
            self.only = None
        if rows != NULL:
            status = make_array(rows, &self.shape, array)
            release_rows(rows)
            if status != STATUS_OK:
                raise MemoryError("no memory for an Arrow array")
        return 0


cdef int stream_schema(ArrowArrayStream *stream, ArrowSchema *schema) noexcept nogil:
    cdef int status
    with gil:
        status = make_schema(&(<ArrowProducer><PyObject *>stream.private_data).shape, b"", False,
                             schema)
    return 0 if status == STATUS_OK else CODE_NO_MEMORY


cdef int stream_next(ArrowArrayStream *stream, ArrowArray *array) noexcept nogil:
    with gil:
        return produce_or_note(<ArrowProducer><PyObject *>stream.private_data, array)


cdef int produce_or_note(ArrowProducer producer, ArrowArray *array) noexcept:
    """Makes the next array; returns an error code if that raised, and keeps what was said."""
    try:
        producer.error = None
        producer.produce(array)
        return 0
    except BaseException as error:
        producer.error = f"{type(error).__name__}: {error}".encode("utf-8", "replace")
        if isinstance(error, MemoryError):
            return CODE_NO_MEMORY
        return CODE_INVALID if isinstance(error, Exception) else CODE_INTERRUPTED


cdef const char *stream_error_of(ArrowArrayStream *stream) noexcept nogil:
    cdef const char *message = NULL
    with gil:
        error = (<ArrowProducer><PyObject *>stream.private_data).error
        if error is not None:
            message = error
    return message


cdef void release_stream(ArrowArrayStream *stream) noexcept nogil:
    stream.release = NULL
    if Py_IsInitialized():
        with gil:
            Py_DECREF(<object><PyObject *>stream.private_data)


cdef object stream_capsule(ArrowProducer producer):
    """Returns a capsule with a stream that reads a producer."""
    cdef ArrowArrayStream stream
    stream.get_schema = stream_schema
    stream.get_next = stream_next
    stream.get_last_error = stream_error_of
    stream.release = release_stream
    stream.private_data = <PyObject *>producer
    Py_INCREF(producer)
    return capsule_of_stream(&stream)


@cython.final
cdef class ArrowResultStream:
    """Rows of ids or counts that are made while an Arrow library reads them.

    Made by `Encoding.encode_arrow` and `Encoding.count_arrow` of what has several arrays: a table,
    a chunked array, a query. It has the methods of Arrow's PyCapsule interface: give it to any
    library that takes Arrow data, such as `pyarrow.RecordBatchReader.from_stream(result)`. Each
    time it is read, the data is read; so more than once only if the data can be.
    """

    cdef object data
    cdef object column
    cdef ArrowEncoder encoder
    cdef ArrowSource opened      # the stream that was looked at, until it is read

    def __init__(self):
        raise TypeError("made by Encoding.encode_arrow and Encoding.count_arrow")

    def __repr__(self) -> str:
        return f"<ArrowResultStream of {type(self.data).__name__}>"

    cdef ArrowProducer _producer(self):
        cdef ArrowProducer producer = ArrowProducer.__new__(ArrowProducer)
        producer.encoder = self.encoder
        producer.shape = self.encoder.shape
        with cython.critical_section(self):
            producer.source, self.opened = self.opened, None
        if producer.source is None:
            producer.source = open_source(self.data, self.column)
        return producer

    def __arrow_c_schema__(self):
        """Returns a capsule with the type: see `Encoding.encode_arrow`."""
        return schema_capsule(&self.encoder.shape)

    def __arrow_c_stream__(self, requested_schema=None):
        """Returns a capsule with a stream; each of its arrays is made when it is read.

        Args:
            requested_schema: ignored; there is one type.
        """
        return stream_capsule(self._producer())

    def __arrow_c_array__(self, requested_schema=None):
        """Returns capsules with the type and all rows as one array.

        Args:
            requested_schema: ignored; there is one type.
        """
        return self.read_all().__arrow_c_array__()

    def read_all(self) -> ArrowResult:
        """Returns all rows as one array."""
        cdef ArrowProducer producer = self._producer()
        cdef list parts = []
        cdef Rows *rows
        while True:
            rows = producer.next(NO_LIMIT)
            if rows == NULL:
                break
            parts.append(result_of(rows, self.encoder))
        return parts[0] if len(parts) == 1 else joined(parts, self.encoder)


def encode_arrow(ArrowEncoder encoder not None, data, column=None):
    """Encodes or counts what has `__arrow_c_array__` or `__arrow_c_stream__`.

    Args:
        encoder: how.
        data: the texts, or a table or struct with a column of them.
        column: the name of the column; None: its only one.

    Returns:
        `ArrowResult` of an array, `ArrowResultStream` of a stream.

    Raises:
        TypeError: `data` has neither method, or is not of texts.
        ValueError: there is no such column, or the structs are malformed.
    """
    cdef ArrowResultStream made
    cdef ArrowTexts texts
    cdef Stretch stretch
    if hasattr(data, "__arrow_c_array__"):
        texts = read_array(data, column)
        stretch.first = 0
        stretch.base = 0
        return result_of(encoder.encode(texts, NO_LIMIT, &stretch), encoder)
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError("data must have __arrow_c_array__ or __arrow_c_stream__, as Arrow arrays "
                        f"and tables of any library have, not {type(data).__name__}: {data!r:.80}")
    made = ArrowResultStream.__new__(ArrowResultStream)
    made.data = data
    made.column = column
    made.encoder = encoder
    made.opened = open_source(data, column)
    return made
