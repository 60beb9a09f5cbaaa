# Lists of ids, filled with pointers from one process-wide table of int objects instead of a new
# object per token.
#
# No references are counted on the way, which would read and write every object's memory: the table
# holds more references to each object than can ever be given away (2^56; a list that dies returns
# its own), and a list gets one of these. On Python 3.12 and 3.13 the objects are immortal instead
# (PEP 683). From 3.14 on an immortal object is more than a large count, and no public function
# makes one: there references are counted (`give_reference`), as on 32 bits and without a GIL.
#
# The table is address space for INT_OBJECT_LIMIT entries, reserved once and never moved; its pages
# become memory as ids are first used. Entries are only ever added, by an atomic compare-exchange,
# so that threads adding the same one agree on it, with or without a GIL. It never shrinks, because
# the ids of an encoding in use come again.
#
# The lists of a batch are hidden from the cyclic garbage collector until the batch is complete
# (`hidden_list_of_ids`), as CPython hides containers that it is filling. Otherwise every 700 lists
# or so would start a collection, which visits every id of every new list: 10 us per 2,000 ids, more
# than making the list takes. A batch that is kept is visited once afterwards, one that is dropped
# never. A list that dies hidden is freed like any other. Without `expect_again`, glibc would return
# the memory of each dropped batch to the system, and page faults would be a fifth of the time.
#
# Loses nothing but memory: most of the time left is waiting for the table's cache lines
# (docs/decisions/ids-and-lists.md).

from cpython.long cimport PyLong_FromUnsignedLong
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uint32_t

from engine.base.allocator_tuning cimport expect_again
from engine.base.errors cimport exception_is_set
from engine.base.interrupt cimport run_signal_handlers
from engine.base.mappings cimport reserve_zeroed
from engine.base.types cimport prefetch

cdef enum:
    INT_OBJECT_LIMIT = 1 << 20   # ids from here on get a new object each
    IDS_AHEAD = 128              # how many ids early an entry of the table is prefetched
    IDS_BETWEEN_CHECKS = 1 << 20  # so that a list of millions does not keep Ctrl-C waiting

