# One process-wide table of ready-made int objects, so that a list of ids is filled by counting
# references instead of making an object a token.
#
# The table is address space for INT_OBJECT_LIMIT entries, reserved once and never moved; its pages
# become memory as ids are first used, so it costs what is used. Entries are only ever added: by an
# atomic exchange, so that threads that add one at once agree on it, with or without a GIL. Never
# shrinks: the ids of an encoding in use come again.

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_FromUnsignedLong
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uint32_t

from errors cimport exception_is_set
from interrupt cimport run_signal_handlers
from memory cimport reserve_zeroed

cdef enum:
    INT_OBJECT_LIMIT = 1 << 20   # ids from here on get a fresh object each

    IDS_BETWEEN_LOOKS = 1 << 20  # a list of millions shall not keep Ctrl-C waiting

cdef struct IntObjects:
    PyObject **objects   # owned references; NULL = not made yet

cdef extern from *:
    """
    #define bpecore_load_object(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
    static int bpecore_keep_object(PyObject **place, PyObject *object) {
        PyObject *empty = NULL;
        return __atomic_compare_exchange_n(place, &empty, object, 0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE);
    }
    """
    PyObject *load_object "bpecore_load_object" (PyObject **place) noexcept
    bint keep_object "bpecore_keep_object" (PyObject **place, PyObject *object) noexcept


cdef inline int open_int_objects(IntObjects *table) except -1:
    """Reserves the table. Called once, when the module is imported."""
    table.objects = <PyObject **>reserve_zeroed(INT_OBJECT_LIMIT * sizeof(PyObject *))
    if table.objects == NULL:
        raise MemoryError("no memory for the table of int objects")
    return 0


cdef inline object new_int(PyObject **place, uint32_t token_id):
    """Returns the int object of an id that had none."""
    cdef object number = PyLong_FromUnsignedLong(token_id)
    Py_INCREF(number)
    if keep_object(place, <PyObject *>number):
        return number
    Py_DECREF(number)
    return <object>load_object(place)


cdef inline list list_of_ids(IntObjects *table, const uint32_t *ids, size_t count):
    """Returns a list of ids as Python ints."""
    cdef list result = PyList_New(<Py_ssize_t>count)
    cdef object number
    cdef PyObject *known
    cdef uint32_t token_id
    cdef size_t i
    for i in range(count):
        if i % IDS_BETWEEN_LOOKS == IDS_BETWEEN_LOOKS - 1 and run_signal_handlers():
            exception_is_set()
        token_id = ids[i]
        if token_id < INT_OBJECT_LIMIT:
            known = load_object(&table.objects[token_id])
            if known == NULL:
                number = new_int(&table.objects[token_id], token_id)
            else:
                number = <object>known
        else:
            number = PyLong_FromUnsignedLong(token_id)
        Py_INCREF(number)
        PyList_SET_ITEM(result, <Py_ssize_t>i, number)
    return result
