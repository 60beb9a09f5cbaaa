"""`Vocabulary`: the tables of a vocabulary, built from a rank table or mapped from a file."""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcmp, memcpy

from engine.cache.cache cimport CACHE_SEEDS, bytes_of_size
from engine.vocab.file cimport (
    TABLE_DAMAGED, TABLE_FOREIGN, TABLE_HEADER_DAMAGED, TABLE_NO_MEMORY, TABLE_OTHER_LAYOUT,
    TABLE_OTHER_MACHINE, TABLE_SOUND, TABLE_UNREADABLE, TABLE_WRONG_SIZE, TableFault, TableHeader,
    close_tables, lay_out, open_tables, write_tables)
from engine.decode.offsets cimport free_length_tables
from engine.growing.token_parts cimport build_token_parts, free_token_parts
from engine.base.heap cimport release
from engine.base.types cimport STATUS_OK
from engine.vocab.tables cimport id_of, index_by_id
from engine.vocab.token_order cimport sort_tokens
from engine.build.tables cimport build_tables, free_vocabulary
from engine.encode.workspace cimport FEWEST_SLOTS, IDLE_WORKSPACES, close_pool


cdef extern from "engine/base/platform.h":
    uint32_t *load_order "bpecore_load_acquire" (uint32_t **place) noexcept
    size_t load_total "bpecore_load_relaxed" (const size_t *place) noexcept
    bint keep_order "bpecore_fill_release" (uint32_t **place, uint32_t *order) noexcept


cdef uint64_t random_word() except? 0:
    return <uint64_t>int.from_bytes(os.urandom(8), "little")


# O_NONBLOCK: if the path is a pipe, do not wait for a writer. Windows needs neither of the others.
cdef int OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

# What each TableFault means, as the end of a message about the file.
cdef dict TABLE_FAULTS = {
    TABLE_FOREIGN: "it is not a file of frozen tables",
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
            tables are the same every time; random if missing.

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
        self.pool.limits = cache_limits
        self.pool.slots = min(max(os.cpu_count() or 1, FEWEST_SLOTS), IDLE_WORKSPACES)
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
        self.tables.merging_count = ranks.merging_count
        self.tables.renumbered = ranks.by_id != NULL
        self.tables.ids = ranks.ids
        self.tables.by_id = ranks.by_id
        self.tables.starts = ranks.starts
        self.tables.token_bytes = ranks.token_bytes
        self.digest_words = ranks.digest_words
        ranks.ids = NULL
        ranks.by_id = NULL
        ranks.starts = NULL
        ranks.token_bytes = NULL
        with nogil:
            status = build_tables(&self.tables, gathers)
        if status != STATUS_OK:
            raise MemoryError("no memory for the tables of a vocabulary")
        return 0

    cdef int _open(self, path) except -1:
        cdef int descriptor = os.open(path, OPEN_FLAGS)
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
        free_length_tables(&self.lengths)
        release(self.order)
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
        """16 bytes that are equal for equal ranks, and almost certainly different for others."""
        return (<const uint8_t *>self.digest_words)[:sizeof(self.digest_words)]

    @property
    def is_mapped(self) -> bool:
        """Whether the tables are mapped from a file."""
        return self.file.memory != NULL

    def has_ranks_of(self, other) -> bool:
        """Returns whether a `RankTable` or another `Vocabulary` has the same tokens and ranks.

        Raises:
            ValueError: the rank table has been turned into a vocabulary already.
        """
        cdef RankTable ranks
        cdef Vocabulary vocabulary
        if isinstance(other, RankTable):
            ranks = other
            if ranks.ids == NULL:
                raise ValueError("the rank table has been turned into a vocabulary already")
            return ranks.merging_count == self.tables.merging_count and self._has_ranks(
                ranks.count, ranks.ids, ranks.starts, ranks.token_bytes)
        vocabulary = other
        return vocabulary.tables.merging_count == self.tables.merging_count and self._has_ranks(
            vocabulary.tables.token_count, vocabulary.tables.ids, vocabulary.tables.starts,
            vocabulary.tables.token_bytes)

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
    def caches(self) -> tuple:
        """How many piece caches there are, how many bytes they have, and how many bytes each may
        have between calls."""
        return (load_total(&self.pool.totals.count), load_total(&self.pool.totals.bytes),
                bytes_of_size(self.pool.limits.kept))

    @property
    def highest_id(self) -> int:
        """The highest id of a token."""
        return id_of(&self.tables, index_by_id(&self.tables, self.tables.token_count - 1))

    def mergeable_ranks(self) -> dict:
        """Returns a new dict of the id of each token's bytes, lowest first."""
        cdef uint32_t place, index
        cdef dict ranks = {}
        for place in range(self.tables.token_count):
            index = index_by_id(&self.tables, place)
            ranks[self.token(index)] = id_of(&self.tables, index)
        return ranks

    @property
    def merge_order(self) -> tuple:
        """The last arguments of the `RankTable` that this was built from."""
        cdef Py_ssize_t size = sizeof(uint32_t) * <Py_ssize_t>self.tables.token_count
        if not self.tables.renumbered:
            return ()
        return (PyBytes_FromStringAndSize(<const char *>self.tables.by_id, size),
                self.tables.merging_count)

    @property
    def unreachable_count(self) -> int:
        """Number of tokens of two bytes or more that no merge produces."""
        return self.tables.unreachable_count

    def sorted_tokens(self) -> list:
        """Returns the bytes of all tokens, sorted."""
        cdef const uint32_t *order = self.token_order()
        cdef uint32_t i
        return [self.token(order[i]) for i in range(self.tables.token_count)]

    cdef const uint32_t *token_order(self) except NULL:
        """Returns the tokens' indices in the order of their bytes; made once, on first use."""
        cdef uint32_t *order = load_order(&self.order)
        if order == NULL:
            with nogil:
                order = sort_tokens(&self.tables)
            if order == NULL:
                raise MemoryError("no memory to sort the tokens")
            if not keep_order(&self.order, order):
                release(order)
                order = load_order(&self.order)
        return order

    def token_pairs(self) -> tuple:
        """Returns the pair whose merge makes each token, by indices in rank order.

        Returns:
            `uint32[tokens]` twice, the left and the right parts; 2**21 - 1 for tokens that no merge
            makes, and numbers from the number of tokens on for bytes that are not tokens.
        """
        cdef const TokenParts *parts = self.token_parts()
        cdef Py_ssize_t size = sizeof(uint32_t) * <Py_ssize_t>self.tables.token_count
        return (PyBytes_FromStringAndSize(<const char *>parts.left, size),
                PyBytes_FromStringAndSize(<const char *>parts.right, size))

    cdef const TokenParts *token_parts(self) except NULL:
        """Returns the parts of the tokens; made once, on first use."""
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
