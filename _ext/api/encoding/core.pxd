cimport cython
from libc.stdint cimport uint8_t

from engine.encode.text cimport Engine
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer
from engine.text.utf8 cimport TextView

cdef enum:
    GIL_BYTES = 512    # texts up to this size are encoded without letting go of the GIL


@cython.final
cdef class CoreBPE:
    cdef readonly Vocabulary vocabulary
    cdef SplitPattern split_pattern       # None: the regex library splits
    cdef object regex_pattern
    cdef str pattern                      # as the user wrote it
    cdef SpecialTokens special_tokens
    cdef Engine engine

    cdef int _encode_into(self, text, const TextView *view, bytearray mask, bint counting,
                          Workspace *workspace, IdBuffer *sink) except -1
    cdef int _encode_by_regex(self, text, const TextView *view, const uint8_t *allowed,
                              bint any_allowed, Workspace *workspace, IdBuffer *sink) except -1
    cdef int _append_piece(self, bytes piece, bint valid_utf8, Workspace *workspace,
                           IdBuffer *sink) except -1
    cdef list _encode_list(self, text, const TextView *view, bytearray mask)
    cdef Workspace *_take(self) except NULL
    cdef TokenBuffer _encode_buffer(self, text, const TextView *view, bytearray mask)
    cdef list _encode_broken_text(self, bytes text)
