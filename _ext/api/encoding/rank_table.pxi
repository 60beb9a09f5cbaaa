"""`RankTable`: tokens and their ranks, checked and sorted, from which a vocabulary is built."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.stdint cimport UINT32_MAX
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from api.arguments cimport PyLong_CheckExact, checked_id, exact_bytes
from engine.base.heap cimport allocate, grow, release
from engine.base.types cimport LOAD_SLACK, STATUS_OK, TOKEN_LIMIT
from engine.vocab.file cimport digest_ranks


cdef struct RankedToken:
    uint32_t rank
    uint32_t position     # among the tokens as they came


cdef int compare_ranks(const void *a, const void *b) noexcept nogil:
    cdef uint32_t left = (<const RankedToken *>a).rank
    cdef uint32_t right = (<const RankedToken *>b).rank
    return (left > right) - (left < right)


cdef int refuse_equal_ranks(const uint32_t *starts, const uint8_t *token_bytes,
                            const RankedToken *first, const RankedToken *second) except -1:
    cdef uint32_t a = first.position, b = second.position
    raise ValueError(
        f"the tokens {token_bytes[starts[a]:starts[a + 1]]!r} and "
        f"{token_bytes[starts[b]:starts[b + 1]]!r} have the same rank {first.rank}")


cdef class RankTable:
    """Tokens and their ranks, checked and in rank order: what a vocabulary is built from.

    Args:
        mergeable_ranks: the rank of each token's bytes; ranks are distinct, 0 to 2**32 - 1.
        order: if these are ids that are no ranks, the rank of each token, the one with the lowest
            id first: a permutation of 0, 1, … as `uint32[tokens]`.
        merging_count: tokens of this rank and later ones are never made by a merge.

    Raises:
        TypeError: a token is not bytes or a rank is not an int.
        ValueError: two tokens share a rank, there are none or too many tokens, or the order is no
            permutation.
        OverflowError: a rank is negative or above 2**32 - 1.
    """

    def __cinit__(self, dict mergeable_ranks not None, bytes order=None,
                  uint32_t merging_count=UINT32_MAX):
        if len(mergeable_ranks) == 0:
            raise ValueError("a vocabulary needs at least one token: mergeable_ranks is empty")
        if len(mergeable_ranks) > TOKEN_LIMIT:
            raise ValueError(
                f"a vocabulary may have {TOKEN_LIMIT:,} tokens, not {len(mergeable_ranks):,}")
        self.count = <uint32_t>len(mergeable_ranks)
        self.ids = <uint32_t *>allocate(self.count, sizeof(uint32_t))
        self.starts = <uint32_t *>allocate(<size_t>self.count + 1, sizeof(uint32_t))
        if self.ids == NULL or self.starts == NULL:
            raise MemoryError("no memory for a rank table")
        if not self._read(mergeable_ranks):
            self._sort(NULL)
        self.merging_count = self.count
        if order is not None:
            self._reorder(order)
            self.merging_count = min(merging_count, self.count)
        digest_ranks(self.ids, self.starts, self.token_bytes, self.count,
                     self.digest_words)
        self.digest_words[0] += self.count - self.merging_count

    cdef bint _read(self, dict mergeable_ranks) except -1:
        """Reads the tokens as they come; returns whether their ranks are ascending."""
        cdef uint32_t *starts = self.starts
        cdef uint32_t *ids = self.ids
        cdef PyObject *key
        cdef PyObject *rank
        cdef bytes token
        cdef object owned
        cdef Py_ssize_t position = 0
        cdef uint32_t i = 0
        cdef uint64_t end = 0, room = 8 * <uint64_t>self.count
        cdef size_t length
        cdef bint ascending = True
        self._resize(room)
        # Cython's loop over a dict takes twice as long. The references are borrowed, and may be
        # gone after other code has run: reading a rank that is not a plain int runs some.
        with cython.critical_section(mergeable_ranks):
            while PyDict_Next(mergeable_ranks, &position, &key, &rank):
                if i == self.count:
                    raise RuntimeError("mergeable_ranks changed while it was read")
                token = exact_bytes(<object>key)
                length = <size_t>PyBytes_GET_SIZE(token)
                starts[i] = <uint32_t>end
                if end + length > room:
                    room = max(end + length, min(2 * (end + length), UINT32_MAX - LOAD_SLACK))
                    self._resize(room)
                memcpy(self.token_bytes + end, PyBytes_AS_STRING(token), length)
                end += length
                if not PyLong_CheckExact(<object>rank):
                    owned = <object>rank
                ids[i] = checked_id(<object>rank)
                if i and ids[i] <= ids[i - 1]:
                    ascending = False
                i += 1
        if i != self.count:
            raise RuntimeError("mergeable_ranks changed while it was read")
        starts[i] = <uint32_t>end
        self._resize(end)
        memset(self.token_bytes + end, 0, LOAD_SLACK)
        return ascending

    cdef int _resize(self, uint64_t total) except -1:
        """Resizes the memory of the tokens' bytes, keeping what is there."""
        if total > UINT32_MAX - LOAD_SLACK:
            raise ValueError(f"the tokens of a vocabulary may have 4 GB, not {total:,} bytes")
        if grow(<void **>&self.token_bytes, total + LOAD_SLACK) != STATUS_OK:
            raise MemoryError("no memory for a rank table")
        return 0

    cdef int _reorder(self, bytes order) except -1:
        """Puts the tokens into another order than that of their ids."""
        cdef size_t size = self.count * sizeof(uint32_t)
        if <size_t>PyBytes_GET_SIZE(order) != size:
            raise ValueError(f"the order of {self.count:,} tokens must be {size:,} bytes, not "
                             f"{len(order):,}")
        self.by_id = <uint32_t *>copy_bytes(order)
        self._sort(self.by_id)
        return 0

    cdef int _sort(self, const uint32_t *ranks) except -1:
        """Sorts the tokens.

        Args:
            ranks: of the tokens as they are, a permutation of 0, 1, …; NULL: their ids.
        """
        cdef uint32_t *unsorted_ids = self.ids
        cdef uint32_t *unsorted = self.starts
        cdef uint8_t *unsorted_bytes = self.token_bytes
        cdef RankedToken *order = <RankedToken *>allocate(self.count, sizeof(RankedToken))
        cdef uint32_t i, start, length
        self.starts = <uint32_t *>allocate(<size_t>self.count + 1, sizeof(uint32_t))
        self.ids = <uint32_t *>allocate(self.count, sizeof(uint32_t))
        self.token_bytes = NULL
        try:
            if order == NULL or self.starts == NULL or self.ids == NULL:
                raise MemoryError("no memory for a rank table")
            self._resize(unsorted[self.count])
            for i in range(self.count):
                order[i].rank = unsorted_ids[i] if ranks == NULL else ranks[i]
                order[i].position = i
            qsort(order, self.count, sizeof(RankedToken), compare_ranks)
            self.starts[0] = 0
            for i in range(self.count):
                start = unsorted[order[i].position]
                length = unsorted[order[i].position + 1] - start
                if i and order[i].rank == order[i - 1].rank:
                    refuse_equal_ranks(unsorted, unsorted_bytes, &order[i - 1], &order[i])
                if ranks != NULL and order[i].rank != i:
                    raise ValueError(f"no token has the rank {i}")
                self.ids[i] = unsorted_ids[order[i].position]
                memcpy(self.token_bytes + self.starts[i], unsorted_bytes + start, length)
                self.starts[i + 1] = self.starts[i] + length
            memset(self.token_bytes + self.starts[self.count], 0, LOAD_SLACK)
        finally:
            release(order)
            release(unsorted_ids)
            release(unsorted)
            release(unsorted_bytes)
        return 0

    def __dealloc__(self):
        release(self.ids)
        release(self.by_id)
        release(self.starts)
        release(self.token_bytes)

    @property
    def digest(self) -> bytes:
        """16 bytes that are equal for equal tables, and almost certainly different for others."""
        return (<const uint8_t *>self.digest_words)[:sizeof(self.digest_words)]
