"""Where tokens begin in their joint text."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.sequence cimport PySequence_Check
from libc.stdint cimport int64_t, uint8_t, uint32_t

from api.arguments cimport collect_ids
from engine.decode.ids cimport SpecialBytes, decoded_length
from engine.decode.offsets cimport (
    TokenLengths, decode_with_starts, length_of, open_token_lengths)
from engine.encode.workspace cimport Workspace, give_back
from engine.sink.int_lists cimport list_of_ids


def decode_with_offsets(CoreBPE core not None, tokens) -> tuple:
    """Returns the bytes of some ids, and the character in which each token begins.

    Args:
        core: the engine.
        tokens: an iterable of ids.

    Raises:
        KeyError: an id is unknown.
        OverflowError: an id is out of range, or there are 2**32 characters or more.
    """
    cdef Workspace *workspace = core.take()
    cdef const SpecialBytes *special = &core.special_tokens.token_bytes
    cdef size_t length, unknown, count
    cdef TokenLengths lengths
    cdef bytes joined
    cdef uint32_t *ids
    cdef uint8_t *out
    try:
        collect_ids(tokens if PySequence_Check(tokens) else list(tokens), &workspace.ids)
        ids = workspace.ids.data
        count = workspace.ids.length
        length = decoded_length(&core.vocabulary.tables, special, ids, count, &unknown)
        if unknown < count:
            raise KeyError(str(ids[unknown]))
        if length >= <size_t>1 << 32:
            raise OverflowError(f"{length} bytes are too many for offsets")
        joined = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>length)
        out = <uint8_t *>PyBytes_AS_STRING(joined)
        with nogil:
            open_token_lengths(&lengths, &core.vocabulary.lengths, &core.vocabulary.tables,
                               special, False, count)
            decode_with_starts(&lengths, ids, count, out, out + length)
        return joined, list_of_ids(&int_objects, ids, count)
    finally:
        give_back(&core.vocabulary.pool, workspace)


def token_offsets(CoreBPE core not None, TokenBuffer ids not None, int64_t[:, ::1] places,
                  bint in_bytes) -> int:
    """Finds where the tokens of a text begin and end.

    Args:
        core: the engine.
        ids: of the text.
        places: receives where each token begins and ends, int64[n, 2].
        in_bytes: whether places are bytes of UTF-8, or characters.

    Returns:
        The length of the tokens' joint text, in the same unit.
    """
    cdef size_t count = ids.ids.length, length, total = 0, i
    cdef TokenLengths lengths
    cdef bint inside
    if <size_t>places.shape[0] != count or places.shape[1] != 2:
        raise ValueError(f"{count} ids need as many places, not {places.shape[0]}")
    with nogil:
        open_token_lengths(&lengths, &core.vocabulary.lengths, core.engine.vocabulary,
                           &core.special_tokens.token_bytes, in_bytes, count)
        for i in range(count):
            length = length_of(&lengths, ids.ids.data[i], &inside)
            places[i, 0] = <int64_t>(total - (inside and total > 0))
            total += length
            places[i, 1] = <int64_t>total
    return total
