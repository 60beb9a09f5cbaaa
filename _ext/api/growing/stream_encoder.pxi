"""`StreamEncoder`: the ids of a growing text."""

cimport cython

from api.arguments cimport exact_str, view_text
from engine.base.errors cimport raise_status
from engine.base.exclusive cimport enter, leave
from engine.sink.int_lists cimport list_of_ids
from engine.growing.encoder cimport PieceStream, close_stream, end_stream, feed_stream, open_stream
from engine.base.types cimport STATUS_OK
from engine.encode.workspace cimport Workspace, give_back
from engine.text.utf8 cimport TextView, holds_surrogate


@cython.final
cdef class StreamEncoder:
    """StreamEncoder(encoding, *, allowed_special=frozenset(), disallowed_special="all")
--

    Encodes a text that arrives in chunks; returns each id once no more text can change it.

    The ids returned by all calls of `feed` and by the final `flush` together are
    `encoding.encode` of the whole text. The piece at the end of the text so far, usually a word,
    waits; so do the possible beginning of a special token and a high surrogate at the end of a
    chunk. Not for several threads at once.

    Args:
        encoding: a `bpecore.Encoding` whose split pattern runs as an automaton, as OpenAI's do.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`; also found where it spans chunks. By then,
            the ids before it may have been returned.

    Raises:
        TypeError: `encoding` is no `bpecore.Encoding`, or `allowed_special` no set.
        ValueError: the split pattern needs the regex library.

    Example:
        >>> import bpecore
        >>> encoder = bpecore.StreamEncoder(bpecore.get_encoding("o200k_base"))
        >>> encoder.feed("hel"), encoder.feed("lo wor"), encoder.feed("ld"), encoder.flush()
        ([], [24912], [], [2375])
    """

    cdef PieceStream stream
    cdef CoreBPE core
    cdef StreamText special
    cdef bint in_use     # a call is running
    cdef bint flushed

    def __cinit__(self, encoding, *, allowed_special=frozenset(), disallowed_special="all"):
        cdef CoreBPE core = core_of(encoding)
        self.core = core
        self.special = StreamText(core, allowed_special, disallowed_special,
                                  encoding.special_tokens_set)
        open_stream(&self.stream, &core.vocabulary.tables, core.engine.automaton,
                    core.engine.special_tokens)
        self.stream.allowed = <const uint8_t *><char *>self.special.allowed
        self.stream.any_allowed = self.special.any_allowed

    def __dealloc__(self):
        close_stream(&self.stream)

    def feed(self, chunk) -> list:
        """Takes the next chunk of the text.

        Args:
            chunk: any string; it may be empty.

        Returns:
            The next ids of the whole text that are now sure; often none.

        Raises:
            TypeError: `chunk` is no string.
            ValueError: it completes a disallowed special token, the vocabulary lacks a byte of the
                text, or the encoder has been flushed. Then the chunk is not taken.
            RuntimeError: the encoder is in use by another call.
        """
        self._enter()
        try:
            return self._feed(exact_str(chunk))
        finally:
            leave(&self.in_use)

    cdef list _feed(self, str chunk):
        cdef TextView view
        cdef str tail, half = ""
        view_text(chunk, &view)
        if self.special.half or holds_surrogate(&view):
            chunk, half = self.special.whole_characters(chunk)
            view_text(chunk, &view)
        tail = self.special.refuse(chunk)
        ids = self._encode(chunk, &view, False)
        self.special.tail = tail
        self.special.half = half
        return ids

    def flush(self) -> list:
        """Ends the text.

        Returns:
            The remaining ids.

        Raises:
            ValueError: the vocabulary lacks a byte of the text, or the encoder has already been
                flushed.
            RuntimeError: the encoder is in use by another call.
        """
        cdef TextView view
        self._enter()
        try:
            rest = "\ufffd" if self.special.half else ""
            view_text(rest, &view)
            ids = self._encode(rest, &view, True)
            self.flushed = True
            close_stream(&self.stream)
            return ids
        finally:
            leave(&self.in_use)

    cdef int _enter(self) except -1:
        """Begins a call, if one is possible; `leave` ends it."""
        if not enter(&self.in_use):
            raise RuntimeError("this encoder is in use, by another thread or by a call that this "
                               "signal handler has interrupted")
        if self.flushed:
            leave(&self.in_use)
            raise ValueError("the encoder has been flushed: make a new one for another text")
        return 0

    cdef list _encode(self, chunk, const TextView *view, bint final):
        cdef Workspace *workspace = self.core.take()
        cdef int status
        workspace.ids.length = 0
        try:
            with nogil:
                if final:
                    status = end_stream(&self.stream, workspace, view, &workspace.ids)
                else:
                    status = feed_stream(&self.stream, workspace, view, 0, view.length, False,
                                         &workspace.ids)
            if status != STATUS_OK:
                raise_status(status, chunk)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.core.vocabulary.pool, workspace)
