# Python arguments as the engine's structs.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_Index
from cpython.sequence cimport PySequence_Check
from cpython.unicode cimport PyUnicode_FromObject
from libc.stdint cimport uint32_t, UINT32_MAX

from memory cimport IdBuffer, grow_ids
from types cimport STATUS_OK
from utf8 cimport TextView

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
    """Returns the bytes of a `bytes` object, of a subclass too."""
    if type(data) is bytes:
        return <bytes>data
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, got {type(data).__name__}: {data!r:.80}")
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef inline str exact_str(object text):
    """Returns the characters of a `str`, of a subclass too."""
    if not isinstance(text, str):
        raise TypeError(f"expected str, got {type(text).__name__}: {text!r:.80}")
    return PyUnicode_FromObject(text)


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
    index = PyNumber_Index(number)
    if not 0 <= index <= UINT32_MAX:
        raise OverflowError(f"{index} is out of the range of ids, 0 to 2**32 - 1")
    return <uint32_t>index


cdef inline int collect_ids(object tokens, IdBuffer *ids) except -1:
    """Reads a sequence of ids of any kind into a buffer."""
    if isinstance(tokens, str) or not PySequence_Check(tokens):
        raise TypeError(f"expected a sequence of ids, got {type(tokens).__name__}")
    ids.length = 0
    for token in tokens:
        if ids.length == ids.capacity and grow_ids(ids, ids.length + 256) != STATUS_OK:
            raise MemoryError("no memory for the ids")
        ids.data[ids.length] = checked_id(token)
        ids.length += 1
    return 0
