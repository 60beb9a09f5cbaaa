"""Decoding ids when some are not tokens, such as the padding of a batch."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from api.arguments cimport checked_id, collect_numbers
from engine.decode.ids cimport SpecialBytes
from engine.decode.known_ids cimport (
    NO_BYTES, IdRules, Unknown, decode_kept, keep_ids, unknown_id)
from engine.encode.workspace cimport Workspace, give_back


cdef tuple unknown_names = ("raise", "replace", "skip")    # in the order of `Unknown`


cdef IdRules rules_of(CoreBPE core, bint skip_special, unknown) except *:
    """Returns what becomes of special and of unknown ids; ValueError if `unknown` is wrong."""
    cdef IdRules rules
    if unknown not in unknown_names:
        raise ValueError(f"unknown must be 'raise', 'replace' or 'skip', not {unknown!r}")
    rules.skip_special = skip_special
    rules.unknown = <Unknown><int>unknown_names.index(unknown)
    rules.no_token = unknown_id(&core.vocabulary.tables, &core.special_tokens.token_bytes)
    return rules


cdef str name_of_unknown(const IdRules *rules):
    """Returns the argument `unknown` of `rules_of`."""
    return unknown_names[<int>rules.unknown]


cdef int raise_unknown(tokens, size_t place) except -1:
    """Raises what `decode_bytes` raises for an unknown id."""
    checked_id(tokens[place])
    raise KeyError(f"Invalid token for decoding: {tokens[place]}")


cpdef bytes decode_known(CoreBPE core, tokens, bint skip_special, unknown):
    """Returns the bytes of some ids.

    Args:
        core: the engine.
        tokens: a sequence of ids, or of other integers, which are unknown.
        skip_special: leave special tokens out.
        unknown: what becomes of unknown ids: "raise", "skip", or "replace" by U+FFFD.

    Raises:
        KeyError: an id is unknown, and `unknown` is "raise".
        OverflowError: likewise, and it is out of the range of ids.
        TypeError: `tokens` is a masked array, or not a sequence of integers.
        ValueError: `unknown` is none of the three.
    """
    cdef Workspace *workspace
    cdef const SpecialBytes *special
    cdef IdRules rules
    cdef size_t count, length
    cdef bytes joined
    cdef uint8_t *out
    if core is None:
        raise TypeError("the engine must be a CoreBPE, not None")
    rules = rules_of(core, skip_special, unknown)
    special = &core.special_tokens.token_bytes
    workspace = core.take()
    try:
        collect_numbers(tokens, &workspace.ids, &rules.no_token)
        count = workspace.ids.length
        length = keep_ids(&core.vocabulary.tables, special, &rules, workspace.ids.data, &count)
        if length == NO_BYTES:
            raise_unknown(tokens, count)
        joined = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>length)
        out = <uint8_t *>PyBytes_AS_STRING(joined)
        decode_kept(&core.vocabulary.tables, special, workspace.ids.data, count, out, out + length)
        return joined
    finally:
        give_back(&core.vocabulary.pool, workspace)
