"""`StreamDecoder`: the text of ids that come one after the other."""

import codecs

cimport cython
from cpython.long cimport PyLong_CheckExact
from cpython.number cimport PyIndex_Check
from cpython.sequence cimport PySequence_Check
from libc.string cimport memcpy

from api.arguments cimport checked_id, collect_ids
from engine.decode.ids cimport bytes_of
from engine.base.exclusive cimport enter, leave
from engine.sink.id_buffer cimport release_ids
from engine.base.heap cimport grow_bytes, release
from engine.decode.short_text cimport decode_short_text
from engine.base.types cimport STATUS_OK, check

cdef extern from "Python.h":
    # Decodes all but an incomplete sequence at the end; `consumed` NULL: that too.
    str PyUnicode_DecodeUTF8Stateful(const char *data, Py_ssize_t size, const char *errors,
                                     Py_ssize_t *consumed)


cdef class TextOfIds:
    """What decoders share: the tokens' bytes, and how to decode behind pending ones."""

    cdef int _open(self, encoding, errors) except -1:
        core = getattr(encoding, "_core_bpe", None)
        if not isinstance(core, CoreBPE):
            raise TypeError(f"expected a bpecore.Encoding, got {type(encoding).__name__}")
        self.core = core
        if not isinstance(errors, str):
            raise TypeError(f"errors must be str, not {type(errors).__name__}")
        codecs.lookup_error(errors)   # LookupError: there is no such handler
        self.errors = errors.encode("utf-8")
        return 0

    def __dealloc__(self):
        release(self.joined.data)
        release_ids(&self.ids, True)

    cdef inline int _enter(self) except -1:
        """Begins a call that reads ids or runs an error handler; `leave` ends it."""
        if not enter(&self.in_use):
            raise RuntimeError("this decoder is in use, by another thread or by a call that runs "
                               "this error handler or `__index__`")
        return 0

    cdef inline TokenBytes _bytes_of(self, uint32_t token_id) noexcept:
        return bytes_of(&self.core.vocabulary.tables, &self.core.special_tokens.token_bytes,
                        token_id)

    cdef str _decode(self, const uint8_t *data, size_t length, PendingBytes *pending):
        """Decodes bytes that stand behind the pending ones, up to what is incomplete.

        Args:
            data: the pending bytes and the new ones.
            pending: receives what is incomplete; as it was if this raises.
        """
        # Of ASCII alone CPython before 3.9.18, 3.10.13 and 3.11.5 does not tell that it is all
        # consumed (its issue 99612).
        cdef Py_ssize_t consumed = <Py_ssize_t>length
        cdef size_t i
        cdef str text = decode_short_text(data, length)
        if text is not None:
            pending.count = 0
            return text
        text = PyUnicode_DecodeUTF8Stateful(
            <const char *>data, <Py_ssize_t>length, self.errors, &consumed)
        check(length - <size_t>consumed < sizeof(pending.bytes))
        pending.count = <uint8_t>(length - consumed)
        for i in range(pending.count):
            pending.bytes[i] = data[consumed + i]
        return text

    cdef str _decode_one(self, uint32_t token_id, PendingBytes *pending):
        """Decodes one id behind what is pending, which is updated."""
        cdef TokenBytes token = self._bytes_of(token_id)
        if token.data == NULL:
            raise KeyError(f"Invalid token for decoding: {token_id}")
        if pending.count == 0:
            return self._decode(token.data, token.length, pending)
        if grow_bytes(&self.joined, token.length + sizeof(PendingBytes)) != STATUS_OK:
            raise MemoryError("no memory to decode")
        memcpy(self.joined.data, pending.bytes, pending.count)
        memcpy(self.joined.data + pending.count, token.data, token.length)
        return self._decode(self.joined.data, token.length + pending.count, pending)

    cdef str _decode_many(self, const uint32_t *ids, size_t count, PendingBytes *pending):
        """Decodes ids behind what is pending, which is updated."""
        cdef size_t length = pending.count, i
        cdef TokenBytes token
        for i in range(count):
            token = self._bytes_of(ids[i])
            if token.data == NULL:
                raise KeyError(f"Invalid token for decoding: {ids[i]}")
            length += token.length
        if grow_bytes(&self.joined, length + sizeof(PendingBytes)) != STATUS_OK:
            raise MemoryError("no memory to decode")
        memcpy(self.joined.data, pending.bytes, pending.count)
        length = pending.count
        for i in range(count):
            token = self._bytes_of(ids[i])
            memcpy(self.joined.data + length, token.data, token.length)
            length += token.length
        return self._decode(self.joined.data, length, pending)

    cdef str _decode_object(self, ids, PendingBytes *pending):
        """Decodes an id or a sequence of ids."""
        if PyLong_CheckExact(ids) or (PyIndex_Check(ids) and not PySequence_Check(ids)):
            return self._decode_one(checked_id(ids), pending)
        collect_ids(ids, &self.ids)
        if self.ids.length == 1:
            return self._decode_one(self.ids.data[0], pending)
        return self._decode_many(self.ids.data, self.ids.length, pending)

    cdef str _decode_rest(self, const PendingBytes *pending):
        """Decodes pending bytes as the end of a text."""
        return PyUnicode_DecodeUTF8Stateful(
            <const char *>pending.bytes, pending.count, self.errors, NULL)


@cython.final
cdef class StreamDecoder(TextOfIds):
    """StreamDecoder(encoding, errors="replace")
--

    Decodes ids that come one after the other, as a model makes them.

    What all calls of `feed` and the final `flush` return is together `encoding.decode` of all ids.
    A character's first bytes are held back until the rest of them has come. Not for several
    threads at once.

    Args:
        encoding: a `bpecore.Encoding`.
        errors: what to do where the bytes are no valid UTF-8, as in `bytes.decode`.

    Raises:
        TypeError: `encoding` is none, or `errors` no string.
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

    def __cinit__(self, encoding, errors="replace"):
        self._open(encoding, errors)

    def feed(self, ids) -> str:
        """Takes the next id, or several.

        Args:
            ids: an int, or a sequence of ints: list, tuple, numpy array, …

        Returns:
            The text that they complete, which may be empty.

        Raises:
            KeyError: an id is unknown.
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: neither an int nor a sequence of ints.
            ValueError: the decoder has been flushed.
            RuntimeError: the decoder is in use by another call.

            No id of the call is taken then.
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
            UnicodeDecodeError: there is one and `errors` is "strict". The decoder can go on.
            ValueError: the decoder has been flushed before.
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
