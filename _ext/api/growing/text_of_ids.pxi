"""What the decoders share: how ids become text after bytes that are still pending."""

import codecs

from cpython.list cimport PyList_SET_ITEM
from cpython.long cimport PyLong_CheckExact
from cpython.number cimport PyIndex_Check
from cpython.ref cimport Py_INCREF
from cpython.sequence cimport PySequence_Check
from libc.string cimport memcpy, memset

from api.arguments cimport checked_id, collect_numbers
from engine.base.exclusive cimport enter
from engine.base.heap cimport grow_bytes, release
from engine.base.types cimport STATUS_OK, check
from engine.decode.ids cimport SpecialBytes, bytes_of, decode_ids, decoded_length
from engine.decode.known_ids cimport NO_BYTES, UNKNOWN_REFUSED, decode_kept, keep_ids
from engine.decode.short_text cimport decode_short_text
from engine.sink.id_buffer cimport release_ids
from engine.vocab.tables cimport Vocabulary as VocabularyTables

cdef extern from "Python.h":
    # Decodes all but an incomplete sequence at the end; that too if `consumed` is NULL.
    str PyUnicode_DecodeUTF8Stateful(const char *data, Py_ssize_t size, const char *errors,
                                     Py_ssize_t *consumed)


cdef class TextOfIds:
    """A decoder of ids whose text may end in an incomplete character."""

    cdef int _open(self, encoding, errors) except -1:
        core = getattr(encoding, "_core_bpe", None)
        if not isinstance(core, CoreBPE):
            raise TypeError(f"expected a bpecore.Encoding, got {type(encoding).__name__}")
        self.encoding = encoding
        self.core = core
        if not isinstance(errors, str):
            raise TypeError(f"errors must be str, not {type(errors).__name__}")
        codecs.lookup_error(errors)   # raises LookupError if there is no such handler
        self.errors = errors.encode("utf-8")
        return 0

    cdef int _open_rules(self, skip_special, unknown) except -1:
        self.rules = rules_of(self.core, skip_special, unknown)
        self.has_rules = self.rules.skip_special or self.rules.unknown != UNKNOWN_REFUSED
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

    cdef str _described(self):
        """Returns the beginning of a `repr`."""
        return (f"<{type(self).__name__} of {self.encoding.name!r}: "
                f"errors={self.errors.decode('utf-8')!r}, ")

    cdef inline TokenBytes _bytes_of(self, uint32_t token_id) noexcept:
        return bytes_of(&self.core.vocabulary.tables, &self.core.special_tokens.token_bytes,
                        token_id)

    cdef str _decode(self, const uint8_t *data, size_t length, PendingBytes *pending):
        """Decodes bytes up to an incomplete character at the end.

        Args:
            data: the pending bytes, then the new ones.
            pending: receives the incomplete character; unchanged if this raises.
        """
        # If all is ASCII, CPython before 3.9.18, 3.10.13 and 3.11.5 does not set `consumed` (its
        # issue 99612).
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
        """Decodes one id after the pending bytes, which are updated."""
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
        """Decodes ids after the pending bytes, which are updated."""
        cdef const VocabularyTables *tables = &self.core.vocabulary.tables
        cdef const SpecialBytes *special = &self.core.special_tokens.token_bytes
        cdef size_t unknown
        cdef size_t length = decoded_length(tables, special, ids, count, &unknown)
        cdef uint8_t *out
        if unknown < count:
            raise KeyError(f"Invalid token for decoding: {ids[unknown]}")
        if grow_bytes(&self.joined, length + sizeof(PendingBytes)) != STATUS_OK:
            raise MemoryError("no memory to decode")
        memcpy(self.joined.data, pending.bytes, pending.count)
        out = self.joined.data + pending.count
        decode_ids(tables, special, ids, count, out, out + length)
        return self._decode(self.joined.data, length + pending.count, pending)

    cdef str _decode_known(
        self, uint32_t *ids, size_t count, PendingBytes *pending, tokens, size_t first
    ):
        """Decodes ids by the rules after the pending bytes, which are updated.

        Args:
            ids: [count], overwritten.
            tokens: what the ids were made from, from `first` on; for errors.
        """
        cdef const VocabularyTables *tables = &self.core.vocabulary.tables
        cdef const SpecialBytes *special = &self.core.special_tokens.token_bytes
        cdef size_t length = keep_ids(tables, special, &self.rules, ids, &count)
        cdef uint8_t *out
        if length == NO_BYTES:
            raise_unknown(tokens, first + count)
        if grow_bytes(&self.joined, length + sizeof(PendingBytes)) != STATUS_OK:
            raise MemoryError("no memory to decode")
        memcpy(self.joined.data, pending.bytes, pending.count)
        out = self.joined.data + pending.count
        decode_kept(tables, special, ids, count, out, out + length)
        return self._decode(self.joined.data, length + pending.count, pending)

    cdef str _decode_next(
        self, uint32_t *ids, size_t count, PendingBytes *pending, tokens, size_t first
    ):
        """Decodes ids that `_collect` has collected; arguments as for `_decode_known`."""
        if self.has_rules:
            return self._decode_known(ids, count, pending, tokens, first)
        if count == 1:
            return self._decode_one(ids[0], pending)
        return self._decode_many(ids, count, pending)

    cdef str _decode_object(self, ids, PendingBytes *pending):
        """Decodes an id or a sequence of ids."""
        if PyLong_CheckExact(ids) or (PyIndex_Check(ids) and not PySequence_Check(ids)):
            if not self.has_rules:
                return self._decode_one(checked_id(ids), pending)
            ids = (ids,)
        self._collect(ids)
        return self._decode_next(self.ids.data, self.ids.length, pending, ids, 0)

    cdef int _collect(self, tokens) except -1:
        """Reads a sequence of ids into `ids`."""
        return collect_numbers(
            tokens, &self.ids, &self.rules.no_token if self.has_rules else NULL)

    cdef str _decode_rest(self, const PendingBytes *pending):
        """Decodes pending bytes as the end of a text."""
        return PyUnicode_DecodeUTF8Stateful(
            <const char *>pending.bytes, pending.count, self.errors, NULL)


cdef bytes saved_bytes(const PendingBytes *pending):
    """Returns the beginning of an incomplete character, for a pickle."""
    return pending.bytes[:pending.count]


cdef PendingBytes pending_bytes(bytes saved) except *:
    """Returns what `saved_bytes` was given."""
    cdef PendingBytes pending
    if len(saved) >= <Py_ssize_t>sizeof(pending.bytes):
        raise ValueError(f"no character begins with {saved!r:.80}")
    memset(&pending, 0, sizeof(pending))
    memcpy(pending.bytes, <const uint8_t *>saved, <size_t>len(saved))
    pending.count = <uint8_t>len(saved)
    return pending


cdef int put(list texts, size_t place, str text) except -1:
    """Fills a place of a new list."""
    Py_INCREF(text)
    PyList_SET_ITEM(texts, <Py_ssize_t>place, text)
    return 0
