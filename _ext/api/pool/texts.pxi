"""The texts of a pool's requests: put into a message by the client, and read from it by the worker.

They lie there as in Python's memory, so nothing is encoded: to make UTF-8 and read it again took a
sixth as long as finding the tokens. Only what is done for each text is here, and nothing of a text
is copied before its message is written; `bpecore/pool/` has the rest.
"""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint32_t, uintptr_t, UINT32_MAX
from libc.string cimport memcpy, memset

from api.arguments cimport exact_str, view_text
from engine.text.utf8 cimport TextView

cdef extern from "Python.h":
    str PyUnicode_FromKindAndData(int kind, const void *data, Py_ssize_t size)


cdef inline size_t padded_size(size_t size) noexcept nogil:
    """Bytes of characters in a message: whole words of 4 bytes."""
    return (size + 3) & ~<size_t>3


cdef inline size_t view_packed(str text, TextView *view) except? 0:
    """Looks at the characters of a text, at least one byte each; returns their bytes."""
    view_text(text, view)
    view.width = max(view.width, 1)
    return view.length * <size_t>view.width


cdef class PackedTexts:
    """The texts of one message: their lengths and widths, then the characters of each.

    Args:
        texts: any texts.
        first: the place of the message's first among them.
        limit: bytes that all may take; a single text may take more.

    Attributes:
        count: texts, at least one if there is a first.
        characters: of all of them.

    Raises:
        TypeError: one is no string.
        ValueError: one has more than 2**32 - 1 characters.
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
        """How many texts they are."""
        return len(self.texts)

    def __len__(self) -> int:
        """Returns how many bytes they take."""
        return self.size

    cdef size_t put(self, char *place, size_t room) except? 0:
        """Writes them; returns how many bytes they take.

        Raises:
            ValueError: there is no room, or it is at no multiple of 4 bytes.
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
        count: how many they are.

    Returns:
        The texts in a list, and how many bytes they take.

    Raises:
        ValueError: the message does not hold so many texts, or stands elsewhere.
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
    """Returns the text of so many characters, each of `width` bytes.

    Raises:
        ValueError: there is no such width, or not so much room.
    """
    if width not in (1, 2, 4):
        raise ValueError(f"a character takes 1, 2 or 4 bytes, not {width}")
    if padded_size(<size_t>length * width) > room:
        raise ValueError(f"{length} characters of {width} bytes are not in {room} bytes")
    return PyUnicode_FromKindAndData(<int>width, characters, <Py_ssize_t>length)
