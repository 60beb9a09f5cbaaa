"""`StreamEncoder`: the ids of a growing text."""

cimport cython

from api.arguments cimport exact_str, view_text
from engine.base.errors cimport raise_status
from engine.base.exclusive cimport enter, leave
from engine.sink.int_lists cimport list_of_ids
from engine.growing.encoder cimport PieceStream, close_stream, end_stream, feed_stream, open_stream
from engine.base.types cimport STATUS_OK
from engine.growing.settled cimport open_settling
from engine.encode.workspace cimport Workspace, give_back
from engine.text.utf8 cimport TextView, holds_surrogate


def _make_encoder_arguments():
    def StreamEncoder(encoding, *, allowed_special=frozenset(), disallowed_special="all"):
        return encoding, allowed_special, disallowed_special
    return StreamEncoder


cdef object encoder_arguments = _make_encoder_arguments()


def _resume_encoder(encoding, allowed, disallowed, text, tail, half, flushed):
    """Returns the encoder that `StreamEncoder.__reduce__` describes."""
    cdef StreamEncoder encoder = StreamEncoder(
        encoding, allowed_special=allowed, disallowed_special=disallowed)
    encoder._resume(text, tail, half, flushed)
    return encoder


cdef int enter_encoder(bint *in_use) except -1:
    """Begins a call; `leave` ends it."""
    if not enter(in_use):
        raise RuntimeError("this encoder is in use, by another thread or by a call that this "
                           "signal handler has interrupted")
    return 0


@cython.final
cdef class StreamEncoder:
    """Encodes a text that arrives in chunks; returns each id once no more text can change it.

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
        TypeError: `encoding` is not a `bpecore.Encoding`, or `allowed_special` not a set.
        ValueError: the split pattern needs the regex library.

    Example:
        >>> import bpecore
        >>> encoder = bpecore.StreamEncoder(bpecore.get_encoding("o200k_base"))
        >>> encoder.feed("hel"), encoder.feed("lo wor"), encoder.feed("ld"), encoder.flush()
        ([], [24912], [], [2375])
    """

    cdef PieceStream stream
    cdef object encoding
    cdef CoreBPE core
    cdef StreamText special
    cdef object changed  # what takes the text instead of `stream`, or None
    cdef bint in_use     # a call is running
    cdef bint flushed

    __signature__ = Signature(encoder_arguments)

    def __cinit__(self, *arguments, **named):
        cdef CoreBPE core
        encoding, allowed_special, disallowed_special = encoder_arguments(*arguments, **named)
        core = core_of(encoding)
        self.encoding = encoding
        self.core = core
        self.special = StreamText(core, allowed_special, disallowed_special,
                                  encoding.special_tokens_set)
        open_stream(&self.stream, &core.vocabulary.tables, core.engine.automaton,
                    core.engine.special_tokens)
        self.stream.allowed = <const uint8_t *><char *>self.special.allowed
        self.stream.any_allowed = self.special.any_allowed
        self.changed = changed_text(encoding, False, self.special)

    def __dealloc__(self):
        close_stream(&self.stream)

    def __repr__(self) -> str:
        state = "in use"
        if enter(&self.in_use):
            try:
                state = f"waiting_characters={len(self._waiting()) + len(self.special.half)}"
            finally:
                leave(&self.in_use)
        return f"<StreamEncoder of {self.encoding.name!r}: {'flushed' if self.flushed else state}>"

    def __copy__(self):
        return copied(self)

    def __deepcopy__(self, memo):
        return copied(self)

    def _settle_long_pieces(self, size_t stretch) -> None:
        """From now on also returns the ids of an unfinished piece that nothing can change.

        For pieces of many megabytes, which need not be held then, but take longer. An encoder in
        such a piece cannot be copied.

        Args:
            stretch: bytes of a piece that are looked at together, at least.
        """
        cdef int status
        self._enter()
        try:
            if (self.changed is not None or self.core.vocabulary.tables.misses_bytes
                    or self.stream.settling.tables != NULL):
                return
            status = open_settling(
                &self.stream.settling, &self.core.vocabulary.tables,
                self.core.vocabulary.token_parts(), self.core.engine.automaton,
                self.core.split_pattern.state_count, stretch)
            if status != STATUS_OK:
                raise_status(status, None)
        finally:
            leave(&self.in_use)

    def __reduce__(self):
        """An encoder is pickled as its arguments, and the text that waits."""
        enter_encoder(&self.in_use)
        try:
            if self.stream.settling.inside:
                raise ValueError("the encoder is inside a long piece of which ids were returned")
            text = self._waiting()
            if self.changed is not None and not self.flushed:
                text = self.changed.state
            return _resume_encoder, (
                self.encoding, *self.special.permissions(), text, self.special.tail,
                self.special.half, self.flushed)
        finally:
            leave(&self.in_use)

    cdef str _waiting(self):
        """Returns the text whose ids are not sure yet."""
        if self.flushed:
            return ""
        if self.changed is not None:
            return self.changed.waiting
        return self.stream.text.buffer.data[
            self.stream.run.start:self.stream.text.length].decode("utf-8")

    cdef int _resume(self, text, str tail, str half, bint flushed) except -1:
        """Takes text whose ids are not sure."""
        cdef TextView view
        if self.changed is None or flushed:
            view_text(text, &view)
            self._encode(text, &view, False)
        else:
            self.changed.resume(text)
        self.special.tail = tail
        self.special.half = half
        self.flushed = flushed
        return 0

    def feed(self, chunk) -> list:
        """Takes the next chunk of the text.

        Args:
            chunk: any string; it may be empty.

        Returns:
            The next ids of the whole text that are now sure; often none.

        Raises:
            TypeError: `chunk` is not a string.
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
        if self.changed is None:
            ids = self._encode(chunk, &view, False)
        else:
            ids = self.changed.feed(chunk)
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
            if self.changed is None:
                ids = self._encode(rest, &view, True)
            else:
                ids = self.changed.feed(rest, True)
            self.flushed = True
            close_stream(&self.stream)
            return ids
        finally:
            leave(&self.in_use)

    cdef int _enter(self) except -1:
        """Begins a call, if one is possible; `leave` ends it."""
        enter_encoder(&self.in_use)
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
