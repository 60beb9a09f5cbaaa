from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.decode.offsets cimport LengthTables
from engine.encode.workspace cimport WorkspacePool
from engine.growing.token_parts cimport TokenParts
from engine.vocab.file cimport DIGEST_WORDS, TableFile
from engine.vocab.tables cimport Vocabulary as VocabularyTables


cdef class Vocabulary:
    cdef VocabularyTables tables
    cdef TableFile file         # where the tables are mapped from; without memory they are owned
    cdef uint64_t digest_words[DIGEST_WORDS]
    cdef WorkspacePool pool
    cdef LengthTables lengths
    cdef uint32_t *order        # what token_order returns, or NULL
    cdef TokenParts parts       # made when a growing text first needs them
    cdef bint has_parts
    cdef object __weakref__

    cdef int _build(self, RankTable ranks, bytes seeds) except -1
    cdef int _open(self, path) except -1
    cdef bint _has_ranks(self, uint32_t count, const uint32_t *ids, const uint32_t *starts,
                         const uint8_t *token_bytes) noexcept
    cdef const TokenParts *token_parts(self) except NULL
    cdef const uint32_t *token_order(self) except NULL
    cdef bytes token(self, uint32_t index)


cdef uint64_t random_word() except? 0
