from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.vocab.file cimport DIGEST_WORDS


cdef class RankTable:
    cdef uint32_t count
    cdef uint32_t merging_count
    cdef uint32_t *ids          # owned: [count], in the order of ranks; moves to the vocabulary
    cdef uint32_t *by_id        # owned: [count], the ranks in the order of ids; NULL: these are ids
    cdef uint32_t *starts       # owned: [count + 1]
    cdef uint8_t *token_bytes   # owned, followed by LOAD_SLACK bytes
    cdef uint64_t digest_words[DIGEST_WORDS]

    cdef bint _read(self, dict mergeable_ranks) except -1
    cdef int _resize(self, uint64_t total) except -1
    cdef int _reorder(self, bytes order) except -1
    cdef int _sort(self, const uint32_t *ranks) except -1
