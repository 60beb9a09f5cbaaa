"""Rank tables, and the vocabularies that are built from them."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.stdlib cimport qsort
from libc.string cimport memcpy

from arguments cimport checked_id, exact_bytes
from cache cimport CACHE_SEEDS
from memory cimport allocate, allocate_zeroed, release
from token_parts cimport TokenParts, build_token_parts, free_token_parts
from types cimport LOAD_SLACK, STATUS_OK, TOKEN_LIMIT
from vocab cimport Vocabulary as VocabularyTables
from vocab_build cimport build_tables, free_vocabulary
from workspace cimport WorkspacePool, close_pool


cdef uint64_t random_word() except? 0:
    return <uint64_t>int.from_bytes(os.urandom(8), "little")


cdef struct RankedToken:
    uint32_t rank
    uint32_t position     # among the tokens as they came


cdef int compare_ranks(const void *a, const void *b) noexcept nogil:
    cdef uint32_t left = (<const RankedToken *>a).rank
    cdef uint32_t right = (<const RankedToken *>b).rank
    return (left > right) - (left < right)


cdef class RankTable:
    """Tokens and their ranks, checked and in rank order: what a vocabulary is built from.

    Args:
        mergeable_ranks: the rank of each token's bytes; ranks are distinct, 0 to 2**32 - 1.

    Raises:
        TypeError: a token is not bytes or a rank is not an int.
        ValueError: two tokens have one rank, or there are none or too many tokens.
        OverflowError: a rank is negative or above 2**32 - 1.
    """

    cdef uint32_t count
    cdef uint32_t *ids          # owned: [count], ascending; moves to the vocabulary
    cdef uint32_t *starts       # owned: [count + 1]
    cdef uint8_t *token_bytes   # owned, with LOAD_SLACK bytes behind

    def __cinit__(self, dict mergeable_ranks not None):
        cdef RankedToken *order
        if len(mergeable_ranks) == 0:
            raise ValueError("a vocabulary needs at least one token: mergeable_ranks is empty")
        if len(mergeable_ranks) > TOKEN_LIMIT:
            raise ValueError(
                f"a vocabulary may have {TOKEN_LIMIT:,} tokens, not {len(mergeable_ranks):,}")
        self.count = <uint32_t>len(mergeable_ranks)
        order = <RankedToken *>allocate(self.count, sizeof(RankedToken))
        if order == NULL:
            raise MemoryError("no memory for a rank table")
        try:
            self._fill(mergeable_ranks, order)
        finally:
            release(order)

    cdef int _fill(self, dict mergeable_ranks, RankedToken *order) except -1:
        cdef uint64_t total = 0
        cdef uint32_t i = 0
        cdef bytes token
        cdef list tokens = []
        for key, rank in mergeable_ranks.items():
            token = exact_bytes(key)
            tokens.append(token)
            order[i].rank = checked_id(rank)
            order[i].position = i
            total += <uint64_t>PyBytes_GET_SIZE(token)
            i += 1
        if i != self.count:
            raise RuntimeError("mergeable_ranks changed while it was read")
        if total > UINT32_MAX - LOAD_SLACK:
            raise ValueError(f"the tokens of a vocabulary may have 4 GB, not {total:,} bytes")
        qsort(order, self.count, sizeof(RankedToken), compare_ranks)
        self.ids = <uint32_t *>allocate(self.count, sizeof(uint32_t))
        self.starts = <uint32_t *>allocate(<size_t>self.count + 1, sizeof(uint32_t))
        self.token_bytes = <uint8_t *>allocate_zeroed(total + LOAD_SLACK, 1)
        if self.ids == NULL or self.starts == NULL or self.token_bytes == NULL:
            raise MemoryError("no memory for a rank table")
        self.starts[0] = 0
        for i in range(self.count):
            token = <bytes>tokens[order[i].position]
            if i and order[i].rank == order[i - 1].rank:
                raise ValueError(f"the tokens {tokens[order[i - 1].position]!r} and {token!r} "
                                 f"have the same rank {order[i].rank}")
            self.ids[i] = order[i].rank
            memcpy(self.token_bytes + self.starts[i], PyBytes_AS_STRING(token),
                   <size_t>PyBytes_GET_SIZE(token))
            self.starts[i + 1] = self.starts[i] + <uint32_t>PyBytes_GET_SIZE(token)
        return 0

    def __dealloc__(self):
        release(self.ids)
        release(self.starts)
        release(self.token_bytes)

    def digest(self) -> bytes:
        """Returns a 32-byte digest of all tokens and ranks: equal tables have equal digests."""
        import hashlib

        if self.ids == NULL:
            raise ValueError("the rank table has been turned into a vocabulary already")
        state = hashlib.blake2b(digest_size=32)
        state.update(<const uint8_t[:self.count * sizeof(uint32_t)]><const uint8_t *>self.ids)
        state.update(
            <const uint8_t[:(self.count + 1) * sizeof(uint32_t)]><const uint8_t *>self.starts)
        state.update(<const uint8_t[:self.starts[self.count] + 1]>self.token_bytes)
        return state.digest()


cdef class Vocabulary:
    """The frozen tables of one vocabulary; immutable, shared by any number of threads.

    Args:
        ranks: the tokens. Their memory moves here; the rank table cannot be used again.

    Raises:
        MemoryError: the tables do not fit into memory.
    """

    cdef VocabularyTables tables
    cdef WorkspacePool pool
    cdef list all_tokens        # what sorted_tokens returns, or None
    cdef TokenParts parts       # made when a growing text first needs them
    cdef bint has_parts
    cdef object __weakref__

    def __cinit__(self, RankTable ranks not None):
        cdef int status, i
        if ranks.ids == NULL:
            raise ValueError("the rank table has been turned into a vocabulary already")
        self.tables.seeds[0] = random_word()
        self.tables.seeds[1] = random_word()
        for i in range(CACHE_SEEDS):
            self.pool.seeds[i] = random_word()
        self.tables.token_count = ranks.count
        self.tables.ids = ranks.ids
        self.tables.starts = ranks.starts
        self.tables.token_bytes = ranks.token_bytes
        ranks.ids = NULL
        ranks.starts = NULL
        ranks.token_bytes = NULL
        with nogil:
            status = build_tables(&self.tables)
        if status != STATUS_OK:
            raise MemoryError("no memory for the tables of a vocabulary")

    def __dealloc__(self):
        close_pool(&self.pool)
        free_token_parts(&self.parts)
        free_vocabulary(&self.tables)

    def __len__(self) -> int:
        """Returns the number of tokens."""
        return self.tables.token_count

    @property
    def nbytes(self) -> int:
        """The size of the tables in bytes."""
        return self.tables.table_bytes

    @property
    def unreachable_count(self) -> int:
        """How many tokens of two bytes or more no merge produces."""
        return self.tables.unreachable_count

    def sorted_tokens(self) -> list:
        """Returns the bytes of all tokens, sorted. Made once, when first asked for."""
        if self.all_tokens is None:
            self.all_tokens = sorted(self.token(i) for i in range(self.tables.token_count))
        return self.all_tokens

    cdef const TokenParts *token_parts(self) except NULL:
        """Returns the parts of the tokens, made under the GIL when first asked for."""
        if not self.has_parts:
            free_token_parts(&self.parts)
            if build_token_parts(&self.tables, &self.parts) != STATUS_OK:
                raise MemoryError("no memory for the parts of the tokens")
            self.has_parts = True
        return &self.parts

    cdef bytes token(self, uint32_t index):
        return PyBytes_FromStringAndSize(
            <const char *>self.tables.token_bytes + self.tables.starts[index],
            self.tables.starts[index + 1] - self.tables.starts[index])
