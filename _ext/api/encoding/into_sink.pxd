from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer
from engine.text.utf8 cimport TextView

cdef enum:
    GIL_BYTES = 512    # texts up to this size are encoded without letting go of the GIL

cdef int encode_into(CoreBPE core, text, const TextView *view, bytearray mask, bint counting,
                     Workspace *workspace, IdBuffer *sink) except -1
cdef int append_text(CoreBPE core, text, const TextView *view, bytearray mask, bint counting,
                     Workspace *workspace, IdBuffer *sink) except -1
cdef int append_piece(CoreBPE core, bytes piece, bint valid_utf8, Workspace *workspace,
                      IdBuffer *sink) except -1