cdef struct IntObjects:
    PyObject **objects   # with references to give away (`hold_references`); NULL = not created yet

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #if defined(Py_GIL_DISABLED) || SIZEOF_VOID_P < 8 || PY_VERSION_HEX >= 0x030E0000
        #define bpecore_hold_references(object) ((void)0)
        #define bpecore_give_reference(object) Py_INCREF(object)
    #elif PY_VERSION_HEX >= 0x030C0000
        #define bpecore_hold_references(object) Py_SET_REFCNT(object, UINT32_MAX)
        #define bpecore_give_reference(object) ((void)0)
    #else
        #define bpecore_hold_references(object) \
            Py_SET_REFCNT(object, Py_REFCNT(object) + ((Py_ssize_t)1 << 56))
        #define bpecore_give_reference(object) ((void)0)
    #endif

    #ifdef Py_GIL_DISABLED
        #define bpecore_load_object(place) bpecore_load_acquire(place)
        #define bpecore_list_with_room(count) PyList_New(count)
        #define bpecore_set_length(list, length) ((void)0)
    #else
        /* The thread that put the object there held the GIL, which orders. */
        #define bpecore_load_object(place) bpecore_load_relaxed(place)
        static PyObject *bpecore_list_with_room(Py_ssize_t count) {
            PyObject *list = PyList_New(0);
            PyObject **entries;
            if (list == NULL || count == 0)
                return list;
            entries = PyMem_New(PyObject *, count);
            if (entries == NULL) {
                Py_DECREF(list);
                return PyErr_NoMemory();
            }
            ((PyListObject *)list)->ob_item = entries;
            ((PyListObject *)list)->allocated = count;
            return list;
        }
        #define bpecore_set_length(list, length) Py_SET_SIZE(list, length)
    #endif
    """
    # Returns a list with room but no entries. `PyList_New` would zero the room first, which takes
    # 3 % of the time.
    list list_with_room "bpecore_list_with_room" (Py_ssize_t count)
    # Makes the first entries, which have been written, part of a list.
    void set_length "bpecore_set_length" (list container, Py_ssize_t length) noexcept
    void hold_references "bpecore_hold_references" (PyObject *object) noexcept
    void give_reference "bpecore_give_reference" (PyObject *object) noexcept
    PyObject *load_object "bpecore_load_object" (PyObject **place) noexcept

cdef extern from "engine/base/platform.h":
    bint keep_object "bpecore_fill_release" (PyObject **place, PyObject *object) noexcept

cdef extern from "Python.h":
    PyObject **list_entries "PySequence_Fast_ITEMS" (list container)
    void PyObject_GC_Track(object container)
    void PyObject_GC_UnTrack(object container)
    bint PyObject_GC_IsTracked(object container)


cdef inline int open_int_objects(IntObjects *table) except -1:
    """Reserves the table. Called once, when the module is imported."""
    table.objects = <PyObject **>reserve_zeroed(INT_OBJECT_LIMIT * sizeof(PyObject *))
    if table.objects == NULL:
        raise MemoryError("no memory for the table of int objects")
    return 0


cdef inline int put_new_int(IntObjects *table, PyObject **place, uint32_t token_id) except -1:
    """Puts a reference to a new int object, which the table keeps if the id is below its limit."""
    cdef object number = PyLong_FromUnsignedLong(token_id)
    if token_id < INT_OBJECT_LIMIT:
        Py_INCREF(number)
        if keep_object(&table.objects[token_id], <PyObject *>number):
            hold_references(<PyObject *>number)
        else:
            Py_DECREF(number)
            number = <object>load_object(&table.objects[token_id])
    Py_INCREF(number)
    place[0] = <PyObject *>number
    return 0


cdef inline size_t put_known_ints(const IntObjects *table, PyObject **entries,
                                  const uint32_t *ids, size_t count) noexcept:
    """Puts the int objects of ids, up to the first without one; returns how many."""
    cdef PyObject *known
    cdef size_t i
    for i in range(count):
        prefetch(&table.objects[ids[min(i + IDS_AHEAD, count - 1)] & (INT_OBJECT_LIMIT - 1)])
        if ids[i] >= INT_OBJECT_LIMIT:
            return i
        known = load_object(&table.objects[ids[i]])
        if known == NULL:
            return i
        give_reference(known)
        entries[i] = known
    return count


cdef inline int put_ids(IntObjects *table, list container, const uint32_t *ids, size_t start,
                        size_t count) except -1:
    """Fills a list that has room for `count` ids, and holds `start` of them."""
    cdef PyObject **entries = list_entries(container)
    cdef size_t done = start, end = start
    while True:
        done += put_known_ints(table, entries + done, ids + done, end - done)
        set_length(container, <Py_ssize_t>done)
        if done < end:
            put_new_int(table, &entries[done], ids[done])
            done += 1
        elif end == count:
            return 0
        elif end > start and run_signal_handlers():
            exception_is_set()
        else:
            end = min(end + IDS_BETWEEN_CHECKS, count)


cdef inline list hidden_list_of_ids(IntObjects *table, const uint32_t *ids, size_t count):
    """Returns a list of ids as Python ints that the garbage collector does not see.

    It must not leave the extension before `show_lists`.
    """
    cdef list result = list_with_room(<Py_ssize_t>count)
    PyObject_GC_UnTrack(result)
    put_ids(table, result, ids, 0, count)
    return result


cdef inline list hidden_list_after(IntObjects *table, list before, size_t common,
                                   const uint32_t *ids, size_t count):
    """As `hidden_list_of_ids`; the first `common` ids are already in the list `before`."""
    cdef list result = list_with_room(<Py_ssize_t>count)
    cdef PyObject **entries = list_entries(result)
    cdef PyObject **known = list_entries(before)
    cdef size_t i
    PyObject_GC_UnTrack(result)
    for i in range(common):
        Py_INCREF(<object>known[i])
        entries[i] = known[i]
    set_length(result, <Py_ssize_t>common)
    put_ids(table, result, ids, common, count)
    return result


cdef inline list list_of_ids(IntObjects *table, const uint32_t *ids, size_t count):
    """Returns a list of ids as Python ints."""
    cdef list result = hidden_list_of_ids(table, ids, count)
    PyObject_GC_Track(result)
    return result


cdef inline void show_lists(list lists) noexcept:
    """Lets the garbage collector see a list and all lists in it, before other code gets them."""
    cdef size_t count = 0
    for entry in lists:
        if type(entry) is list and not PyObject_GC_IsTracked(entry):
            PyObject_GC_Track(entry)
            count += len(<list>entry)
    expect_again(count * sizeof(PyObject *))
    if not PyObject_GC_IsTracked(lists):
        PyObject_GC_Track(lists)
