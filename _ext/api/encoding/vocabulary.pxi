"""Rank tables, and the vocabularies that are built from them or mapped from files."""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.stdint cimport UINT32_MAX
from libc.stdlib cimport qsort
from libc.string cimport memcmp, memcpy, memset

from api.arguments cimport PyLong_CheckExact, checked_id, exact_bytes
from engine.cache.cache cimport CACHE_SEEDS
from engine.base.heap cimport allocate, grow, release
from engine.vocab.file cimport (
    TABLE_DAMAGED, TABLE_FOREIGN, TABLE_HEADER_DAMAGED, TABLE_NO_MEMORY, TABLE_OTHER_LAYOUT,
    TABLE_OTHER_MACHINE, TABLE_SOUND, TABLE_UNREADABLE, TABLE_WRONG_SIZE, TableFault, TableHeader,
    close_tables, digest_ranks, lay_out, open_tables, write_tables)
from engine.growing.token_parts cimport build_token_parts, free_token_parts
from engine.base.types cimport LOAD_SLACK, STATUS_OK, TOKEN_LIMIT
from engine.vocab.tables cimport id_of
from engine.build.tables cimport build_tables, free_vocabulary
from engine.encode.workspace cimport close_pool


cdef uint64_t random_word() except? 0:
    return <uint64_t>int.from_bytes(os.urandom(8), "little")


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

    def __cinit__(self, dict mergeable_ranks not None):
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
            self._sort()
        digest_ranks(self.ids, self.starts, self.token_bytes, self.count,
                     self.digest_words)

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
        # Cython's loop over a dict takes twice as long. What the dict lends may be gone as soon as
        # other code runs: that of a rank that is no plain int.
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
        """Gives the tokens room for so many bytes, keeping what is there."""
        if total > UINT32_MAX - LOAD_SLACK:
            raise ValueError(f"the tokens of a vocabulary may have 4 GB, not {total:,} bytes")
        if grow(<void **>&self.token_bytes, total + LOAD_SLACK) != STATUS_OK:
            raise MemoryError("no memory for a rank table")
        return 0

    cdef int _sort(self) except -1:
        """Puts the tokens into the order of their ranks."""
        cdef uint32_t *unsorted = self.starts
        cdef uint8_t *unsorted_bytes = self.token_bytes
        cdef RankedToken *order = <RankedToken *>allocate(self.count, sizeof(RankedToken))
        cdef uint32_t i, start, length
        self.starts = <uint32_t *>allocate(<size_t>self.count + 1, sizeof(uint32_t))
        self.token_bytes = NULL
        try:
            if order == NULL or self.starts == NULL:
                raise MemoryError("no memory for a rank table")
            self._resize(unsorted[self.count])
            for i in range(self.count):
                order[i].rank = self.ids[i]
                order[i].position = i
            qsort(order, self.count, sizeof(RankedToken), compare_ranks)
            self.starts[0] = 0
            for i in range(self.count):
                start = unsorted[order[i].position]
                length = unsorted[order[i].position + 1] - start
                if i and order[i].rank == order[i - 1].rank:
                    self._refuse_equal_ranks(
                        unsorted, unsorted_bytes, &order[i - 1], &order[i])
                self.ids[i] = order[i].rank
                memcpy(self.token_bytes + self.starts[i], unsorted_bytes + start, length)
                self.starts[i + 1] = self.starts[i] + length
            memset(self.token_bytes + self.starts[self.count], 0, LOAD_SLACK)
        finally:
            release(order)
            release(unsorted)
            release(unsorted_bytes)
        return 0

    cdef int _refuse_equal_ranks(
        self, const uint32_t *starts, const uint8_t *token_bytes, const RankedToken *first,
        const RankedToken *second
    ) except -1:
        cdef uint32_t a = first.position, b = second.position
        raise ValueError(
            f"the tokens {token_bytes[starts[a]:starts[a + 1]]!r} and "
            f"{token_bytes[starts[b]:starts[b + 1]]!r} have the same rank {first.rank}")

    def __dealloc__(self):
        release(self.ids)
        release(self.starts)
        release(self.token_bytes)

    @property
    def digest(self) -> bytes:
        """16 bytes that equal tables have in common; others only by a rare chance."""
        return (<const uint8_t *>self.digest_words)[:sizeof(self.digest_words)]


# Of each TableFault: what is told of the file.
cdef dict TABLE_FAULTS = {
    TABLE_FOREIGN: "it is no file of frozen tables",
    TABLE_OTHER_LAYOUT: "its layout is another version's",
    TABLE_OTHER_MACHINE: "it was made for another kind of machine",
    TABLE_HEADER_DAMAGED: "its header is damaged",
    TABLE_WRONG_SIZE: "it is cut short or has grown",
    TABLE_DAMAGED: "its tables are damaged",
}


