# Parts of a `str`. O(n); unlike CPython's own loops for wide text, these are vector instructions,
# and what is left is the time that memory takes. ASCII in wide text is read only once.

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from api.arguments cimport PyUnicode_DATA
from engine.simd.vectors cimport Vectors
from engine.text.utf8 cimport TextView

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t length, uint32_t highest)
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

ctypedef fused Wide:
    uint16_t
    uint32_t

cdef enum:
    PACKED = 64    # characters that are packed at a time


cdef inline bint pack_all(
    const Vectors *vectors, const Wide *characters, size_t length, uint8_t *out
) noexcept nogil:
    """Writes characters as bytes; returns whether all were ASCII.

    Args:
        length: at least PACKED.
    """
    cdef size_t done = 0
    while done + PACKED < length:
        if not vectors.pack_ascii(characters + done, sizeof(Wide), out + done):
            return False
        done += PACKED
    return vectors.pack_ascii(characters + length - PACKED, sizeof(Wide), out + length - PACKED)


cdef inline uint32_t highest_bits(const Wide *characters, size_t length) noexcept nogil:
    """Returns bits that are together at least as high as the highest character; all its bits, or
    enough of them to tell that the string cannot be narrower."""
    cdef uint32_t bits = 0
    cdef size_t start = 0, end, i
    while start < length and (bits < 0x100 or (sizeof(Wide) == 4 and bits < 0x10000)):
        end = min(length, start + 4 * PACKED)
        for i in range(start, end):
            bits |= characters[i]
        start = end
    return bits


cdef inline str narrow_string(const Vectors *vectors, const Wide *characters, size_t length):
    """Returns a string of some characters, as narrow as they allow."""
    cdef uint8_t first[PACKED]
    cdef str found
    cdef uint32_t bits
    cdef uint8_t *bytes_out
    cdef uint16_t *words_out
    cdef size_t i
    if length >= PACKED and vectors.pack_ascii(characters, sizeof(Wide), first):
        found = PyUnicode_New(<Py_ssize_t>length, 0x7F)
        if pack_all(vectors, characters, length, <uint8_t *>PyUnicode_DATA(found)):
            return found
    bits = highest_bits(characters, length)
    found = PyUnicode_New(<Py_ssize_t>length, min(bits, 0x10FFFF))
    if bits < 0x100:
        bytes_out = <uint8_t *>PyUnicode_DATA(found)
        for i in range(length):
            bytes_out[i] = <uint8_t>characters[i]
    elif bits < 0x10000 and sizeof(Wide) == 4:
        words_out = <uint16_t *>PyUnicode_DATA(found)
        for i in range(length):
            words_out[i] = <uint16_t>characters[i]
    else:
        memcpy(PyUnicode_DATA(found), characters, length * sizeof(Wide))
    return found


cdef inline str substring(
    str text, const TextView *view, const Vectors *vectors, size_t start, size_t end
):
    """Returns the characters of a text from `start` to `end`."""
    if view.width <= 1:
        return PyUnicode_Substring(text, <Py_ssize_t>start, <Py_ssize_t>end)
    if view.width == 2:
        return narrow_string(vectors, <const uint16_t *>view.data + start, end - start)
    return narrow_string(vectors, <const uint32_t *>view.data + start, end - start)
