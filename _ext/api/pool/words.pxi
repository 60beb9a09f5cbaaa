"""What processes share: words that are read and written atomically, and ids in foreign memory."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint32_t, uintptr_t

from engine.sink.int_lists cimport PyObject_GC_UnTrack, hidden_list_of_ids, show_lists
from engine.base.shared_words cimport load_word, store_word


cdef class SharedWords:
    """Words of 64 bits in a buffer, each of which one process writes and any number read.

    It keeps the buffer open until `release`.
    """

    def __cinit__(self, memory):
        PyObject_GetBuffer(memory, &self.buffer, PyBUF_WRITABLE)
        self.is_open = True
        if <uintptr_t>self.buffer.buf % sizeof(uint64_t):
            raise ValueError("the words do not stand at a multiple of 8 bytes")
        self.count = <size_t>self.buffer.len // sizeof(uint64_t)

    def __dealloc__(self):
        self.release()

    def __len__(self) -> int:
        return self.count

    cpdef release(self):
        """Lets go of the buffer; no word can be used afterwards. A second time does nothing."""
        self.count = 0
        if self.is_open:
            self.is_open = False
            PyBuffer_Release(&self.buffer)

    cdef uint64_t *word(self, size_t place) except NULL:
        if place >= self.count:
            raise IndexError(f"there is no word {place} among {self.count}")
        return <uint64_t *>self.buffer.buf + place

    def load(self, size_t place) -> int:
        """Returns a word, and makes visible what its writer wrote before it."""
        return load_word(self.word(place))

    def store(self, size_t place, uint64_t value) -> None:
        """Writes a word, behind all that this thread has written before it."""
        store_word(self.word(place), value)


cdef int open_ids(memory, Py_buffer *buffer) except -1:
    """Opens a buffer of `uint32`; the caller releases it."""
    PyObject_GetBuffer(memory, buffer, PyBUF_C_CONTIGUOUS)
    # An empty `array` stands anywhere.
    if (buffer.len % sizeof(uint32_t)
            or buffer.len and <uintptr_t>buffer.buf % sizeof(uint32_t)):
        PyBuffer_Release(buffer)
        raise ValueError("ids are whole words of 4 bytes, at a multiple of 4 bytes")
    return 0


def hidden_lists_of_ids(memory, size_t texts) -> list:
    """Returns the ids of several texts as lists that the garbage collector does not see.

    Nothing but `joined_lists` may get them.

    Args:
        memory: where the ids of each text begin among those of all, and where the last end,
            `int64[texts + 1]`; then the ids, `uint32`.
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


def joined_lists(parts) -> list:
    """Returns what several lists from `hidden_lists_of_ids` hold, as lists like any other."""
    cdef list result = []
    PyObject_GC_UnTrack(result)
    for part in parts:
        result += <list?>part
    show_lists(result)
    return result
