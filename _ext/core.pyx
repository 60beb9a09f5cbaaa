"""The boundary between Python and the engine: arguments, the GIL, exceptions and ownership.

Everything that works on text or ids lives in the `.pxd` files; this file turns Python objects into
the structs they take, and their status codes into exceptions.
"""

import os

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.set cimport PySet_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t, UINT32_MAX
from libc.stdlib cimport qsort, realloc
from libc.string cimport memcpy, memset

from arguments cimport checked_id, collect_ids, exact_bytes, exact_str, view_text
from automaton cimport Automaton
from cache cimport CACHE_SEEDS
from chunk cimport Vectors, vectors_named
from decode cimport SpecialBytes, TokenBytes, bytes_of, decode_ids, decoded_length
from encode cimport Engine, encode_text
from errors cimport raise_status
from int_objects cimport IntObjects, list_of_ids, reserve_int_objects
from memory cimport IdBuffer, allocate, allocate_zeroed, grow_ids, release
from merge cimport merge_piece
from pieces cimport encode_piece
from special_tokens cimport Occurrence, SpecialTokens as SpecialTokenTrie, find_special
from types cimport LOAD_SLACK, NO_TOKEN, STATUS_OK, TOKEN_LIMIT
from unstable cimport find_completions, unstable_tokens
from utf8 cimport TextView
from vocab cimport Vocabulary as VocabularyTables, find_token, id_of
from vocab_build cimport build_tables, free_vocabulary
from workspace cimport Workspace, WorkspacePool, close_pool, give_back, take_workspace

cdef enum:
    GIL_BYTES = 512    # texts up to this size are encoded without letting go of the GIL

cdef IntObjects int_objects
memset(&int_objects, 0, sizeof(int_objects))


cdef bytearray empty_mask = bytearray()

cdef Vectors vectors
simd = "off"


def choose_simd(wanted=None) -> str:
    """Chooses the vector instructions that splitting uses, for engines made from now on.

    Args:
        wanted: "off", "sse2", "avx2", "avx512" or "neon"; None for the best there is.

    Returns:
        The choice.

    Raises:
        ValueError: this machine does not have what is wanted.
    """
    global vectors, simd
    choices = ("avx512", "avx2", "sse2", "neon") if wanted is None else (wanted,)
    for choice in choices:
        vectors = vectors_named(choice.encode())
        if vectors.masks != NULL:
            simd = choice
            return simd
    if wanted is not None and wanted != "off":
        raise ValueError(f"this machine has no {wanted!r} instructions: BPECORE_SIMD may be "
                         "'off', 'sse2', 'avx2', 'avx512' or 'neon'")
    simd = "off"
    return simd


choose_simd(os.environ.get("BPECORE_SIMD") or None)


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

    cdef bytes token(self, uint32_t index):
        return PyBytes_FromStringAndSize(
            <const char *>self.tables.token_bytes + self.tables.starts[index],
            self.tables.starts[index + 1] - self.tables.starts[index])


