"""The ids of one text, put into a sink: split by the engine, or by the regex library."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from engine.base.errors cimport exception_is_set, raise_status
from engine.base.interrupt cimport run_signal_handlers
from engine.base.types cimport STATUS_OK
from engine.encode.pieces cimport encode_piece
from engine.encode.text cimport encode_text
from engine.sink.id_buffer cimport append_id
from engine.text.special_tokens cimport Occurrence, find_special


cdef int encode_into(CoreBPE core, text, const TextView *view, bytearray mask, bint counting,
                     Workspace *workspace, IdBuffer *sink) except -1:
    """Encodes a text into a sink, in place of what that has; arguments as for `append_text`."""
    sink.length = 0
    return append_text(core, text, view, mask, counting, workspace, sink)


cdef inline int append_text(CoreBPE core, text, const TextView *view, bytearray mask,
                            bint counting, Workspace *workspace, IdBuffer *sink) except -1:
    """Appends the ids of a text to a sink; the special tokens of the mask are encoded as such."""
    cdef const uint8_t *allowed = mask_data(mask)
    cdef bint any_allowed = mask_names_any(core.special_tokens, mask)
    cdef int status
    workspace.last_piece_ids = 0
    if core.split_pattern is None:
        return encode_by_regex(core, text, view, allowed, any_allowed, workspace, sink)
    if view.length <= GIL_BYTES:
        status = encode_text(&core.engine, workspace, view, allowed, any_allowed, counting,
                             sink)
    else:
        with nogil:
            status = encode_text(&core.engine, workspace, view, allowed, any_allowed,
                                 counting, sink)
    if status != STATUS_OK:
        raise_status(status, text)
    return 0


cdef int encode_by_regex(CoreBPE core, text, const TextView *view, const uint8_t *allowed,
                         bint any_allowed, Workspace *workspace, IdBuffer *sink) except -1:
    """Encodes a text whose split pattern only the regex library can run."""
    cdef size_t position = 0, before
    cdef Occurrence found
    cdef bytes piece
    found.start = view.length
    while True:
        if any_allowed:
            found = find_special(&core.special_tokens.trie, &core.engine.vectors, view,
                                 position, allowed)
        for match in core.regex_pattern.finditer(text[position:found.start]):
            piece = match.group().encode("utf-8")
            if run_signal_handlers():
                exception_is_set()
            if not piece:
                raise ValueError(
                    f"the split pattern matches the empty string: {core.pattern!r}")
            before = sink.length
            append_piece(core, piece, True, workspace, sink)
            workspace.last_piece_ids = sink.length - before
        if found.start == view.length:
            return 0
        if append_id(sink, found.id, False) != STATUS_OK:
            raise MemoryError("no memory for the ids")
        workspace.last_piece_ids = 0
        position = found.end


cdef int append_piece(CoreBPE core, bytes piece, bint valid_utf8, Workspace *workspace,
                      IdBuffer *sink) except -1:
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(piece)
    cdef size_t length = <size_t>PyBytes_GET_SIZE(piece)
    cdef int status
    with nogil:
        status = encode_piece(&core.vocabulary.tables, workspace, data, length, valid_utf8,
                              sink)
    if status != STATUS_OK:
        raise_status(status, piece)
    return 0
