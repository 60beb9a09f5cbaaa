"""Decoding ids when some are not tokens, such as the padding of a batch."""

from cpython.number cimport PyNumber_Index
from cpython.sequence cimport PySequence_Check
from libc.stdint cimport int64_t, uint32_t, UINT32_MAX

from api.arguments cimport PyLong_AsLongLongAndOverflow, refuse_masked
from engine.base.types cimport NO_TOKEN
from engine.decode.ids cimport TokenBytes, bytes_of
from engine.vocab.tables cimport index_of


cpdef bytes decode_known(CoreBPE core, tokens, bint skip_special, str unknown):
    """Returns the bytes of some ids.

    Args:
        core: the engine.
        tokens: a sequence of ids, or of other integers, which are unknown.
        skip_special: leave special tokens out.
        unknown: what becomes of unknown ids: "raise", "skip", or "replace" by U+FFFD.

    Raises:
        KeyError: an id is unknown, and `unknown` is "raise".
        TypeError: `tokens` is a masked array, or not a sequence of integers.
    """
    cdef bytearray joined = bytearray()
    cdef TokenBytes token
    cdef int64_t number
    cdef int overflow = 0
    if core is None:
        raise TypeError("the engine must be a CoreBPE, not None")
    if isinstance(tokens, str) or not PySequence_Check(tokens):
        raise TypeError(f"expected a sequence of ids, got {type(tokens).__name__}")
    refuse_masked(tokens)
    for item in tokens.tolist() if hasattr(tokens, "tolist") else tokens:
        number = PyLong_AsLongLongAndOverflow(PyNumber_Index(item), &overflow)
        token.data = NULL
        if overflow == 0 and 0 <= number <= UINT32_MAX:
            token = bytes_of(&core.vocabulary.tables, &core.special_tokens.token_bytes,
                             <uint32_t>number)
        if token.data == NULL:
            if unknown == "raise":
                raise KeyError(f"Invalid token for decoding: {item}")
            if unknown == "replace":
                joined += b"\xef\xbf\xbd"
        elif not skip_special or index_of(&core.vocabulary.tables, <uint32_t>number) != NO_TOKEN:
            joined += (<const char *>token.data)[:token.length]
    return bytes(joined)