cdef class SplitPattern:
    """A compiled split pattern; immutable, shared by any number of threads.

    Args:
        automaton: the result of `bpecore.pattern.compile_pattern`.
        family: the number of its family, see `bpecore.pattern.families`; 0 for none.
        class_kinds: the kind of each of the automaton's classes, if it has a family.

    Raises:
        ValueError: the tables do not fit together.
        MemoryError: they do not fit into memory.
    """

    cdef Automaton tables

    def __cinit__(self, automaton not None, int family=0, bytes class_kinds=b""):
        cdef uint32_t class_count = automaton.class_count
        cdef uint32_t state_count = automaton.state_count
        cdef uint32_t state, column, entry
        cdef bytes transitions = automaton.transitions
        cdef bytes block_index = automaton.block_index
        cdef bytes block_classes = automaton.block_classes
        cdef uint16_t *source = <uint16_t *>PyBytes_AS_STRING(transitions)
        if (class_count > 255 or len(transitions) != 2 * state_count * (class_count + 1)
                or len(block_index) != 2 * (0x110000 >> 7) or state_count < 2):
            raise ValueError("the tables of the automaton have the wrong sizes")
        self.tables.row_bits = 1
        while (1 << self.tables.row_bits) < class_count + 1:
            self.tables.row_bits += 1
        self.tables.end_class = class_count
        self.tables.transitions = <uint32_t *>allocate_zeroed(
            <size_t>state_count << self.tables.row_bits, sizeof(uint32_t))
        self.tables.block_index = <uint16_t *>allocate(len(block_index), 1)
        self.tables.block_classes = <uint8_t *>allocate(len(block_classes), 1)
        if (self.tables.transitions == NULL or self.tables.block_index == NULL
                or self.tables.block_classes == NULL):
            raise MemoryError("no memory for a split pattern")
        for state in range(state_count):
            for column in range(class_count + 1):
                entry = source[state * (class_count + 1) + column]
                if entry >> 1 >= state_count:
                    raise ValueError(f"the automaton has no state {entry >> 1}")
                self.tables.transitions[(state << self.tables.row_bits) | column] = (
                    (entry >> 1) << self.tables.row_bits | (entry & 1))
        memcpy(self.tables.block_index, PyBytes_AS_STRING(block_index), len(block_index))
        memcpy(self.tables.block_classes, PyBytes_AS_STRING(block_classes), len(block_classes))
        if max(block_classes) >= class_count or len(block_classes) % 128:
            raise ValueError("the automaton names a class that it does not have")
        for column in range(0x110000 >> 7):
            if self.tables.block_index[column] >= len(block_classes) // 128:
                raise ValueError("the automaton names a block that it does not have")
        memcpy(self.tables.ascii_classes,
               self.tables.block_classes + (<size_t>self.tables.block_index[0] << 7), 128)
        if family:
            self._set_family(family, block_classes, class_kinds)

    cdef int _set_family(self, int family, bytes block_classes, bytes class_kinds) except -1:
        cdef size_t i
        if len(class_kinds) != self.tables.end_class:
            raise ValueError("each class of the automaton needs a kind")
        self.tables.block_kinds = <uint8_t *>allocate(len(block_classes), 1)
        self.tables.low_kinds = <uint8_t *>allocate_zeroed(0x10000 + 3, 1)
        if self.tables.block_kinds == NULL or self.tables.low_kinds == NULL:
            raise MemoryError("no memory for a split pattern")
        for i in range(<size_t>len(block_classes)):
            self.tables.block_kinds[i] = class_kinds[self.tables.block_classes[i]]
        for i in range(0x10000):
            self.tables.low_kinds[i] = self.tables.block_kinds[
                (<size_t>self.tables.block_index[i >> 7] << 7) | (i & 127)]
        self.tables.family = family
        return 0

    def __dealloc__(self):
        release(self.tables.transitions)
        release(self.tables.block_index)
        release(self.tables.block_classes)
        release(self.tables.block_kinds)
        release(self.tables.low_kinds)


cdef class TokenBuffer:
    """Ids in memory of their own, read through the buffer protocol: `uint32[n]`, read-only."""

    cdef IdBuffer ids
    cdef Py_ssize_t shape[1]
    cdef Py_ssize_t strides[1]

    def __dealloc__(self):
        release(self.ids.data)

    def __len__(self) -> int:
        return self.ids.length

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("a token buffer is read-only")
        self.shape[0] = <Py_ssize_t>self.ids.length
        self.strides[0] = sizeof(uint32_t)
        buffer.buf = self.ids.data
        buffer.obj = self
        buffer.len = <Py_ssize_t>(self.ids.length * sizeof(uint32_t))
        buffer.readonly = True
        buffer.itemsize = sizeof(uint32_t)
        buffer.format = <char *>"I" if flags & PyBUF_FORMAT else <char *>NULL
        buffer.ndim = 1
        buffer.shape = self.shape if flags & PyBUF_ND else NULL
        buffer.strides = self.strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL

    cdef int finish(self) except -1:
        """Gives back memory that the ids did not need."""
        cdef uint32_t *exact
        if self.ids.capacity - self.ids.length > self.ids.length // 8 + 16:
            exact = <uint32_t *>realloc(self.ids.data, self.ids.length * sizeof(uint32_t) + 1)
            if exact == NULL:
                raise MemoryError("no memory for a token buffer")
            self.ids.data = exact
            self.ids.capacity = self.ids.length
        return 0


