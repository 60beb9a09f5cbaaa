"""`SpecialTokens`: the special tokens of an encoding, as the engine searches and decodes them."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint32_t, UINT32_MAX
from libc.string cimport memcpy

from api.arguments cimport checked_id
from engine.base.heap cimport allocate, release
from engine.base.types cimport LOAD_SLACK
from engine.text.special_tokens cimport MANY_BEGINNINGS

cdef enum:
    KNOWN_SETS = 8    # sets that are remembered as equal to the usual one

cdef set no_set = set()    # equals no usual set by identity


cdef void *copy_bytes(bytes source) except NULL:
    """Returns a copy that the caller owns."""
    cdef void *copy = allocate(<size_t>PyBytes_GET_SIZE(source), 1)
    if copy == NULL:
        raise MemoryError("no memory for a table")
    memcpy(copy, PyBytes_AS_STRING(source), <size_t>PyBytes_GET_SIZE(source))
    return copy


@cython.final
cdef class SpecialTokens:
    """The special tokens of one encoding.

    Args:
        special_tokens: the id of each special token, whose names are exactly `str`.
        trie: the tables of a trie over these names and then the added ones, see
            `bpecore._build.special_tokens`.
        decoded: the special tokens whose ids are decoded; None: these.
        added: the id of each added token. They are encoded wherever they occur in a text, whatever
            a call allows, and are never refused. None: there are none.
        only_decoded: the id of the bytes of each token that no text is encoded to. None: none.

    Raises:
        TypeError: an id is not an int.
        UnicodeEncodeError: a name holds a surrogate.
        OverflowError: an id is negative or above 2**32 - 1.
    """

    def __cinit__(self, dict special_tokens not None, tuple trie not None,
                  SpecialTokens decoded=None, dict added=None, dict only_decoded=None):
        cdef dict all_tokens = special_tokens if added is None else {**special_tokens, **added}
        self.names = list(all_tokens)
        self.positions = {name: i for i, name in enumerate(self.names)}
        self.usual_set = frozenset(special_tokens)
        self.usual_count = len(self.usual_set)
        self.known_set = no_set
        self.known_sets = []
        self.always = empty_mask
        self.added = added or {}
        if added:
            self.refusable = bytearray(name in self.usual_set for name in self.names)
            self.always = bytearray(name not in self.usual_set for name in self.names)
        self.ids = {name.encode("utf-8"): checked_id(number) for name, number in all_tokens.items()}
        self.longest_bytes = max(map(len, self.ids), default=0)
        self.vectors = vectors
        self._copy_trie(trie)
        self.kept = dict.fromkeys([*self.added.values(), *(only_decoded or {}).values()])
        if decoded is not None:
            self.ids = decoded.ids
            self.kept = decoded.kept
        if only_decoded:
            self.ids = {**{token: checked_id(i) for token, i in only_decoded.items()}, **self.ids}
        self._copy_token_bytes()

    cdef int _copy_trie(self, tuple tables) except -1:
        first_edges, tokens, edge_characters, edge_targets, rows, row_targets = tables
        self.trie.count = <uint32_t>len(self.names)
        self.trie.shortest = min(map(len, self.names), default=0)
        self.trie.longest = max(map(len, self.names), default=0)
        self.trie.is_ascii = all(name.isascii() for name in self.names)
        self.trie.first_edges = <uint32_t *>copy_bytes(first_edges)
        self.trie.tokens = <int32_t *>copy_bytes(tokens)
        self.trie.edge_characters = <uint32_t *>copy_bytes(edge_characters)
        self.trie.edge_targets = <uint32_t *>copy_bytes(edge_targets)
        self.trie.rows = <uint32_t *>copy_bytes(rows)
        self.trie.row_targets = <uint32_t *>copy_bytes(row_targets)
        self.trie.ids = <uint32_t *>allocate(self.trie.count, sizeof(uint32_t))
        if self.trie.ids == NULL:
            raise MemoryError("no memory for the special tokens")
        for position, number in enumerate(self.ids.values()):
            self.trie.ids[<size_t>position] = number
        self._copy_beginnings()
        return 0

    cdef int _copy_beginnings(self) except -1:
        cdef list first = sorted({ord(name[0]) for name in self.names if name})
        cdef list second = [ord(name[1]) if len(name) > 1 else -1 for name in self.names]
        self.trie.beginnings.count = <uint32_t>len(first)
        for position, character in enumerate(first[:MANY_BEGINNINGS - 1]):
            self.trie.beginnings.characters[<size_t>position] = character
        self.trie.beginnings.span = UINT32_MAX
        if min(second, default=-1) >= 0:
            self.trie.beginnings.next = min(second)
            self.trie.beginnings.span = max(second) - min(second)
        return 0

    cdef int _copy_token_bytes(self) except -1:
        # If several special tokens have one id, it decodes to the first of them in the dict.
        cdef dict by_id = {}
        cdef list numbers
        cdef bytes name
        cdef size_t i = 0
        for name, number in self.ids.items():
            by_id.setdefault(number, name)
        numbers = sorted(by_id)
        self.token_bytes.count = <uint32_t>len(by_id)
        self.token_bytes.ids = <uint32_t *>allocate(len(by_id), sizeof(uint32_t))
        self.token_bytes.starts = <size_t *>allocate(len(by_id) + 1, sizeof(size_t))
        self.token_bytes.bytes = <uint8_t *>copy_bytes(
            b"".join(by_id[number] for number in numbers) + bytes(LOAD_SLACK))
        if self.token_bytes.ids == NULL or self.token_bytes.starts == NULL:
            raise MemoryError("no memory for the special tokens")
        self.token_bytes.starts[0] = 0
        for number in numbers:
            self.token_bytes.ids[i] = number
            self.token_bytes.starts[i + 1] = (
                self.token_bytes.starts[i] + <size_t>len(by_id[number]))
            i += 1
        if self.kept:
            self.token_bytes.ordinary = <uint8_t *>copy_bytes(
                bytes([number in self.kept for number in numbers]))
        return 0

    def __dealloc__(self):
        release(self.trie.ids)
        release(self.trie.first_edges)
        release(self.trie.tokens)
        release(self.trie.edge_characters)
        release(self.trie.edge_targets)
        release(self.trie.rows)
        release(self.trie.row_targets)
        release(self.token_bytes.ids)
        release(self.token_bytes.starts)
        release(self.token_bytes.bytes)
        release(self.token_bytes.ordinary)

    cdef int learn(self, set found) except -1:
        """Remembers a set that equals the usual one."""
        with cython.critical_section(self):
            if len(self.known_sets) < KNOWN_SETS:
                self.known_sets.append(found)
                self.known_set = found
        return 0
