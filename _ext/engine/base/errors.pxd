# Turns status codes into exceptions.

from engine.base.types cimport STATUS_INTERRUPTED, STATUS_MISSING_BYTE, STATUS_SURROGATE

cdef extern from "Python.h":
    bytes PyUnicode_AsUTF8String(object text)

cdef extern from *:
    """
    #define bpecore_exception_is_set() (-1)
    """
    int exception_is_set "bpecore_exception_is_set" () except -1


cdef inline int raise_status(int status, object source) except -1:
    """Raises the exception for a status code.

    Args:
        source: the `str` or `bytes` that was to be encoded.
    """
    if status == STATUS_INTERRUPTED:
        exception_is_set()
    if status == STATUS_SURROGATE:
        PyUnicode_AsUTF8String(source)
    if status >= STATUS_MISSING_BYTE:
        raise ValueError(
            f"the text has no encoding: it needs the byte 0x{status - STATUS_MISSING_BYTE:02x}, "
            "which is not a token of this vocabulary")
    raise MemoryError("no memory to encode the text")