@cython.final
cdef class CoreBPE:
    """CoreBPE(encoder, special_tokens_encoder, pattern)
--

    One encoding's engine: a vocabulary, its special tokens and its split pattern.

    Immutable, and safe from any number of threads.

    Args:
        encoder: the rank of each token's bytes, or a `Vocabulary`.
        special_tokens_encoder: the id of each special token.
        pattern: the split pattern, a regular expression.

    Raises:
        TypeError: a token is not bytes, a special token not str, or an id not an int.
        ValueError: the ranks, the special tokens or the pattern are not acceptable.
        OverflowError: a rank or id is negative or above 2**32 - 1.
    """

    cdef readonly Vocabulary vocabulary
    cdef SplitPattern split_pattern       # None: the regex library splits
    cdef object regex_pattern
    cdef str pattern                      # as the user wrote it
    cdef list special_names
    cdef dict special_positions           # a special token's place in special_names
    cdef frozenset special_set
    cdef set known_set                    # the last one found equal to special_set, never None
    cdef dict special_ids                 # its bytes to its id
    cdef SpecialTokenTrie trie
    cdef SpecialBytes special_bytes
    cdef Engine engine

    def __cinit__(self, encoder, special_tokens_encoder, pattern):
        # The parts are compiled in Python.
        from bpecore.engine import compile_split_pattern, vocabulary_of
        from bpecore.special_tokens import build_trie

        cdef Vocabulary vocabulary
        cdef dict special_tokens
        vocabulary = vocabulary_of(encoder)
        self.vocabulary = vocabulary
        if not isinstance(special_tokens_encoder, dict):
            raise TypeError("the special tokens must be a dict, not "
                            f"{type(special_tokens_encoder).__name__}")
        special_tokens = dict(dict.items(special_tokens_encoder))
        trie = build_trie(list(special_tokens))
        self.special_names = list(special_tokens)
        self.special_positions = {name: i for i, name in enumerate(self.special_names)}
        self.special_set = frozenset(self.special_names)
        self.known_set = set()
        self.special_ids = {
            name.encode("utf-8"): checked_id(number) for name, number in special_tokens.items()}
        self.pattern = exact_str(pattern)
        self.pattern.encode("utf-8")   # refuses surrogates
        compiled = compile_split_pattern(self.pattern)
        if isinstance(compiled, SplitPattern):
            self.split_pattern = compiled
            self.engine.automaton = &self.split_pattern.tables
        else:
            self.regex_pattern = compiled
        self._copy_trie(trie)
        self._copy_special_bytes()
        self.engine.vocabulary = &vocabulary.tables
        self.engine.vectors = vectors
        self.engine.special_tokens = &self.trie
        highest = max(self.special_ids.values(), default=0)
        reserve_int_objects(&int_objects, 1 + max(
            <uint64_t>highest, <uint64_t>vocabulary.tables.ids[vocabulary.tables.token_count - 1]))

    cdef int _copy_trie(self, trie) except -1:
        cdef bytes first_edges = trie.first_edges
        cdef bytes tokens = trie.tokens
        cdef bytes edge_characters = trie.edge_characters
        cdef bytes edge_targets = trie.edge_targets
        self.trie.count = <uint32_t>len(self.special_names)
        self.trie.node_count = <uint32_t>(len(tokens) // sizeof(int32_t))
        self.trie.first_edges = <uint32_t *>copy_bytes(first_edges)
        self.trie.tokens = <int32_t *>copy_bytes(tokens)
        self.trie.edge_characters = <uint32_t *>copy_bytes(edge_characters)
        self.trie.edge_targets = <uint32_t *>copy_bytes(edge_targets)
        self.trie.rows = <uint32_t *>copy_bytes(trie.rows)
        self.trie.row_targets = <uint32_t *>copy_bytes(trie.row_targets)
        self.trie.ids = <uint32_t *>allocate(self.trie.count, sizeof(uint32_t))
        if self.trie.ids == NULL:
            raise MemoryError("no memory for the special tokens")
        for position, number in enumerate(self.special_ids.values()):
            self.trie.ids[<size_t>position] = number
        return 0

    cdef int _copy_special_bytes(self) except -1:
        # Of several special tokens with one id the first in the dict is what the id decodes to.
        cdef dict by_id = {}
        cdef bytes name
        cdef size_t i = 0
        for name, number in self.special_ids.items():
            by_id.setdefault(number, name)
        self.special_bytes.count = <uint32_t>len(by_id)
        self.special_bytes.ids = <uint32_t *>allocate(len(by_id), sizeof(uint32_t))
        self.special_bytes.starts = <size_t *>allocate(len(by_id) + 1, sizeof(size_t))
        self.special_bytes.bytes = <uint8_t *>copy_bytes(
            b"".join(by_id[number] for number in sorted(by_id)) + bytes(LOAD_SLACK))
        if self.special_bytes.ids == NULL or self.special_bytes.starts == NULL:
            raise MemoryError("no memory for the special tokens")
        self.special_bytes.starts[0] = 0
        for number in sorted(by_id):
            self.special_bytes.ids[i] = number
            self.special_bytes.starts[i + 1] = (
                self.special_bytes.starts[i] + <size_t>len(by_id[number]))
            i += 1
        return 0

    def __dealloc__(self):
        release(self.trie.ids)
        release(self.trie.first_edges)
        release(self.trie.tokens)
        release(self.trie.edge_characters)
        release(self.trie.edge_targets)
        release(self.trie.rows)
        release(self.trie.row_targets)
        release(self.special_bytes.ids)
        release(self.special_bytes.starts)
        release(self.special_bytes.bytes)

    # ---- which special tokens count -------------------------------------------------------
    #
    # A mask is a byte for each special token, 0 or 1; None stands for all of them, an empty mask
    # for none.

    cdef bytearray _permit(self, text, const TextView *view, allowed_special, disallowed_special,
                           special_tokens_set):
        """Refuses a text with a disallowed string; returns the mask of the allowed tokens.

        A user may set or change `special_tokens_set`, and so what "all" means. A set that has been
        found to be the usual one is known again by its identity and size.
        """
        cdef bint all_allowed = isinstance(allowed_special, str) and allowed_special == "all"
        cdef bint others_refused = (isinstance(disallowed_special, str)
                                    and disallowed_special == "all")
        if (special_tokens_set is not self.known_set
                or PySet_GET_SIZE(special_tokens_set) != <Py_ssize_t>self.trie.count):
            if type(special_tokens_set) is set and special_tokens_set == self.special_set:
                self.known_set = special_tokens_set
            else:
                if all_allowed:
                    allowed_special, all_allowed = special_tokens_set, False
                if others_refused:
                    disallowed_special = special_tokens_set - allowed_special
                    others_refused = False
        if others_refused:
            if not all_allowed:
                self._refuse_others(view, allowed_special)
        elif disallowed_special:
            self._refuse_strings(text, view, frozenset(disallowed_special))
        return None if all_allowed else self._allowed_mask(text, allowed_special)

    cdef int _refuse_others(self, const TextView *view, allowed_special) except -1:
        """Raises ValueError if the text holds a special token that is not allowed."""
        cdef bytearray mask
        if type(allowed_special) is not set and type(allowed_special) is not frozenset:
            mask = self._mask(self.special_set - allowed_special)
        elif not allowed_special:
            mask = None
        else:
            mask = bytearray(b"\1") * self.trie.count
            for name in allowed_special:
                position = self.special_positions.get(name)
                if position is not None:
                    mask[position] = 0
        return self._refuse_special_tokens(view, mask)

    cdef int _refuse_strings(self, text, const TextView *view, frozenset names) except -1:
        """Raises ValueError if the text holds any of these strings, special tokens or not."""
        if names and names <= self.special_set:
            return self._refuse_special_tokens(view, self._mask(names))
        # Called up, so that there is one implementation and one wording of the refusal.
        from bpecore.core import refuse_strings

        refuse_strings(text, names)
        return 0

    cdef int _refuse_special_tokens(self, const TextView *view, bytearray mask) except -1:
        cdef const uint8_t *wanted = NULL if mask is None else <const uint8_t *>mask
        cdef Occurrence found = find_special(&self.trie, &self.engine.vectors, view, 0, wanted)
        if found.start < view.length:
            from bpecore.core import raise_disallowed_special_token

            raise_disallowed_special_token(self.special_names[found.token])
        return 0

    cdef bytearray _mask(self, names):
        """Returns the mask of the special tokens among `names`."""
        cdef bytearray mask = bytearray(self.trie.count)
        for name in names:
            position = self.special_positions.get(name)
            if position is not None:
                mask[position] = 1
        return mask

    cdef bytearray _allowed_mask(self, text, allowed_special):
        """Returns the mask of the allowed special tokens.

        Raises:
            TypeError: not a set of strings.
            UnicodeEncodeError: the text or one of the strings holds a surrogate.
        """
        if type(allowed_special) is set and not allowed_special:
            return empty_mask
        try:
            return self._mask_of_strings(allowed_special)
        except (TypeError, UnicodeEncodeError):
            text.encode("utf-8")   # an error of the text comes first
            raise

    cdef bytearray _mask_of_strings(self, allowed_special):
        cdef bytearray mask = bytearray(self.trie.count)
        if not isinstance(allowed_special, (set, frozenset)):
            raise TypeError("allowed_special must be 'all', a set or a frozenset, not "
                            f"{type(allowed_special).__name__}")
        for name in allowed_special:
            position = self.special_positions.get(name)
            if position is not None:
                mask[position] = 1
            elif isinstance(name, str):
                name.encode("utf-8")   # refuses surrogates
            else:
                raise TypeError("allowed_special must hold str, not "
                                f"{type(name).__name__}: {name!r:.80}")
        return mask

    # ---- encoding ---------------------------------------------------------------------------

    cdef int _encode_into(self, text, const TextView *view, bytearray mask, bint counting,
                          Workspace *workspace, IdBuffer *sink) except -1:
        """Encodes a text into a sink; the special tokens of the mask stand for themselves."""
        cdef const uint8_t *allowed = NULL if mask is None else <const uint8_t *>mask
        cdef bint any_allowed = self.trie.count > 0 and (mask is None or len(mask) > 0)
        cdef int status
        sink.length = 0
        workspace.last_piece_ids = 0
        if self.split_pattern is None:
            return self._encode_by_regex(text, view, allowed, any_allowed, workspace, sink)
        if view.length <= GIL_BYTES:
            status = encode_text(&self.engine, workspace, view, allowed, any_allowed, counting,
                                 sink)
        else:
            with nogil:
                status = encode_text(&self.engine, workspace, view, allowed, any_allowed,
                                     counting, sink)
        if status != STATUS_OK:
            raise_status(status, text)
        return 0

    cdef int _encode_by_regex(self, text, const TextView *view, const uint8_t *allowed,
                              bint any_allowed, Workspace *workspace, IdBuffer *sink) except -1:
        """Encodes a text whose split pattern only the regex library understands."""
        cdef size_t position = 0, before
        cdef Occurrence found
        cdef bytes piece
        found.start = view.length
        while True:
            if any_allowed:
                found = find_special(&self.trie, &self.engine.vectors, view, position, allowed)
            for match in self.regex_pattern.finditer(text[position:found.start]):
                piece = match.group().encode("utf-8")
                if not piece:
                    raise ValueError(
                        f"the split pattern matches the empty string: {self.pattern!r}")
                before = sink.length
                self._append_piece(piece, True, workspace, sink)
                workspace.last_piece_ids = sink.length - before
            if found.start == view.length:
                return 0
            if grow_ids(sink, sink.length + 1) != STATUS_OK:
                raise MemoryError("no memory for the ids")
            sink.data[sink.length] = found.id
            sink.length += 1
            workspace.last_piece_ids = 0
            position = found.end

    cdef int _append_piece(self, bytes piece, bint valid_utf8, Workspace *workspace,
                           IdBuffer *sink) except -1:
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(piece)
        cdef size_t length = <size_t>PyBytes_GET_SIZE(piece)
        cdef int status
        with nogil:
            status = encode_piece(&self.vocabulary.tables, workspace, data, length, valid_utf8,
                                  sink)
        if status != STATUS_OK:
            raise_status(status, piece)
        return 0

    def encode_checked(self, text, allowed_special, disallowed_special,
                       special_tokens_set) -> list:
        """Encodes text to ids, refusing disallowed strings.

        Args:
            text: the text.
            allowed_special: a set of special tokens, or "all".
            disallowed_special: strings that may not occur, or "all" for the other special tokens.
            special_tokens_set: what "all" means.

        Raises:
            ValueError: a disallowed string occurs.
            UnicodeEncodeError: the text holds a surrogate.
        """
        cdef TextView view
        view_text(text, &view)
        return self._encode_list(text, &view, self._permit(
            text, &view, allowed_special, disallowed_special, special_tokens_set))

    cdef list _encode_list(self, text, const TextView *view, bytearray mask):
        cdef Workspace *workspace = self._take()
        try:
            self._encode_into(text, view, mask, False, workspace, &workspace.ids)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    cdef Workspace *_take(self) except NULL:
        cdef Workspace *workspace = take_workspace(&self.vocabulary.pool)
        if workspace == NULL:
            raise MemoryError("no memory for a workspace")
        return workspace

    def encode(self, text, allowed_special) -> list:
        """Encodes text to ids; the allowed special tokens stand for themselves."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_list(text, &view, self._allowed_mask(text, allowed_special))

    def encode_ordinary(self, text) -> list:
        """Encodes text to ids as if there were no special tokens."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_list(text, &view, empty_mask)

    def encode_to_buffer(self, text, allowed_special, disallowed_special,
                         special_tokens_set) -> TokenBuffer:
        """Encodes text like `encode_checked`, into a buffer."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_buffer(text, &view, self._permit(
            text, &view, allowed_special, disallowed_special, special_tokens_set))

    def encode_to_tiktoken_buffer(self, text, allowed_special) -> TokenBuffer:
        """Encodes text like `encode`, into a buffer."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_buffer(text, &view, self._allowed_mask(text, allowed_special))

    cdef TokenBuffer _encode_buffer(self, text, const TextView *view, bytearray mask):
        cdef TokenBuffer buffer = TokenBuffer.__new__(TokenBuffer)
        cdef Workspace *workspace
        if grow_ids(&buffer.ids, view.length // 4 + 16) != STATUS_OK:
            raise MemoryError("no memory for a token buffer")
        workspace = self._take()
        try:
            self._encode_into(text, view, mask, False, workspace, &buffer.ids)
        finally:
            give_back(&self.vocabulary.pool, workspace)
        buffer.finish()
        return buffer

    def count(self, text, allowed_special, disallowed_special, special_tokens_set) -> int:
        """Returns the number of ids that `encode_checked` would give, without keeping them."""
        cdef TextView view
        cdef Workspace *workspace
        cdef bytearray mask
        view_text(text, &view)
        mask = self._permit(
            text, &view, allowed_special, disallowed_special, special_tokens_set)
        workspace = self._take()
        try:
            self._encode_into(text, &view, mask, True, workspace, &workspace.ids)
            return workspace.ids.length
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def encode_single_piece(self, piece) -> list:
        """Encodes bytes as one piece, without splitting."""
        cdef bytes data = exact_bytes(piece)
        cdef Workspace *workspace
        if not data:
            raise ValueError("an empty piece has no encoding")
        workspace = self._take()
        try:
            workspace.ids.length = 0
            self._append_piece(data, False, workspace, &workspace.ids)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def _merge(self, bytes piece not None) -> list:
        """Encodes bytes by merging alone: not looked up as a whole, not split."""
        cdef Workspace *workspace = self._take()
        cdef size_t length = <size_t>PyBytes_GET_SIZE(piece)
        cdef int status
        try:
            if grow_ids(&workspace.ids, length) != STATUS_OK:
                raise MemoryError("no memory for the ids")
            status = merge_piece(
                &self.vocabulary.tables, &workspace.merging,
                <const uint8_t *>PyBytes_AS_STRING(piece), length, workspace.ids.data,
                &workspace.ids.length)
            if status != STATUS_OK:
                raise_status(status, piece)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def _encode_bytes(self, bytes) -> list:
        """Encodes bytes; behind the first that is no valid UTF-8 they are merged unsplit."""
        return self._encode_broken_text(exact_bytes(bytes))

    cdef list _encode_broken_text(self, bytes text):
        cdef list tokens
        cdef Py_ssize_t unstable
        cdef bytes tail
        try:
            return self.encode_ordinary(text.decode("utf-8"))
        except UnicodeDecodeError as error:
            valid = error.start
        tokens, last_piece = self._encode_with_last_piece(
            text[:valid].decode("utf-8"), frozenset())
        unstable = unstable_tokens(self, tokens, last_piece)
        tail = self.decode_bytes(tokens[len(tokens) - unstable:]) + text[valid:]
        del tokens[len(tokens) - unstable:]
        return tokens + self.encode_single_piece(tail)

    def encode_with_unstable(self, text, allowed_special) -> tuple:
        """Encodes text to the ids that are sure to stay if it goes on, and what may follow them.

        Returns:
            The stable ids, and a list of the sequences of ids that the rest may become.
        """
        cdef list tokens
        cdef Py_ssize_t unstable
        cdef bytes tail
        tokens, last_piece = self._encode_with_last_piece(text, allowed_special)
        unstable = unstable_tokens(self, tokens, last_piece)
        tail = self.decode_bytes(tokens[len(tokens) - unstable:])
        del tokens[len(tokens) - unstable:]
        if not tail:
            return tokens, []
        completions = find_completions(self, tail, self.vocabulary.sorted_tokens())
        return tokens, [list(completion) for completion in completions]

    def _encode_with_last_piece(self, text, allowed_special) -> tuple:
        """Encodes like `encode`; returns the ids and how many belong to the last piece.

        That is none if the text is empty or ends in a special token.
        """
        cdef TextView view
        cdef Workspace *workspace
        cdef bytearray mask
        view_text(text, &view)
        mask = self._allowed_mask(text, allowed_special)
        workspace = self._take()
        try:
            self._encode_into(text, &view, mask, False, workspace, &workspace.ids)
            return (list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length),
                    workspace.last_piece_ids)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def encode_single_token(self, piece) -> int:
        """Returns the id of the token or special token with these bytes.

        Raises:
            KeyError: there is none.
        """
        cdef bytes token = exact_bytes(piece)
        cdef uint32_t index = find_token(
            &self.vocabulary.tables, <const uint8_t *>PyBytes_AS_STRING(token),
            <size_t>PyBytes_GET_SIZE(token))
        if index != NO_TOKEN:
            return id_of(&self.vocabulary.tables, index)
        return self.special_ids[token]

    # ---- decoding -----------------------------------------------------------------------------

    def decode_bytes(self, tokens) -> bytes:
        """Returns the bytes that a sequence of ids stands for.

        Raises:
            KeyError: an id is neither a token's nor a special token's.
            OverflowError: an id is out of range.
            TypeError: not a sequence of integers.
        """
        cdef Workspace *workspace = self._take()
        cdef size_t length, unknown
        cdef bytes result
        try:
            collect_ids(tokens, &workspace.ids)
            with nogil:
                length = decoded_length(&self.vocabulary.tables, &self.special_bytes,
                                        workspace.ids.data, workspace.ids.length, &unknown)
            if unknown < workspace.ids.length:
                raise KeyError(f"Invalid token for decoding: {workspace.ids.data[unknown]}")
            result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>length)
            decode_ids(&self.vocabulary.tables, &self.special_bytes, workspace.ids.data,
                       workspace.ids.length, <uint8_t *>PyBytes_AS_STRING(result),
                       <uint8_t *>PyBytes_AS_STRING(result) + length)
            return result
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def decode_single_token_bytes(self, token) -> bytes:
        """Returns the bytes of one token or special token.

        Raises:
            KeyError: the id is unknown.
        """
        cdef uint32_t token_id = checked_id(token)
        cdef TokenBytes found = bytes_of(&self.vocabulary.tables, &self.special_bytes, token_id)
        if found.data == NULL:
            raise KeyError(str(token_id))
        return PyBytes_FromStringAndSize(<const char *>found.data, <Py_ssize_t>found.length)

    def token_byte_values(self) -> list:
        """Returns the bytes of all tokens but special ones, sorted."""
        return list(self.vocabulary.sorted_tokens())


cdef void *copy_bytes(bytes source) except NULL:
    """Returns a copy that the caller owns."""
    cdef void *copy = allocate(<size_t>PyBytes_GET_SIZE(source), 1)
    if copy == NULL:
        raise MemoryError("no memory for a table")
    memcpy(copy, PyBytes_AS_STRING(source), <size_t>PyBytes_GET_SIZE(source))
    return copy
