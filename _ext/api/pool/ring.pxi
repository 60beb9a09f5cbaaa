"""A ring of messages in shared memory, with one process that writes and one that reads.

    data:  │ length │ message … │ length │ message … │ wrap │ unused │
    words:   head = bytes that were read, tail = bytes that were written; both only grow

No lock, so a process that is killed cannot leave one held. Each word has one writer.

Memory ordering (docs/memory-order.md). The writer copies a message into the ring, then stores the
tail with release order; the reader loads the tail with acquire order. So a reader that sees a tail
sees all bytes up to it. Once the reader is done with a message it stores the head, which the writer
loads before it uses the room again. So the reader's last look at a message precedes the writer's
first byte over it. Nothing else is shared. A stale word errs on the safe side: an old tail hides a
message for a moment, an old head hides room.

A writer that dies while it writes a message has not stored the tail: nobody sees the message. A
reader that finds no message where one should be raises; neither end touches memory outside the
ring.

Waking. Each time the reader has given room back it looks at the tail again, and it sleeps only if
nothing is there. So the writer need not wake a reader that has not yet given back all that
precedes a message: each end stores its own word and then loads the other's, in one order for both,
so at least one sees what the other has stored (`must_wake`). A batch then takes few system calls.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcpy

from engine.base.shared_words cimport load_word, store_word


cdef enum:
    LENGTH_BYTES = 8    # of the length before each message; messages are padded to a multiple
    WRAP = -1           # instead of a length: the next message is at the ring's beginning


cdef inline uint64_t space_of(uint64_t length) noexcept nogil:
    """Returns how many bytes a message takes, with its length and padding."""
    return LENGTH_BYTES + (length + LENGTH_BYTES - 1) // LENGTH_BYTES * LENGTH_BYTES


# The buffer refers to its owner, which a garbage collector would clear before `__dealloc__`.
@cython.no_gc
cdef class RingEnd:
    """What both ends of a ring share.

    Args:
        words: the words of the segment.
        head: the number of the word that the reader writes.
        tail: the number of the word that the writer writes.
        data: the ring's memory, a multiple of 8 bytes; open until `close`.

    Raises:
        ValueError: the memory is not a ring.
    """

    def __cinit__(self, SharedWords words not None, size_t head, size_t tail, data):
        view = memoryview(data)
        PyObject_GetBuffer(data, &self.buffer, PyBUF_WRITABLE)
        self.view = view
        self.size = <uint64_t>self.buffer.len
        self.words = words
        self.head_place = head
        self.tail_place = tail
        self.head = load_word(words.word(head))
        self.tail = load_word(words.word(tail))
        if self.size == 0 or (self.size | self.head | self.tail) % LENGTH_BYTES:
            raise ValueError(f"a ring has a multiple of {LENGTH_BYTES} bytes, not {self.size}, and "
                             f"so have its messages: {self.head}, {self.tail}")

    def __dealloc__(self):
        if self.view is not None:
            PyBuffer_Release(&self.buffer)

    cdef char *memory(self) except NULL:
        if self.view is None:
            raise ValueError("the ring is closed")
        return <char *>self.buffer.buf

    def close(self) -> None:
        """Releases the memory; no view of a message may be left. A second call does nothing."""
        if self.view is not None:
            self.view.release()
            self.view = None
            PyBuffer_Release(&self.buffer)


cdef class RingWriter(RingEnd):
    """The end that writes; the arguments are those of `RingEnd`.

    Attributes:
        largest: bytes of the largest message that fits an empty ring wherever it begins.
    """

    def __cinit__(self, SharedWords words not None, size_t head, size_t tail, data):
        self.largest = self.size // 2 - LENGTH_BYTES if self.size >= 2 * LENGTH_BYTES else 0

    def has_room(self, uint64_t length) -> bool:
        """Returns whether a message of `length` bytes can be written now."""
        return self._skip(length) >= 0

    cdef int64_t _skip(self, uint64_t length) except -2:
        """Returns how many bytes to leave unused so that a message is contiguous; -1: full."""
        cdef uint64_t space = space_of(length), to_end, skip, end
        self.memory()
        if length > self.size or space > self.size:
            return -1
        to_end = self.size - self.tail % self.size
        skip = 0 if space <= to_end else to_end
        end = self.tail + skip + space
        if end - self.head > self.size:
            self.head = load_word(self.words.word(self.head_place))
            if end - self.head > self.size:
                return -1
        return <int64_t>skip

    def write(self, fragments, uint64_t length) -> bool:
        """Writes a message.

        Args:
            fragments: its bytes, as buffers or `PackedTexts`.
            length: bytes of all fragments, at most `largest`.

        Returns:
            Whether there was room.

        Raises:
            ValueError: the fragments have another length.
        """
        cdef int64_t skip = self._skip(length), number = WRAP
        cdef char *memory = self.memory()
        cdef char *place
        cdef char *end
        if skip < 0:
            return False
        place = memory + self.tail % self.size
        if skip:
            memcpy(place, &number, LENGTH_BYTES)
            place = memory
        number = <int64_t>length
        memcpy(place, &number, LENGTH_BYTES)
        place += LENGTH_BYTES
        end = place + length
        for fragment in fragments:
            place += put_fragment(fragment, place, <size_t>(end - place))
        if place != end:
            raise ValueError(f"{end - place} of {length} bytes are missing")
        if not self.has_unnotified:
            self.has_unnotified = True
            self.first_unnotified = self.tail
        self.tail += <uint64_t>skip + space_of(length)
        store_word(self.words.word(self.tail_place), self.tail)
        return True

    def must_wake(self) -> bool:
        """Returns whether the reader may sleep without seeing what was written since `notified`."""
        return (self.has_unnotified
                and load_word(self.words.word(self.head_place)) >= self.first_unnotified)

    def notified(self) -> None:
        """Notes that the reader has been woken, or need not be.

        To be called afterwards: a signal handler may raise between `must_wake` and the waking.
        """
        self.has_unnotified = False


cdef size_t put_fragment(fragment, char *place, size_t room) except? 0:
    """Copies a fragment of a message; returns how many bytes it has."""
    cdef Py_buffer buffer
    cdef size_t size
    if type(fragment) is PackedTexts:
        return (<PackedTexts>fragment).put(place, room)
    PyObject_GetBuffer(fragment, &buffer, PyBUF_SIMPLE)
    size = <size_t>buffer.len
    if size <= room:
        memcpy(place, buffer.buf, size)
    PyBuffer_Release(&buffer)
    if size > room:
        raise ValueError(f"{size} bytes do not go into {room}")
    return size


@cython.final
cdef class RingReader(RingEnd):
    """The end that reads; the arguments are those of `RingEnd`.

    Attributes:
        cursor: bytes before the next message, counted since the ring was made.
    """

    cdef readonly uint64_t cursor

    def __cinit__(self, SharedWords words not None, size_t head, size_t tail, data):
        self.cursor = self.head

    def read(self) -> memoryview | None:
        """Returns the next message, None if there is none.

        The message stays in the ring until `release`; the view must not be used afterwards.

        Raises:
            ValueError: there is no message where one should be.
        """
        cdef uint64_t place, skip = 0, ready
        cdef int64_t length
        cdef char *memory = self.memory()
        if self.cursor == self.tail:
            self.tail = load_word(self.words.word(self.tail_place))
            if self.cursor == self.tail:
                return None
        place = self.cursor % self.size
        memcpy(&length, memory + place, LENGTH_BYTES)
        if length == WRAP:
            skip = self.size - place
            place = 0
            memcpy(&length, memory, LENGTH_BYTES)
        place += LENGTH_BYTES
        ready = self.tail - self.cursor
        if (length < 0 or <uint64_t>length > self.size - place or ready > self.size
                or skip + space_of(<uint64_t>length) > ready):
            raise ValueError(f"the ring is damaged: a message of {length} bytes at {place} of "
                             f"{self.size}, where {ready} are written")
        self.cursor += skip + space_of(<uint64_t>length)
        return self.view[place:place + <uint64_t>length]

    def release(self, uint64_t end) -> None:
        """Gives room back to the writer. Before the reader sleeps it must look for more.

        Args:
            end: a value that `cursor` had; the messages before it are no longer needed.
        """
        if end != self.head:
            self.head = end
            store_word(self.words.word(self.head_place), end)
