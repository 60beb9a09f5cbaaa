# One process-wide table of ready-made int objects, so that a list of ids is filled by counting
# references instead of making an object a token.
#
# Grown and filled under the GIL, as ids are first used: it costs what is used, and at most
# INT_OBJECT_LIMIT entries whatever ids a vocabulary has. Never shrinks: the ids of an encoding
# in use come again.

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_FromUnsignedLong
from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport uint32_t, uint64_t

from memory cimport grow
from types cimport STATUS_OK

from errors cimport exception_is_set
from interrupt cimport run_signal_handlers

cdef enum:
    INT_OBJECT_LIMIT = 1 << 20   # ids from here on get a fresh object each

    IDS_BETWEEN_LOOKS = 1 << 20  # a list of millions shall not keep Ctrl-C waiting

cdef struct IntObjects:
    PyObject **objects   # owned references; NULL = not made yet
    uint32_t count       # entries there is room for


cdef inline int reserve_int_objects(IntObjects *table, uint64_t count) except -1:
    """Makes room for the ids below `count`, or below the limit."""
    cdef uint32_t i
    if count > INT_OBJECT_LIMIT:
        count = INT_OBJECT_LIMIT
    if count <= table.count:
        return 0
    if grow(<void **>&table.objects, count * sizeof(PyObject *)) != STATUS_OK:
        raise MemoryError("no memory for the table of int objects")
    for i in range(table.count, <uint32_t>count):
        table.objects[i] = NULL
    table.count = <uint32_t>count
    return 0


cdef inline list list_of_ids(IntObjects *table, const uint32_t *ids, size_t count):
    """Returns a list of ids as Python ints."""
    cdef list result = PyList_New(<Py_ssize_t>count)
    cdef object number
    cdef uint32_t token_id
    cdef size_t i
    for i in range(count):
        if i % IDS_BETWEEN_LOOKS == IDS_BETWEEN_LOOKS - 1 and run_signal_handlers():
            exception_is_set()
        token_id = ids[i]
        if token_id < table.count:
            if table.objects[token_id] == NULL:
                number = PyLong_FromUnsignedLong(token_id)
                Py_INCREF(number)
                table.objects[token_id] = <PyObject *>number
            else:
                number = <object>table.objects[token_id]
        else:
            number = PyLong_FromUnsignedLong(token_id)
        Py_INCREF(number)
        PyList_SET_ITEM(result, <Py_ssize_t>i, number)
    return result
