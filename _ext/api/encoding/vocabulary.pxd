from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.encode.workspace cimport WorkspacePool
from engine.growing.token_parts cimport TokenParts
from engine.vocab.file cimport DIGEST_WORDS, TableFile
from engine.vocab.tables cimport Vocabulary as VocabularyTables

cdef struct RankedToken:
    uint32_t rank
    uint32_t position     # among the tokens as they came


cdef class RankTable:
    cdef uint32_t count
    cdef uint32_t *ids          # owned: [count], ascending; moves to the vocabulary
    cdef uint32_t *starts       # owned: [count + 1]
    cdef uint8_t *token_bytes   # owned, with LOAD_SLACK bytes behind
    cdef uint64_t digest_words[DIGEST_WORDS]

    cdef bint _read(self, dict mergeable_ranks) except -1
    cdef int _resize(self, uint64_t total) except -1
    cdef int _sort(self) except -1
    cdef int _refuse_equal_ranks(
        self, const uint32_t *starts, const uint8_t *token_bytes, const RankedToken *first,
        const RankedToken *second
    ) except -1


cdef class Vocabulary:
    cdef VocabularyTables tables
    cdef TableFile file         # where the tables are mapped from; without memory they are owned
    cdef uint64_t digest_words[DIGEST_WORDS]
    cdef WorkspacePool pool
    cdef list all_tokens        # what sorted_tokens returns, or None
    cdef TokenParts parts       # made when a growing text first needs them
    cdef bint has_parts
    cdef object __weakref__

    cdef int _build(self, RankTable ranks, bytes seeds) except -1
    cdef int _open(self, path) except -1
    cdef bint _has_ranks(self, uint32_t count, const uint32_t *ids, const uint32_t *starts,
                         const uint8_t *token_bytes) noexcept
    cdef const TokenParts *token_parts(self) except NULL
    cdef bytes token(self, uint32_t index)
