# Python arguments as the engine's structs.

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_Index
from cpython.sequence cimport PySequence_Check
from cpython.unicode cimport PyUnicode_FromObject
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, UINT32_MAX
from libc.string cimport memcpy, strchr, strlen

from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.base.types cimport STATUS_OK
from engine.text.utf8 cimport TextView

cdef extern from "Python.h":
    int PyUnicode_READY(object text) except -1
    bint PyUnicode_IS_ASCII(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyLong_CheckExact(object number)
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1


cdef inline int view_text(object text, TextView *view) except -1:
    """Describes the characters of a `str`; the object must outlive the view."""
    if not isinstance(text, str):
        raise TypeError(f"expected str, got {type(text).__name__}: {text!r:.80}")
    PyUnicode_READY(text)
    view.data = PyUnicode_DATA(text)
    view.length = <size_t>PyUnicode_GET_LENGTH(text)
    view.width = 0 if PyUnicode_IS_ASCII(text) else PyUnicode_KIND(text)
    return 0


cdef inline bytes exact_bytes(object data):
    """Returns the bytes of a `bytes` object or of an instance of a subclass."""
    if type(data) is bytes:
        return <bytes>data
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, got {type(data).__name__}: {data!r:.80}")
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef inline str exact_str(object text):
    """Returns the characters of a `str` or of an instance of a subclass."""
    if not isinstance(text, str):
        raise TypeError(f"expected str, got {type(text).__name__}: {text!r:.80}")
    return PyUnicode_FromObject(text)


cdef inline object integer_of(str name, object number):
    """Returns an argument as an int; the error for anything that is not an integer names it."""
    try:
        return PyNumber_Index(number)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, not {type(number).__name__}: {number!r:.80}") from None


cdef inline uint32_t checked_id(object number) except? 0:
    """Returns an id or rank given as a Python number.

    Raises:
        OverflowError: it is negative or above 2**32 - 1.
        TypeError: it is not an integer.
    """
    cdef object index
    cdef long long value
    cdef int overflow = 0
    if PyLong_CheckExact(number):
        value = PyLong_AsLongLongAndOverflow(number, &overflow)
        if overflow == 0 and 0 <= value <= UINT32_MAX:
            return <uint32_t>value
    index = integer_of("an id", number)
    if not 0 <= index <= UINT32_MAX:
        raise OverflowError(f"{index} is out of the range of ids, 0 to 2**32 - 1")
    return <uint32_t>index


cdef inline bint read_number(const char *item, char format, Py_ssize_t size, int64_t *number):
    """Reads an integer of a buffer; returns whether it fits in an int64."""
    if size == 8:
        number[0] = (<const int64_t *>item)[0]
        return number[0] >= 0 or format in (c"l", c"q")
    if size == 4:
        number[0] = ((<const int32_t *>item)[0] if format in (c"i", c"l")
                     else <int64_t>(<const uint32_t *>item)[0])
    elif size == 2:
        number[0] = ((<const int16_t *>item)[0] if format == c"h"
                     else <int64_t>(<const uint16_t *>item)[0])
    else:
        number[0] = ((<const int8_t *>item)[0] if format == c"b"
                     else <int64_t>(<const uint8_t *>item)[0])
    return True


cdef inline bint collect_row(
    const Py_buffer *buffer, IdBuffer *ids, const uint32_t *unknown
) except -1:
    """Reads the ids of a buffer; returns False unless it is a row of native integers in range.

    Args:
        unknown: what replaces numbers that are out of range; NULL: they are refused.
    """
    cdef const char *format = "B"
    cdef const char *item = <const char *>buffer.buf
    cdef int64_t number
    cdef Py_ssize_t i
    if buffer.format != NULL:
        format = buffer.format
    if format[0] == c"@":
        format += 1
    if (buffer.ndim != 1 or strlen(format) != 1 or strchr("bBhHiIlLqQ", format[0]) == NULL
            or buffer.itemsize > 8):
        return False
    ids.length = 0
    if grow_ids(ids, <size_t>buffer.shape[0]) != STATUS_OK:
        raise MemoryError("no memory for the ids")
    if buffer.shape[0] == 0:
        pass    # the buffer may have no memory
    elif format[0] == c"I" and buffer.itemsize == 4 and buffer.strides[0] == 4:
        memcpy(ids.data, item, <size_t>buffer.len)
    else:
        for i in range(buffer.shape[0]):
            if (not read_number(item, format[0], buffer.itemsize, &number)
                    or not 0 <= number <= UINT32_MAX):
                if unknown == NULL:
                    return False
                number = unknown[0]
            ids.data[i] = <uint32_t>number
            item += buffer.strides[0]
    ids.length = <size_t>buffer.shape[0]
    return True


cdef inline int refuse_masked(object tokens) except -1:
    """Raises TypeError for a masked array of numpy, whose masked places would be read as ids."""
    if hasattr(type(tokens), "hardmask"):
        raise TypeError("a masked array has places without an id: use .compressed() or .filled(id)")
    return 0


cdef inline bint collect_buffer(
    object tokens, IdBuffer *ids, const uint32_t *unknown
) except -1:
    """Reads the ids of a buffer, such as a numpy array, without making an object per id.

    Args:
        unknown: as for `collect_row`.

    Returns:
        Whether that was possible. If not, reading the items one by one raises the reason.
    """
    cdef Py_buffer buffer
    refuse_masked(tokens)
    try:
        PyObject_GetBuffer(tokens, &buffer, PyBUF_FORMAT | PyBUF_STRIDES)
    except (BufferError, ValueError):
        return False
    try:
        return collect_row(&buffer, ids, unknown)
    finally:
        PyBuffer_Release(&buffer)


cdef inline uint32_t id_or(object number, uint32_t unknown) except? 0:
    """Returns an id given as a Python number, or `unknown` if it is out of range."""
    cdef int overflow = 0
    cdef long long value = PyLong_AsLongLongAndOverflow(
        number if PyLong_CheckExact(number) else PyNumber_Index(number), &overflow)
    return <uint32_t>value if overflow == 0 and 0 <= value <= UINT32_MAX else unknown


cdef inline int collect_ids(object tokens, IdBuffer *ids) except -1:
    """Reads a sequence of ids of any kind into a buffer."""
    return collect_numbers(tokens, ids, NULL)


cdef inline int collect_numbers(
    object tokens, IdBuffer *ids, const uint32_t *unknown
) except -1:
    """Reads a sequence of ids of any kind into a buffer.

    Args:
        unknown: as for `collect_row`.
    """
    if isinstance(tokens, str) or not PySequence_Check(tokens):
        raise TypeError(f"expected a sequence of ids, got {type(tokens).__name__}")
    if PyObject_CheckBuffer(tokens) and collect_buffer(tokens, ids, unknown):
        return 0
    ids.length = 0
    for token in tokens:
        if ids.length == ids.capacity and grow_ids(ids, ids.length + 256) != STATUS_OK:
            raise MemoryError("no memory for the ids")
        ids.data[ids.length] = checked_id(token) if unknown == NULL else id_or(token, unknown[0])
        ids.length += 1
    return 0
