"""`StreamDecoder`: the text of one growing sequence of ids."""

cimport cython
from engine.base.exclusive cimport leave


def _make_decoder_arguments():
    def StreamDecoder(encoding, errors="replace", *, skip_special=False, unknown="raise"):
        return encoding, errors, skip_special, unknown
    return StreamDecoder


cdef object decoder_arguments = _make_decoder_arguments()


def _resume_decoder(encoding, errors, skip_special, unknown, pending, flushed):
    """Returns the decoder that `StreamDecoder.__reduce__` describes."""
    cdef StreamDecoder decoder = StreamDecoder(
        encoding, errors, skip_special=skip_special, unknown=unknown)
    decoder.pending = pending_bytes(pending)
    decoder.flushed = flushed
    return decoder


@cython.final
cdef class StreamDecoder(TextOfIds):
    """Decodes ids as they arrive, for example from a model.

    The texts returned by all calls of `feed` and by the final `flush` together are
    `encoding.decode` of all ids. The first bytes of a character are held back until the rest has
    arrived. Not for several threads at once.

    Args:
        encoding: a `bpecore.Encoding`.
        errors: what to do about invalid UTF-8, as in `bytes.decode`.
        skip_special: as for `Encoding.decode`, as is `unknown`.

    Raises:
        TypeError: `encoding` is not a `bpecore.Encoding`, or `errors` not a string.
        ValueError: `unknown` is none of the three.
        LookupError: there is no error handler of that name.

    Example:
        >>> import bpecore
        >>> encoding = bpecore.get_encoding("o200k_base")
        >>> decoder = bpecore.StreamDecoder(encoding)
        >>> [decoder.feed(id) for id in encoding.encode("hi 𓀀!")], decoder.flush()
        (['hi', ' ', '', '', '', '𓀀', '!'], '')
    """

    cdef PendingBytes pending
    cdef bint flushed

    __signature__ = Signature(decoder_arguments)

    def __cinit__(self, *arguments, **named):
        encoding, errors, skip_special, unknown = decoder_arguments(*arguments, **named)
        self._open(encoding, errors)
        self._open_rules(skip_special, unknown)

    def __repr__(self) -> str:
        state = "flushed" if self.flushed else f"pending={saved_bytes(&self.pending)!r}"
        return f"{self._described()}{state}>"

    def __copy__(self):
        return copied(self)

    def __deepcopy__(self, memo):
        return copied(self)

    def __reduce__(self):
        """A decoder is pickled as its arguments, and the beginning of an incomplete character."""
        self._enter()
        try:
            return _resume_decoder, (
                self.encoding, self.errors.decode("utf-8"), bool(self.rules.skip_special),
                name_of_unknown(&self.rules), saved_bytes(&self.pending), self.flushed)
        finally:
            leave(&self.in_use)

    def feed(self, ids) -> str:
        """Takes the next id, or several; none of them if there is an error.

        Args:
            ids: an int, or a sequence of ints: list, tuple, numpy array, …

        Returns:
            The text that the ids complete, which may be empty.

        Raises:
            KeyError: an id is unknown, and `unknown` is "raise".
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1, and the last two arguments of the
                decoder have their defaults.
            TypeError: `ids` is neither an int nor a sequence of ints.
            ValueError: the decoder has been flushed.
            RuntimeError: the decoder is in use by another call.
        """
        self._enter()
        try:
            if self.flushed:
                raise ValueError("the decoder has been flushed: make a new one for other ids")
            return self._decode_object(ids, &self.pending)
        finally:
            leave(&self.in_use)

    def flush(self) -> str:
        """Ends the text.

        Returns:
            What `errors` makes of an incomplete character at the end; empty if there is none.

        Raises:
            UnicodeDecodeError: there is one and `errors` is "strict". The decoder can continue.
            ValueError: the decoder has already been flushed.
            RuntimeError: the decoder is in use by another call.
        """
        cdef str text
        self._enter()
        try:
            if self.flushed:
                raise ValueError("the decoder has been flushed: make a new one for other ids")
            text = self._decode_rest(&self.pending)
            self.flushed = True
            return text
        finally:
            leave(&self.in_use)
