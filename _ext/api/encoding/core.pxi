"""`CoreBPE`: encoding and decoding, as Python calls them."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t

from api.arguments cimport checked_id, collect_ids, exact_bytes, exact_str, view_text
from engine.decode.ids cimport TokenBytes, bytes_of, decode_ids, decoded_length
from engine.encode.text cimport AUTOMATON_WINDOW, encode_text
from engine.base.errors cimport exception_is_set, raise_status
from engine.sink.id_buffer cimport grow_ids
from engine.sink.int_lists cimport list_of_ids
from engine.base.interrupt cimport run_signal_handlers, set_interrupt
from engine.merge.merge cimport merge_piece
from engine.encode.pieces cimport encode_piece
from engine.text.special_tokens cimport Occurrence, find_special
from engine.split.sure_borders cimport next_sure_border
from engine.base.types cimport NO_TOKEN, STATUS_OK
from engine.growing.unstable cimport find_completions, unstable_tokens
from engine.vocab.tables cimport find_token, id_of
from engine.encode.workspace cimport give_back, take_workspace

cdef enum:
    BORDERS_AT_ONCE = 512    # sure borders that are looked for before they are put into a list


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

    def __cinit__(self, encoder, special_tokens_encoder, pattern):
        # The parts are compiled in Python.
        from bpecore._build.assemble import compile_split_pattern, vocabulary_of

        cdef Vocabulary vocabulary
        vocabulary = vocabulary_of(encoder)
        self.vocabulary = vocabulary
        self.special_tokens = SpecialTokens(special_tokens_encoder)
        self.pattern = exact_str(pattern)
        self.pattern.encode("utf-8")   # refuses surrogates
        compiled = compile_split_pattern(self.pattern)
        if isinstance(compiled, SplitPattern):
            self.split_pattern = compiled
            self.engine.automaton = &self.split_pattern.tables
        else:
            self.regex_pattern = compiled
        self.engine.vocabulary = &vocabulary.tables
        self.engine.vectors = vectors
        self.engine.special_tokens = &self.special_tokens.trie

    @property
    def splits_by_automaton(self) -> bool:
        """Whether the split pattern runs as an automaton, not on the regex library."""
        return self.split_pattern is not None

    # ---- encoding ---------------------------------------------------------------------------

    cdef int _encode_into(self, text, const TextView *view, bytearray mask, bint counting,
                          Workspace *workspace, IdBuffer *sink) except -1:
        """Encodes a text into a sink; the special tokens of the mask stand for themselves."""
        cdef const uint8_t *allowed = NULL if mask is None else <const uint8_t *>mask
        cdef bint any_allowed = (self.special_tokens.trie.count > 0
                                 and (mask is None or len(mask) > 0))
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
                found = find_special(&self.special_tokens.trie, &self.engine.vectors, view,
                                     position, allowed)
            for match in self.regex_pattern.finditer(text[position:found.start]):
                piece = match.group().encode("utf-8")
                if run_signal_handlers():
                    exception_is_set()
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
        return self._encode_list(text, &view, self.special_tokens.permit(
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
        set_interrupt(&workspace.interrupt, handles_signals(), NULL)
        return workspace

    def encode(self, text, allowed_special) -> list:
        """Encodes text to ids; the allowed special tokens stand for themselves."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_list(
            text, &view, self.special_tokens.allowed_mask(text, allowed_special))

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
        return self._encode_buffer(text, &view, self.special_tokens.permit(
            text, &view, allowed_special, disallowed_special, special_tokens_set))

    def encode_to_tiktoken_buffer(self, text, allowed_special) -> TokenBuffer:
        """Encodes text like `encode`, into a buffer."""
        cdef TextView view
        view_text(text, &view)
        return self._encode_buffer(
            text, &view, self.special_tokens.allowed_mask(text, allowed_special))

    cdef TokenBuffer _encode_buffer(self, text, const TextView *view, bytearray mask):
        cdef TokenBuffer buffer = TokenBuffer.__new__(TokenBuffer)
        cdef Workspace *workspace
        if grow_ids(&buffer.ids, min(view.length, <size_t>AUTOMATON_WINDOW) + 16) != STATUS_OK:
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
        mask = self.special_tokens.permit(
            text, &view, allowed_special, disallowed_special, special_tokens_set)
        workspace = self._take()
        try:
            self._encode_into(text, &view, mask, True, workspace, &workspace.ids)
            return workspace.ids.length
        finally:
            give_back(&self.vocabulary.pool, workspace)

    def _sure_borders(self, text) -> list:
        """Returns the characters before which a text may be cut in two without a change of ids.

        All special tokens may occur. None without an automaton, which is what knows.
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
            workspace.ids.length = 0
            if grow_ids(&workspace.ids, length) != STATUS_OK:
                raise MemoryError("no memory for the ids")
            status = merge_piece(
                &self.vocabulary.tables, &workspace.merging, &workspace.interrupt,
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
        unstable = unstable_tokens(&self.vocabulary.tables, tokens, last_piece)
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
        unstable = unstable_tokens(&self.vocabulary.tables, tokens, last_piece)
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
        mask = self.special_tokens.allowed_mask(text, allowed_special)
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
        return self.special_tokens.ids[token]

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
        """Returns the bytes of all tokens but special ones, sorted."""
        return list(self.vocabulary.sorted_tokens())
