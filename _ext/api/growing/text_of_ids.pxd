from libc.stdint cimport uint8_t, uint32_t

from engine.base.heap cimport ByteBuffer
from engine.decode.ids cimport TokenBytes
from engine.decode.known_ids cimport IdRules
from engine.sink.id_buffer cimport IdBuffer

cdef struct PendingBytes:
    uint8_t bytes[7]     # the beginning of an incomplete character
    uint8_t count        # at most 3


cdef class TextOfIds:
    cdef object encoding
    cdef CoreBPE core
    cdef bytes errors
    cdef ByteBuffer joined     # the pending bytes, then those of the new ids
    cdef IdBuffer ids
    cdef bint in_use           # a call is running
    cdef bint has_rules        # ids may be left out or replaced
    cdef IdRules rules         # how

    cdef int _open(self, encoding, errors) except -1
    cdef int _open_rules(self, skip_special, unknown) except -1
    cdef int _enter(self) except -1
    cdef str _described(self)
    cdef TokenBytes _bytes_of(self, uint32_t token_id) noexcept
    cdef str _decode(self, const uint8_t *data, size_t length, PendingBytes *pending)
    cdef str _decode_one(self, uint32_t token_id, PendingBytes *pending)
    cdef str _decode_many(self, const uint32_t *ids, size_t count, PendingBytes *pending)
    cdef str _decode_known(
        self, uint32_t *ids, size_t count, PendingBytes *pending, tokens, size_t first)
    cdef str _decode_next(
        self, uint32_t *ids, size_t count, PendingBytes *pending, tokens, size_t first)
    cdef str _decode_object(self, ids, PendingBytes *pending)
    cdef int _collect(self, tokens) except -1
    cdef str _decode_rest(self, const PendingBytes *pending)


cdef bytes saved_bytes(const PendingBytes *pending)
cdef PendingBytes pending_bytes(bytes saved) except *
cdef int put(list texts, size_t place, str text) except -1
