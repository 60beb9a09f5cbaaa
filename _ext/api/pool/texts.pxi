"""The texts of a pool's requests, packed into a message by the client and unpacked by the worker.

Characters are stored as in Python's memory, so nothing is encoded. This is only the work per text,
and no text is copied before its message is written; the rest is in `bpecore/pool/`.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport UINT32_MAX, uint32_t, uintptr_t
from libc.string cimport memcpy, memset

from api.arguments cimport exact_str, view_text
from engine.text.utf8 cimport TextView

cdef extern from "Python.h":
    str PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)


cdef inline size_t padded_size(size_t size) noexcept nogil:
    """Rounds a number of bytes up to whole words of 4 bytes."""
    return (size + 3) & ~<size_t>3


cdef inline size_t view_packed(str text, TextView *view) except? 0:
    """Sets a view of a text with at least one byte per character; returns its size in bytes."""
    view_text(text, view)
    view.width = max(view.width, 1)
    return view.length * <size_t>view.width


cdef class PackedTexts:
    """The texts of one message: all lengths, all widths, then the characters of each text.

    Args:
        texts: any texts.
        first: the number of the message's first text among them.
        limit: bytes for all texts; a single text may take more.

    Attributes:
        count: texts, at least one unless `first` is the number of texts.
        characters: of all texts.

    Raises:
        TypeError: a text is not a string.
        ValueError: a text has more than 2**32 - 1 characters.
    """

    def __cinit__(self, list texts, size_t first, size_t limit):
        cdef TextView view
        cdef size_t more, place
        cdef str text
        self.texts = []
        for place in range(first, <size_t>len(texts)):
            text = exact_str(texts[place])
            more = padded_size(view_packed(text, &view)) + 2 * sizeof(uint32_t)
            if view.length > UINT32_MAX:
                raise ValueError(f"a text of {len(text)} characters: at most 2**32 - 1 go into a "
                                 f"message")
            if self.texts and self.size + more > limit:
                return
            self.texts.append(text)
            self.size += more
            self.characters += view.length

    @property
    def count(self) -> int:
        """How many texts there are."""
        return len(self.texts)

    def __len__(self) -> int:
        """Returns how many bytes the texts take."""
        return self.size

    cdef size_t put(self, char *place, size_t room) except? 0:
        """Writes the texts; returns how many bytes they take.

        Raises:
            ValueError: there is not enough room, or its address is not a multiple of 4.
        """
        cdef size_t count = len(self.texts), size, i
        cdef uint32_t *lengths = <uint32_t *>place
        cdef uint32_t *widths = lengths + count
        cdef char *characters = <char *>(widths + count)
        cdef TextView view
        if self.size > room or <uintptr_t>place % sizeof(uint32_t):
            raise ValueError(f"{self.size} bytes of texts do not go into {room}, or stand at no "
                             f"multiple of 4")
        for i in range(count):
            size = view_packed(self.texts[i], &view)
            lengths[i] = <uint32_t>view.length
            widths[i] = <uint32_t>view.width
            memcpy(characters, view.data, size)
            memset(characters + size, 0, padded_size(size) - size)
            characters += padded_size(size)
        return self.size


def unpack_texts(memory, size_t count) -> tuple:
    """Reads what `PackedTexts` wrote.

    Args:
        memory: a message that begins with the texts, at a multiple of 4 bytes.
        count: how many texts there are.

    Returns:
        The texts in a list, and how many bytes they take.

    Raises:
        ValueError: the message does not hold `count` texts, or is at another address.
    """
    cdef Py_buffer buffer
    cdef const uint32_t *lengths
    cdef size_t size, end, i
    cdef list texts = []
    PyObject_GetBuffer(memory, &buffer, PyBUF_C_CONTIGUOUS)
    try:
        size = <size_t>buffer.len
        if count > size // (2 * sizeof(uint32_t)) or <uintptr_t>buffer.buf % sizeof(uint32_t):
            raise ValueError(f"{size} bytes do not hold {count} texts, or not at a multiple of 4")
        lengths = <const uint32_t *>buffer.buf
        end = 2 * count * sizeof(uint32_t)
        for i in range(count):
            texts.append(text_at(<const char *>buffer.buf + end, size - end, lengths[i],
                                 lengths[count + i]))
            end += padded_size(<size_t>lengths[i] * lengths[count + i])
        return texts, end
    finally:
        PyBuffer_Release(&buffer)


cdef str text_at(const char *characters, size_t room, uint32_t length, uint32_t width):
    """Returns a text of `length` characters with `width` bytes each.

    Raises:
        ValueError: there is no such width, or not enough room.
    """
    if width not in (1, 2, 4):
        raise ValueError(f"a character takes 1, 2 or 4 bytes, not {width}")
    if padded_size(<size_t>length * width) > room:
        raise ValueError(f"{length} characters of {width} bytes are not in {room} bytes")
    return PyUnicode_FromKindAndData(<int>width, characters, <Py_ssize_t>length)
