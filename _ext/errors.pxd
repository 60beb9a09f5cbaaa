# The exceptions that the engine's findings become.

from types cimport STATUS_MISSING_BYTE, STATUS_SURROGATE


cdef inline int raise_status(int status, object source) except -1:
    """Raises what a status code means.

    Args:
        source: the `str` or `bytes` that was being encoded.
    """
    if status == STATUS_SURROGATE:
        source.encode("utf-8")
    if status >= STATUS_MISSING_BYTE:
        raise ValueError(
            f"the text has no encoding: it needs the byte 0x{status - STATUS_MISSING_BYTE:02x}, "
            "which is no token of this vocabulary")
    raise MemoryError("no memory to encode the text")


cdef inline int refuse_special_token(object token) except -1:
    """Raises the ValueError that tells of a disallowed special token and how to allow it."""
    raise ValueError(
        f"The text contains the disallowed special token {token!r}.\n"
        f"To encode it as that special token, pass allowed_special={{{token!r}, ...}}.\n"
        "To encode it as ordinary text, pass "
        f"disallowed_special=(enc.special_tokens_set - {{{token!r}}}), "
        "or disallowed_special=() for all special tokens."
    )
