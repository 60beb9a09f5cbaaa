"""`CoreBPE`: encoding and decoding, as Python calls them."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t

from api.arguments cimport checked_id, collect_ids, exact_bytes, view_text
from engine.base.errors cimport raise_status
from engine.base.interrupt cimport set_interrupt
from engine.base.types cimport NO_TOKEN, STATUS_OK
from engine.cache.cache cimport size_for_text
from engine.decode.ids cimport TokenBytes, bytes_of, decode_ids, decoded_length
from engine.encode.text cimport AUTOMATON_WINDOW
from engine.encode.workspace cimport WorkspacePool, give_back, take_workspace
from engine.merge.merge cimport merge_piece, merge_piece_by_queue
from engine.sink.id_buffer cimport grow_ids
from engine.sink.int_lists cimport list_of_ids
from engine.split.sure_borders cimport next_sure_border
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport find_token, id_of

cdef enum:
    BORDERS_AT_ONCE = 512    # sure borders that are searched for before they are put into a list


cdef class CoreBPE:
    """The engine of one encoding: its vocabulary, special tokens and split pattern.

    Immutable, and safe from any number of threads. `bpecore._tiktoken.CoreBPE` makes one from what
    a user gives.

    Args:
        vocabulary: the tokens and their ranks.
        special_tokens: the special tokens.
        splitter: a `SplitPattern`, or a compiled pattern of the `regex` library.
        pattern: the split pattern as the user wrote it.
    """

    def __cinit__(self, Vocabulary vocabulary not None, SpecialTokens special_tokens not None,
                  splitter not None, str pattern not None):
        self.vocabulary = vocabulary
        self.special_tokens = special_tokens
        self.pattern = pattern
        if isinstance(splitter, SplitPattern):
            self.split_pattern = splitter
            self.engine.automaton = &self.split_pattern.tables
            if self.split_pattern.guide.actions != NULL:
                self.engine.guide = &self.split_pattern.guide
            if self.split_pattern.covers_all:
                self.longest_token = max(vocabulary.tables.longest_token,
                                         special_tokens.longest_bytes)
        else:
            self.regex_pattern = splitter
        self.engine.vocabulary = &vocabulary.tables
        self.engine.vectors = vectors
        self.engine.special_tokens = &special_tokens.trie

    @property
    def splitter(self):
        """The argument of this name."""
        return self.regex_pattern if self.split_pattern is None else self.split_pattern

    @property
    def splits_by_automaton(self) -> bool:
        """Whether the split pattern runs as an automaton that can read a text in chunks."""
        return self.split_pattern is not None and self.split_pattern.reads_chunks

    cdef Workspace *take(self, size_t characters=0) except NULL:
        """Takes a workspace for a call that encodes some text; `give_back` returns it."""
        cdef WorkspacePool *pool = &self.vocabulary.pool
        cdef Workspace *workspace = take_workspace(pool, size_for_text(&pool.limits, characters))
        if workspace == NULL:
            raise MemoryError("no memory for a workspace")
        set_interrupt(&workspace.interrupt, handles_signals(), NULL)
        return workspace

    # ---- encoding ---------------------------------------------------------------------------

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
        return encode_list(self, text, &view, permit(
            self.special_tokens, text, &view, allowed_special, disallowed_special,
            special_tokens_set))

    def encode(self, text, allowed_special) -> list:
        """Encodes text to ids; allowed special tokens are encoded as such."""
        cdef TextView view
        view_text(text, &view)
        return encode_list(
            self, text, &view, allowed_mask(self.special_tokens, text, allowed_special))

    def encode_ordinary(self, text) -> list:
        """Encodes text to ids as if there were no special tokens."""
        cdef TextView view
        view_text(text, &view)
        return encode_list(self, text, &view, self.special_tokens.always)

    def encode_to_buffer(self, text, allowed_special, disallowed_special,
                         special_tokens_set) -> TokenBuffer:
        """Encodes text like `encode_checked`, into a buffer."""
        cdef TextView view
        view_text(text, &view)
        return encode_buffer(self, text, &view, permit(
            self.special_tokens, text, &view, allowed_special, disallowed_special,
            special_tokens_set))

    def encode_to_tiktoken_buffer(self, text, allowed_special) -> TokenBuffer:
        """Encodes text like `encode`, into a buffer."""
        cdef TextView view
        view_text(text, &view)
        return encode_buffer(
            self, text, &view, allowed_mask(self.special_tokens, text, allowed_special))

    def count(self, text, allowed_special, disallowed_special, special_tokens_set) -> int:
        """Returns the number of ids that `encode_checked` would give, without keeping them."""
        cdef TextView view
        cdef Workspace *workspace
        cdef bytearray mask
        view_text(text, &view)
        mask = permit(self.special_tokens, text, &view, allowed_special, disallowed_special,
                      special_tokens_set)
        workspace = self.take(view.length)
        try:
            encode_into(self, text, &view, mask, True, workspace, &workspace.ids)
            return workspace.ids.length
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def refuse_disallowed(self, text, allowed_special, disallowed_special,
                          special_tokens_set) -> None:
        """Raises what `encode_checked` raises because of special tokens in a text."""
        cdef TextView view
        view_text(text, &view)
        permit(self.special_tokens, text, &view, allowed_special, disallowed_special,
               special_tokens_set)

    def _sure_borders(self, text) -> list:
        """Returns the positions at which a text may be cut in two without changing its ids.

        All special tokens may occur in it. Without an automaton, no positions are known.
        """
        cdef TextView view
        cdef size_t places[BORDERS_AT_ONCE]
        cdef size_t position = 0, count, i
        cdef list found = []
        view_text(text, &view)
        while self.split_pattern is not None and position + 1 < view.length:
            count = 0
            with nogil:
                while position + 1 < view.length and count < BORDERS_AT_ONCE:
                    position = next_sure_border(self.engine.automaton, &self.special_tokens.trie,
                                                &view, position + 1, view.length)
                    places[count] = position
                    count += position < view.length
            for i in range(count):
                found.append(places[i])
        return found

    def encode_single_piece(self, piece) -> list:
        """Encodes bytes as one piece, without splitting."""
        cdef bytes data = exact_bytes(piece)
        cdef Workspace *workspace
        if not data:
            raise ValueError("an empty piece has no encoding")
        workspace = self.take()
        try:
            workspace.ids.length = 0
            append_piece(self, data, False, workspace, &workspace.ids)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def _merge(self, bytes piece not None, bint by_queue=False) -> list:
        """Encodes bytes by merging alone, without looking them up as a whole or splitting them.

        Args:
            by_queue: whether to merge with a priority queue, however short the piece is.
        """
        cdef Workspace *workspace = self.take()
        cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(piece)
        cdef size_t length = <size_t>PyBytes_GET_SIZE(piece)
        cdef int status
        try:
            workspace.ids.length = 0
            if grow_ids(&workspace.ids, length) != STATUS_OK:
                raise MemoryError("no memory for the ids")
            if by_queue:
                status = merge_piece_by_queue(
                    &self.vocabulary.tables, &workspace.merging, &workspace.interrupt, start,
                    length, workspace.ids.data, &workspace.ids.length)
            else:
                status = merge_piece(
                    &self.vocabulary.tables, &workspace.merging, &workspace.interrupt, start,
                    length, workspace.ids.data, &workspace.ids.length)
            if status != STATUS_OK:
                raise_status(status, piece)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def _encode_bytes(self, bytes) -> list:
        """Encodes bytes; from the first that is not valid UTF-8 they are merged without a split."""
        return encode_broken_text(self, exact_bytes(bytes))

    def encode_with_unstable(self, text, allowed_special) -> tuple:
        """Encodes text to the ids that are sure to stay if it goes on, and what may follow them.

        Returns:
            The stable ids, and a list of the sequences of ids that the rest may become.
        """
        return stable_and_completions(self, text, allowed_special)

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
        return self.special_tokens.ids[token]

    # ---- decoding -----------------------------------------------------------------------------

    def decode_bytes(self, tokens) -> bytes:
        """Returns the bytes of a sequence of ids.

        Raises:
            KeyError: an id is neither a token's nor a special token's.
            OverflowError: an id is out of range.
            TypeError: `tokens` is not a sequence of integers.
        """
        cdef Workspace *workspace = self.take()
        cdef size_t length, unknown
        cdef bytes result
        try:
            collect_ids(tokens, &workspace.ids)
            with nogil:
                length = decoded_length(&self.vocabulary.tables, &self.special_tokens.token_bytes,
                                        workspace.ids.data, workspace.ids.length, &unknown)
            if unknown < workspace.ids.length:
                raise KeyError(f"Invalid token for decoding: {workspace.ids.data[unknown]}")
            result = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>length)
            decode_ids(&self.vocabulary.tables, &self.special_tokens.token_bytes,
                       workspace.ids.data, workspace.ids.length,
                       <uint8_t *>PyBytes_AS_STRING(result),
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
        cdef TokenBytes found = bytes_of(
            &self.vocabulary.tables, &self.special_tokens.token_bytes, token_id)
        if found.data == NULL:
            raise KeyError(str(token_id))
        return PyBytes_FromStringAndSize(<const char *>found.data, <Py_ssize_t>found.length)

    def token_byte_values(self) -> list:
        """Returns the bytes of all tokens except special ones, sorted."""
        return self.vocabulary.sorted_tokens()


cdef list encode_list(CoreBPE core, text, const TextView *view, bytearray mask):
    cdef Workspace *workspace = core.take(view.length)
    try:
        encode_into(core, text, view, mask, False, workspace, &workspace.ids)
        return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
    finally:
        give_back(&core.vocabulary.pool, workspace)


cdef TokenBuffer encode_buffer(CoreBPE core, text, const TextView *view, bytearray mask):
    cdef TokenBuffer buffer = TokenBuffer.__new__(TokenBuffer)
    cdef Workspace *workspace
    if grow_ids(&buffer.ids, min(view.length, <size_t>AUTOMATON_WINDOW) + 16) != STATUS_OK:
        raise MemoryError("no memory for a token buffer")
    workspace = core.take(view.length)
    try:
        encode_into(core, text, view, mask, False, workspace, &buffer.ids)
    finally:
        give_back(&core.vocabulary.pool, workspace)
    buffer.finish()
    return buffer
