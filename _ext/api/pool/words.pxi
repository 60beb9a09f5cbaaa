"""Words in shared memory, read and written atomically."""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint64_t, uintptr_t

from engine.base.shared_words cimport publish_word, read_word


cdef class SharedWords:
    """The 64-bit words of a buffer. One process writes each word, any number read it.

    The buffer stays open until `release`.
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
        """Releases the buffer; no word can be used afterwards. A second call does nothing."""
        self.count = 0
        if self.is_open:
            self.is_open = False
            PyBuffer_Release(&self.buffer)

    cdef uint64_t *word(self, size_t place) except NULL:
        if place >= self.count:
            raise IndexError(f"there is no word {place} among {self.count}")
        return <uint64_t *>self.buffer.buf + place

    def load(self, size_t place) -> int:
        """Returns a word; what its writer wrote before the word is visible then."""
        return read_word(self.word(place))

    def store(self, size_t place, uint64_t value) -> None:
        """Writes a word, after everything that this thread has written before."""
        publish_word(self.word(place), value)
