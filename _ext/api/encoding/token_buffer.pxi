"""`TokenBuffer`: ids that Python reads in the memory that the engine wrote them to."""

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE
from libc.stdint cimport uint32_t

from engine.sink.id_buffer cimport release_ids, trim_ids
from engine.sink.int_lists cimport list_of_ids, open_int_objects

open_int_objects(&int_objects)


cdef class TokenBuffer:
    """Ids in memory of their own, read through the buffer protocol: `uint32[n]`, read-only."""

    def __dealloc__(self):
        release_ids(&self.ids, True)

    def __len__(self) -> int:
        return self.ids.length

    def to_list(self, Py_ssize_t start, Py_ssize_t stop) -> list:
        """Returns some of the ids as Python ints.

        Args:
            start: place of the first, from 0.
            stop: place after the last; the end if that is less.

        Raises:
            ValueError: `start` is negative.
        """
        if start < 0:
            raise ValueError(f"start must not be negative: {start}")
        stop = min(stop, <Py_ssize_t>self.ids.length)
        return list_of_ids(&int_objects, self.ids.data + start,
                           <size_t>(stop - start) if stop > start else 0)

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("a token buffer is read-only")
        buffer.buf = self.ids.data
        buffer.obj = self
        buffer.len = <Py_ssize_t>(self.ids.length * sizeof(uint32_t))
        buffer.readonly = True
        buffer.itemsize = sizeof(uint32_t)
        buffer.format = <char *>"I" if flags & PyBUF_FORMAT else <char *>NULL
        buffer.ndim = 1
        buffer.shape = self.shape if flags & PyBUF_ND else NULL
        buffer.strides = self.strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL

    def __array__(self, dtype=None, copy=None):
        """Makes an array for numpy, which calls this if it had no memory for a view of the buffer;
        without it, numpy would go on to treat the buffer as a sequence."""
        import numpy as np

        array = np.frombuffer(self, dtype=np.uint32)
        return array.astype(array.dtype if dtype is None else dtype, copy=bool(copy))

    cdef void finish(self) noexcept:
        """Returns unused memory to the system; nothing is written to the buffer afterwards."""
        trim_ids(&self.ids)
        self.shape[0] = <Py_ssize_t>self.ids.length
        self.strides[0] = sizeof(uint32_t)
