"""Ids in foreign memory, and the lists made from them."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint32_t, uintptr_t

from engine.sink.int_lists cimport PyObject_GC_UnTrack, hidden_list_of_ids, show_lists


cdef int open_ids(memory, Py_buffer *buffer) except -1:
    """Opens a buffer of `uint32`; the caller releases it."""
    PyObject_GetBuffer(memory, buffer, PyBUF_C_CONTIGUOUS)
    # An empty `array` may have any address.
    if (buffer.len % sizeof(uint32_t)
            or buffer.len and <uintptr_t>buffer.buf % sizeof(uint32_t)):
        PyBuffer_Release(buffer)
        raise ValueError("ids are whole words of 4 bytes, at a multiple of 4 bytes")
    return 0


def hidden_lists_of_ids(memory, size_t texts) -> list:
    """Returns the ids of several texts as lists that the garbage collector does not see.

    They may only be passed to `joined_lists`.

    Args:
        memory: `int64[texts + 1]`, where each text's ids begin among all ids and where the last
            ones end; then the ids, `uint32`.
        texts: how many there are.

    Raises:
        ValueError: these are not the places of all ids, in order.
    """
    cdef Py_buffer buffer
    cdef const int64_t *places
    cdef const uint32_t *ids
    cdef size_t space = (texts + 1) * sizeof(int64_t), i
    cdef list result, found
    PyObject_GetBuffer(memory, &buffer, PyBUF_C_CONTIGUOUS)
    try:
        if (<size_t>buffer.len < space or <size_t>buffer.len % sizeof(uint32_t)
                or <uintptr_t>buffer.buf % sizeof(int64_t)):
            raise ValueError(f"{buffer.len} bytes are not the places and ids of {texts} texts")
        places = <const int64_t *>buffer.buf
        ids = <const uint32_t *>(<const char *>buffer.buf + space)
        if (places[0] != 0
                or places[texts] != <int64_t>((<size_t>buffer.len - space) // sizeof(uint32_t))):
            raise ValueError("the places are not those of all ids")
        for i in range(texts):
            if places[i] > places[i + 1]:
                raise ValueError("the places are not in order")
        result = PyList_New(<Py_ssize_t>texts)
        PyObject_GC_UnTrack(result)
        for i in range(texts):
            found = hidden_list_of_ids(&int_objects, ids + places[i],
                                       <size_t>(places[i + 1] - places[i]))
            Py_INCREF(found)
            PyList_SET_ITEM(result, <Py_ssize_t>i, found)
        return result
    finally:
        PyBuffer_Release(&buffer)


def joined_lists(hidden) -> list:
    """Joins several results of `hidden_lists_of_ids` into one list of ordinary lists."""
    cdef list result = []
    PyObject_GC_UnTrack(result)
    for lists in hidden:
        result += <list?>lists
    show_lists(result)
    return result
