# Makes a string from a few bytes of UTF-8, such as those of a token. If the text is not ASCII, this
# takes half the time of CPython's decoder, which begins with one byte per character and later
# widens and shortens the string.
#
# O(bytes), one allocation. Decodes complete, valid texts of up to SHORT_TEXT bytes; CPython decodes
# all others and handles errors.

from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from engine.text.utf8 cimport decode_character, is_surrogate

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 most)
    str PyUnicode_FromOrdinal(int character)
    void *PyUnicode_DATA(object text)

cdef enum:
    SHORT_TEXT = 48      # bytes


cdef inline size_t read_sequence(
    const uint8_t *data, size_t length, uint32_t *character
) noexcept nogil:
    """Returns the length in bytes of the sequence at `data`; 0 if it is incomplete or invalid.

    Args:
        length: bytes at `data`, at least one.
        character: receives the code point.
    """
    cdef uint8_t lead = data[0]
    cdef size_t size, i
    cdef uint32_t least
    character[0] = lead
    if lead < 0x80:
        return 1
    if lead < 0xE0:
        size, least = 2, 0x80
    elif lead < 0xF0:
        size, least = 3, 0x800
    else:
        size, least = 4, 0x10000
    if lead < 0xC0 or lead > 0xF4 or size > length:
        return 0
    for i in range(1, size):
        if <int8_t>data[i] >= -64:    # not a continuation byte, 0x80 to 0xBF
            return 0
    character[0] = decode_character(data)
    if character[0] < least or character[0] > 0x10FFFF or is_surrogate(character[0]):
        return 0
    return size


cdef inline str decode_short_text(const uint8_t *data, size_t length):
    """Returns the text of some bytes; None if it is empty, long, incomplete or invalid."""
    cdef uint32_t characters[SHORT_TEXT]
    cdef uint32_t most = 0
    cdef size_t count = 0, position = 0, size, i
    cdef str text
    cdef void *target
    if not 0 < length <= SHORT_TEXT:
        return None
    for i in range(length):
        most |= data[i]
    if most < 0x80 and length > 1:
        text = PyUnicode_New(<Py_ssize_t>length, 0x7F)
        memcpy(PyUnicode_DATA(text), data, length)
        return text
    most = 0
    while position < length:
        size = read_sequence(data + position, length - position, &characters[count])
        if size == 0:
            return None
        most |= characters[count]
        count += 1
        position += size
    if count == 1:    # CPython shares the strings of characters below 256
        return PyUnicode_FromOrdinal(<int>most)
    # `most` has the bits of all characters, so it needs the same width as the largest one; only in
    # the highest plane may it be above every code point.
    text = PyUnicode_New(<Py_ssize_t>count, most if most < 0x10000 else 0x10FFFF)
    target = PyUnicode_DATA(text)
    if most < 0x100:
        for i in range(count):
            (<uint8_t *>target)[i] = <uint8_t>characters[i]
    elif most < 0x10000:
        for i in range(count):
            (<uint16_t *>target)[i] = <uint16_t>characters[i]
    else:
        for i in range(count):
            (<uint32_t *>target)[i] = characters[i]
    return text
