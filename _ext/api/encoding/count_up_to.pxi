"""`count_up_to`: counting that stops at a limit."""

from api.arguments cimport view_text
from engine.growing.encoder cimport (
    PieceStream, close_stream, encode_stream, feed_stream, open_stream)
from engine.base.errors cimport raise_status
from engine.base.types cimport STATUS_OK
from engine.text.utf8 cimport TextView
from engine.encode.workspace cimport Workspace, give_back

cdef enum:
    FIRST_WINDOW = 1 << 9     # characters that are looked at first
    LAST_WINDOW = 1 << 14     # the most characters read at a time


def count_up_to(CoreBPE core not None, text, size_t limit, allowed_special, disallowed_special,
                special_tokens_set):
    """Counts the tokens of a text as `CoreBPE.count` does, up to a limit.

    Args:
        text: the text.
        limit: tokens.
        allowed_special: as for `encode_checked`.
        disallowed_special: as for `encode_checked`.
        special_tokens_set: as for `encode_checked`.

    Returns:
        The number of tokens, or None if it is above the limit.

    Raises:
        ValueError: as for `encode_checked`, for the part of the text that was read.
        UnicodeEncodeError: the part of the text that was read holds a surrogate.
    """
    cdef TextView view
    cdef StreamText special = StreamText(core, allowed_special, disallowed_special,
                                         special_tokens_set)
    cdef PieceStream stream
    cdef Workspace *workspace
    cdef size_t position = 0, window = FIRST_WINDOW, end
    cdef int status = STATUS_OK
    view_text(text, &view)
    workspace = core.take()
    open_stream(&stream, &core.vocabulary.tables, core.engine.automaton,
                core.engine.special_tokens)
    stream.allowed = <const uint8_t *><char *>special.allowed
    stream.any_allowed = special.any_allowed
    workspace.ids.length = 0
    try:
        while position < view.length:
            end = position + window if view.length - position > window else view.length
            special.tail = special.refuse(text[position:end])
            with nogil:
                status = feed_stream(&stream, workspace, &view, position, end, True,
                                     &workspace.ids)
            if status != STATUS_OK:
                raise_status(status, text[position:end])
            if is_above(&stream, workspace.ids.length, limit, core.longest_token):
                return None
            position = end
            window = min(2 * window, <size_t>LAST_WINDOW)
        with nogil:
            status = encode_stream(&stream, workspace, True, True, &workspace.ids)
        if status != STATUS_OK:
            raise_status(status, "")
        return None if workspace.ids.length > limit else workspace.ids.length
    finally:
        close_stream(&stream)
        give_back(&core.vocabulary.pool, workspace)


cdef bint is_above(const PieceStream *stream, size_t count, size_t limit, size_t longest) noexcept:
    """Returns whether a text is sure to have more tokens than the limit.

    Args:
        count: tokens that no more text can change.
        longest: bytes of the longest token, if every character is in some token; otherwise 0.
    """
    if count > limit:
        return True
    # However the waiting text is split, all its bytes are in tokens.
    return longest > 0 and (stream.text.length - stream.run.start) // longest > limit - count
