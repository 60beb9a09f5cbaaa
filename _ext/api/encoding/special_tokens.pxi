"""An encoding's special tokens: which of them a call allows, which it refuses."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.set cimport PySet_GET_SIZE
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from api.arguments cimport checked_id, exact_str
from engine.base.heap cimport allocate, release
from engine.text.special_tokens cimport Occurrence, find_special
from engine.base.types cimport LOAD_SLACK

cdef enum:
    KNOWN_SETS = 8    # sets that `permit` may learn to know
    GIL_SEARCH = 1 << 15   # characters; longer texts are searched without the GIL

empty_mask = bytearray()
cdef set no_set = set()    # stands for no known set


cdef void *copy_bytes(bytes source) except NULL:
    """Returns a copy that the caller owns."""
    cdef void *copy = allocate(<size_t>PyBytes_GET_SIZE(source), 1)
    if copy == NULL:
        raise MemoryError("no memory for a table")
    memcpy(copy, PyBytes_AS_STRING(source), <size_t>PyBytes_GET_SIZE(source))
    return copy


cdef dict exact_names(special_tokens):
    """Returns special tokens with the characters of their names alone: a subclass of `str` may
    compare, iterate or encode otherwise. Of names with equal characters the last counts."""
    cdef dict exact = {}
    for name, number in dict.items(special_tokens):
        if not isinstance(name, str):
            raise TypeError(f"a special token must be str, not {type(name).__name__}: {name!r}")
        exact[exact_str(name)] = number
    return exact


cdef class SpecialTokens:
    """The special tokens of one encoding.

    A call's choice among them is a mask, a byte for each special token, 0 or 1; None stands for
    all of them, an empty mask for none.

    Args:
        special_tokens_encoder: the id of each special token.

    Raises:
        TypeError: no dict, a special token not str, or an id not an int.
        ValueError: a special token is empty.
        OverflowError: an id is negative or above 2**32 - 1.
    """

    def __cinit__(self, special_tokens_encoder):
        from bpecore._build.special_tokens import build_trie

        cdef dict special_tokens
        if not isinstance(special_tokens_encoder, dict):
            raise TypeError("the special tokens must be a dict, not "
                            f"{type(special_tokens_encoder).__name__}")
        special_tokens = exact_names(special_tokens_encoder)
        trie = build_trie(list(special_tokens))
        self.names = list(special_tokens)
        self.positions = {name: i for i, name in enumerate(self.names)}
        self.usual_set = frozenset(self.names)
        self.known_set = no_set
        self.ids = {
            name.encode("utf-8"): checked_id(number) for name, number in special_tokens.items()}
        self.longest_bytes = max(map(len, self.ids), default=0)
        self.vectors = vectors
        self._copy_trie(trie)
        self._copy_token_bytes()

    cdef int _copy_trie(self, trie) except -1:
        cdef bytes first_edges = trie.first_edges
        cdef bytes tokens = trie.tokens
        cdef bytes edge_characters = trie.edge_characters
        cdef bytes edge_targets = trie.edge_targets
        self.trie.count = <uint32_t>len(self.names)
        self.trie.longest = max(map(len, self.names), default=0)
        self.trie.first_edges = <uint32_t *>copy_bytes(first_edges)
        self.trie.tokens = <int32_t *>copy_bytes(tokens)
        self.trie.edge_characters = <uint32_t *>copy_bytes(edge_characters)
        self.trie.edge_targets = <uint32_t *>copy_bytes(edge_targets)
        self.trie.rows = <uint32_t *>copy_bytes(trie.rows)
        self.trie.row_targets = <uint32_t *>copy_bytes(trie.row_targets)
        self.trie.ids = <uint32_t *>allocate(self.trie.count, sizeof(uint32_t))
        if self.trie.ids == NULL:
            raise MemoryError("no memory for the special tokens")
        for position, number in enumerate(self.ids.values()):
            self.trie.ids[<size_t>position] = number
        return 0

    cdef int _copy_token_bytes(self) except -1:
        # Of several special tokens with one id the first in the dict is what the id decodes to.
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

    cdef bytearray permit(self, text, const TextView *view, allowed_special, disallowed_special,
                          special_tokens_set):
        """Refuses a text with a disallowed string; returns the mask of the allowed tokens.

        A user may set or change `special_tokens_set`, and so what "all" means. A set that has been
        found to be the usual one is known again by its identity and size.
        """
        cdef bint all_allowed = isinstance(allowed_special, str) and allowed_special == "all"
        cdef bint others_refused = (isinstance(disallowed_special, str)
                                    and disallowed_special == "all")
        if not self._is_usual(special_tokens_set):
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
        return None if all_allowed else self.allowed_mask(text, allowed_special)

    cdef inline bint _is_usual(self, special_tokens_set) except -1:
        if (special_tokens_set is self.known_set
                and PySet_GET_SIZE(special_tokens_set) == <Py_ssize_t>self.trie.count):
            return True
        if type(special_tokens_set) is set and special_tokens_set == self.usual_set:
            self._learn(special_tokens_set)
            return True
        return False

    cdef tuple masks(self, allowed_special, disallowed_special, special_tokens_set):
        """Returns the masks of the special tokens that a call allows and that it refuses.

        None: it refuses strings that are no special tokens, or there is something wrong with it.
        """
        cdef bint all_allowed = isinstance(allowed_special, str) and allowed_special == "all"
        cdef bytearray allowed, refused = empty_mask
        if not self._is_usual(special_tokens_set):
            return None
        try:
            allowed = None if all_allowed else self._mask_of_strings(allowed_special)
            if isinstance(disallowed_special, str) and disallowed_special == "all":
                if not all_allowed:
                    refused = self._mask_of_others(allowed_special)
            elif disallowed_special:
                names = frozenset(disallowed_special)
                if not names <= self.usual_set:
                    return None
                refused = self._mask(names)
        except (TypeError, UnicodeEncodeError):
            return None
        return allowed, refused

    cdef int _learn(self, set found) except -1:
        """Remembers a set that equals the usual one."""
        with cython.critical_section(self):
            if self.known_sets is None:
                self.known_sets = []
            if len(self.known_sets) < KNOWN_SETS:
                self.known_sets.append(found)
                self.known_set = found
        return 0

    cdef int _refuse_others(self, const TextView *view, allowed_special) except -1:
        """Raises ValueError if the text holds a special token that is not allowed."""
        return self._refuse_special_tokens(view, self._mask_of_others(allowed_special))

    cdef bytearray _mask_of_others(self, allowed_special):
        """Returns the mask of the special tokens that are not allowed."""
        cdef bytearray mask
        if type(allowed_special) is not set and type(allowed_special) is not frozenset:
            return self._mask(self.usual_set - allowed_special)
        if not allowed_special:
            return None
        mask = bytearray(b"\1") * self.trie.count
        for name in allowed_special:
            position = self.positions.get(name)
            if position is not None:
                mask[position] = 0
        return mask

    cdef int _refuse_strings(self, text, const TextView *view, frozenset names) except -1:
        """Raises ValueError if the text holds any of these strings, special tokens or not."""
        if names and names <= self.usual_set:
            return self._refuse_special_tokens(view, self._mask(names))
        # Called up, so that there is one implementation and one wording of the refusal.
        from bpecore.core import refuse_strings

        refuse_strings(text, names)
        return 0

    cdef int _refuse_special_tokens(self, const TextView *view, bytearray mask) except -1:
        cdef const uint8_t *wanted = NULL if mask is None else <const uint8_t *>mask
        cdef Occurrence found
        if view.length <= GIL_SEARCH:
            found = find_special(&self.trie, &self.vectors, view, 0, wanted)
        else:
            with nogil:
                found = find_special(&self.trie, &self.vectors, view, 0, wanted)
        if found.start < view.length:
            from bpecore.core import raise_disallowed_special_token

            raise_disallowed_special_token(self.names[found.token])
        return 0

    cdef bytearray _mask(self, names):
        """Returns the mask of the special tokens among `names`."""
        cdef bytearray mask = bytearray(self.trie.count)
        for name in names:
            position = self.positions.get(name)
            if position is not None:
                mask[position] = 1
        return mask

    cdef bytearray allowed_mask(self, text, allowed_special):
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
            position = self.positions.get(name)
            if position is not None:
                mask[position] = 1
            elif isinstance(name, str):
                name.encode("utf-8")   # refuses surrogates
            else:
                raise TypeError("allowed_special must hold str, not "
                                f"{type(name).__name__}: {name!r:.80}")
        return mask
