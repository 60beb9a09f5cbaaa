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


cdef inline str ascii_string(const Vectors *vectors, const Wide *characters, size_t length):
    """Returns a string of some characters, or None if one is not ASCII.

    Args:
        length: at least PACKED.
    """
    cdef uint8_t first[PACKED]
    cdef uint8_t *out
    cdef size_t i
    cdef str found
    if not vectors.pack_ascii(characters, sizeof(Wide), first):
        return None
    found = PyUnicode_New(<Py_ssize_t>length, 0x7F)
    out = <uint8_t *>PyUnicode_DATA(found)
    for i in range(0, length - PACKED, PACKED):
        if not vectors.pack_ascii(characters + i, sizeof(Wide), out + i):
            return None
    i = length - PACKED
    return found if vectors.pack_ascii(characters + i, sizeof(Wide), out + i) else None


cdef inline str narrow_string(const Vectors *vectors, const Wide *characters, size_t length):
    """Returns a string of some characters, as narrow as they allow."""
    cdef str found
    cdef uint32_t bits = 0
    cdef uint8_t *bytes_out
    cdef uint16_t *words_out
    cdef size_t i
    if length >= PACKED:
        found = ascii_string(vectors, characters, length)
        if found is not None:
            return found
    for i in range(length):
        bits |= characters[i]
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