cdef class Vocabulary:
    """The frozen tables of one vocabulary; immutable, shared by any number of threads.

    Args:
        source: a `RankTable`, whose memory moves here, so that it cannot be used again; or the
            path of a file of frozen tables, which is checked, then mapped and shared with all
            processes.
        seeds: 16 bytes for the hashes of a rank table that is known to be harmless, so that its
            tables come out the same every time; without them they are random.

    Raises:
        ValueError: the file is foreign, of another version or kind of machine, cut short or
            damaged. The message names it.
        OSError: the file cannot be read.
        MemoryError: the tables do not fit into memory.
    """

    def __cinit__(self, source not None, bytes seeds=None):
        cdef int i
        for i in range(CACHE_SEEDS):
            self.pool.seeds[i] = random_word()
        if isinstance(source, RankTable):
            self._build(source, os.urandom(sizeof(self.tables.seeds)) if seeds is None else seeds)
        else:
            self._open(source)

    cdef int _build(self, RankTable ranks, bytes seeds) except -1:
        cdef int status
        cdef bint gathers = has_gathers()
        if ranks.ids == NULL:
            raise ValueError("the rank table has been turned into a vocabulary already")
        if len(seeds) != sizeof(self.tables.seeds):
            raise ValueError(f"the seeds must be 16 bytes, not {len(seeds)}")
        memcpy(self.tables.seeds, PyBytes_AS_STRING(seeds), sizeof(self.tables.seeds))
        self.tables.token_count = ranks.count
        self.tables.ids = ranks.ids
        self.tables.starts = ranks.starts
        self.tables.token_bytes = ranks.token_bytes
        self.digest_words = ranks.digest_words
        ranks.ids = NULL
        ranks.starts = NULL
        ranks.token_bytes = NULL
        with nogil:
            status = build_tables(&self.tables, gathers)
        if status != STATUS_OK:
            raise MemoryError("no memory for the tables of a vocabulary")
        return 0

    cdef int _open(self, path) except -1:
        # Without waiting for a writer, should it be a pipe.
        cdef int descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        cdef TableFault fault
        cdef uint64_t size
        try:
            size = os.fstat(descriptor).st_size
            with nogil:
                fault = open_tables(
                    descriptor, size, &self.tables, &self.file, self.digest_words)
        finally:
            os.close(descriptor)
        if fault == TABLE_NO_MEMORY:
            raise MemoryError(f"no memory to read {path}")
        if fault == TABLE_UNREADABLE:
            raise OSError(f"{path} cannot be read or mapped")
        if fault != TABLE_SOUND:
            raise ValueError(f"{path} cannot be used: {TABLE_FAULTS[fault]}")
        return 0

    def __dealloc__(self):
        close_pool(&self.pool)
        free_token_parts(&self.parts)
        if self.file.memory != NULL:
            close_tables(&self.file)
        else:
            free_vocabulary(&self.tables)

    def to_bytes(self) -> bytes:
        """Returns the contents of a file of frozen tables."""
        cdef TableHeader header
        cdef bytes contents
        lay_out(&self.tables, self.digest_words, &header)
        contents = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>header.file_bytes)
        write_tables(&self.tables, &header, <uint8_t *>PyBytes_AS_STRING(contents))
        return contents

    @property
    def digest(self) -> bytes:
        """16 bytes that vocabularies of equal ranks have in common; others only by a rare chance.
        """
        return (<const uint8_t *>self.digest_words)[:sizeof(self.digest_words)]

    @property
    def is_mapped(self) -> bool:
        """Whether the tables are mapped from a file."""
        return self.file.memory != NULL

    def has_ranks_of(self, other) -> bool:
        """Whether a `RankTable` or another `Vocabulary` has the same tokens and ranks.

        Raises:
            ValueError: the rank table has been turned into a vocabulary already.
        """
        cdef RankTable ranks
        cdef Vocabulary vocabulary
        if isinstance(other, RankTable):
            ranks = other
            if ranks.ids == NULL:
                raise ValueError("the rank table has been turned into a vocabulary already")
            return self._has_ranks(ranks.count, ranks.ids, ranks.starts, ranks.token_bytes)
        vocabulary = other
        return self._has_ranks(vocabulary.tables.token_count, vocabulary.tables.ids,
                               vocabulary.tables.starts, vocabulary.tables.token_bytes)

    cdef bint _has_ranks(self, uint32_t count, const uint32_t *ids, const uint32_t *starts,
                         const uint8_t *token_bytes) noexcept:
        return (count == self.tables.token_count
                and memcmp(ids, self.tables.ids, count * sizeof(uint32_t)) == 0
                and memcmp(starts, self.tables.starts,
                           (<size_t>count + 1) * sizeof(uint32_t)) == 0
                and memcmp(token_bytes, self.tables.token_bytes, starts[count]) == 0)

    def __len__(self) -> int:
        """Returns the number of tokens."""
        return self.tables.token_count

    @property
    def nbytes(self) -> int:
        """The size of the tables in bytes."""
        return self.tables.table_bytes

    @property
    def highest_id(self) -> int:
        """The highest id of a token."""
        return id_of(&self.tables, self.tables.token_count - 1)

    def mergeable_ranks(self) -> dict:
        """Returns the id of each token's bytes, lowest first; a new dict for every call."""
        cdef uint32_t i
        return {self.token(i): id_of(&self.tables, i) for i in range(self.tables.token_count)}

    @property
    def unreachable_count(self) -> int:
        """How many tokens of two bytes or more no merge produces."""
        return self.tables.unreachable_count

    def sorted_tokens(self) -> list:
        """Returns the bytes of all tokens, sorted. Made once, when first asked for."""
        with cython.critical_section(self):
            if self.all_tokens is None:
                self.all_tokens = sorted([self.token(i) for i in range(self.tables.token_count)])
            return self.all_tokens

    cdef const TokenParts *token_parts(self) except NULL:
        """Returns the parts of the tokens. Made once, when first asked for."""
        with cython.critical_section(self):
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
