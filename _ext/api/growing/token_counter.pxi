"""`TokenCounter`: how many tokens a growing text has so far."""

cimport cython

from api.arguments cimport exact_str, view_text
from engine.base.errors cimport raise_status
from engine.base.exclusive cimport enter, leave
from engine.base.interrupt cimport WORK_BETWEEN_CHECKS
from engine.growing.counter cimport (
    TokenCounter as CounterState, add_to_totals, close_counter, copy_counter, feed_counter,
    open_counter, without_memory)
from engine.base.types cimport STATUS_OK, STATUS_SURROGATE
from engine.encode.workspace cimport Workspace, give_back
from engine.text.utf8 cimport TextView

cdef enum:
    LONG_CHUNK = 16    # characters from which on finished pieces are counted together


def _make_counter_arguments():
    def TokenCounter(encoding, *, allowed_special=frozenset(), disallowed_special="all"):
        return encoding, allowed_special, disallowed_special
    return TokenCounter


cdef object counter_arguments = _make_counter_arguments()


def _resume_counter(encoding, allowed, disallowed, total, text, tail, half):
    """Returns the counter that `TokenCounter.__reduce__` describes."""
    cdef TokenCounter counter = TokenCounter(
        encoding, allowed_special=allowed, disallowed_special=disallowed)
    counter._resume(total, text, tail, half)
    return counter


def _resume_checkpoint(encoding, allowed, total, text, tail, half):
    """Returns the checkpoint that `CounterCheckpoint.__reduce__` describes."""
    cdef TokenCounter counter = TokenCounter(
        encoding, allowed_special=allowed, disallowed_special=())
    counter._resume(total, text, tail, half)
    return counter.checkpoint()


cdef str text_from_border(const CounterState *state):
    """Returns the text that may still be counted otherwise."""
    return state.text.buffer.data[state.sure.start:state.text.length].decode("utf-8")


cdef bint is_same_engine(CoreBPE one, CoreBPE other) except -1:
    """Returns whether two engines encode alike and number their special tokens alike."""
    return one is other or (
        one.vocabulary is other.vocabulary and one.pattern == other.pattern
        and one.special_tokens.names == other.special_tokens.names
        and one.special_tokens.ids == other.special_tokens.ids)


@cython.final
cdef class CounterCheckpoint:
    """The state of a `TokenCounter` at one moment. Immutable; only `checkpoint` makes one."""

    cdef CounterState state
    cdef object encoding
    cdef CoreBPE core
    cdef bytearray allowed
    cdef object changed  # see `TokenCounter`
    cdef str tail
    cdef str half

    def __init__(self):
        raise TypeError("a checkpoint is made by TokenCounter.checkpoint()")

    def __dealloc__(self):
        close_counter(&self.state)

    def __repr__(self) -> str:
        total = self.state.total if self.changed is None else self.changed.total
        return f"<CounterCheckpoint of {self.encoding.name!r}: total={total}>"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        """A checkpoint is pickled as the text that may still be counted otherwise."""
        text = text_from_border(&self.state) if self.changed is None else self.changed.state
        return _resume_checkpoint, (
            self.encoding, names_in(self.core.special_tokens, self.allowed), self.state.sure.total,
            text, self.tail, self.half)


@cython.final
cdef class TokenCounter:
    """Counts the tokens of a growing text, exactly and after every chunk.

    `total` is `encoding.count` of all text so far; it may shrink when text is added. The cost of a
    feed depends on its chunk, not on the text before. A high surrogate at the end of a chunk is
    counted with the next chunk, which may hold its other half. Not for several threads at once.

    Args:
        encoding: a `bpecore.Encoding` whose split pattern runs as an automaton, as OpenAI's do.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`; also found where it spans chunks.

    Raises:
        TypeError: `encoding` is not a `bpecore.Encoding`, or `allowed_special` not a set.
        ValueError: the split pattern needs the regex library.

    Example:
        >>> import bpecore
        >>> counter = bpecore.TokenCounter(bpecore.get_encoding("o200k_base"))
        >>> [counter.feed(chunk) for chunk in ("hel", "lo wor", "ld")]
        [1, 2, 2]
        >>> counter.total
        2
    """

    cdef CounterState state
    cdef object encoding
    cdef CoreBPE core
    cdef StreamText special
    cdef object changed  # what takes the text instead of `state`, or None
    cdef bint in_use     # a call is running
    cdef bint broken     # memory ran out during a feed

    __signature__ = Signature(counter_arguments)

    def __cinit__(self, *arguments, **named):
        cdef CoreBPE core
        encoding, allowed_special, disallowed_special = counter_arguments(*arguments, **named)
        core = core_of(encoding)
        self.encoding = encoding
        self.core = core
        self.special = StreamText(core, allowed_special, disallowed_special,
                                  encoding.special_tokens_set)
        if open_counter(&self.state, &core.vocabulary.tables, core.vocabulary.token_parts(),
                        core.engine.automaton, core.engine.special_tokens) != STATUS_OK:
            raise MemoryError("no memory for a token counter")
        self.state.allowed = <const uint8_t *><char *>self.special.allowed
        self.state.any_allowed = self.special.any_allowed
        self.changed = changed_text(encoding, True, self.special)

    def __dealloc__(self):
        close_counter(&self.state)

    def __repr__(self) -> str:
        state = f"total={self._total()}"
        if self.in_use:
            state = "in use"
        elif self.broken:
            state = "memory ran out"
        return f"<TokenCounter of {self.encoding.name!r}: {state}>"

    def __copy__(self):
        return copied(self)

    def __deepcopy__(self, memo):
        return copied(self)

    def __reduce__(self):
        """A counter is pickled as its arguments, and what the text may still change."""
        self._enter()
        try:
            self._check_whole()
            text = text_from_border(&self.state) if self.changed is None else self.changed.state
            return _resume_counter, (
                self.encoding, *self.special.permissions(), self.state.sure.total,
                text, self.special.tail, self.special.half)
        finally:
            leave(&self.in_use)

    cdef int _resume(self, total, text, str tail, str half) except -1:
        """Continues after text with `total` tokens and a piece border, followed by `text`."""
        cdef TextView view
        cdef int status
        if self.changed is None:
            view_text(text, &view)
            status = self._take(&view)
            if status != STATUS_OK:
                raise_status(status, text)
            add_to_totals(&self.state, total)
        else:
            self.changed.resume(text)
        self.special.tail = tail
        self.special.half = half
        return 0

    @property
    def total(self) -> int:
        """Tokens of all text so far."""
        self._enter()
        try:
            self._check_whole()
            return self._total()
        finally:
            leave(&self.in_use)

    def feed(self, chunk) -> int:
        """Takes the next chunk of the text.

        Args:
            chunk: any string; it may be empty.

        Returns:
            Tokens of all text so far.

        Raises:
            TypeError: `chunk` is not a string.
            ValueError: it completes a disallowed special token, or the vocabulary lacks a byte of
                the text. Then the chunk is not taken.
            RuntimeError: the counter is in use by another call.

        Example:
            >>> import bpecore
            >>> counter = bpecore.TokenCounter(bpecore.get_encoding("o200k_base"))
            >>> counter.feed("one two")
            2
        """
        self._enter()
        try:
            self._check_whole()
            return self._feed(exact_str(chunk))
        finally:
            leave(&self.in_use)

    cdef int _enter(self) except -1:
        """Begins a call; `leave` ends it."""
        if not enter(&self.in_use):
            raise RuntimeError("this counter is in use, by another thread or by a call that this "
                               "signal handler has interrupted")
        return 0

    cdef int _check_whole(self) except -1:
        if self.broken:
            raise ValueError("memory ran out in a feed; restore a checkpoint or make a new counter")
        return 0

    cdef object _total(self):
        return self.state.total if self.changed is None else self.changed.total

    cdef object _feed(self, str chunk):
        cdef TextView view
        cdef str tail, half
        cdef int status
        view_text(chunk, &view)
        if self.changed is not None:
            return self._feed_changed(chunk)
        if self.special.half:
            status = STATUS_SURROGATE
        else:
            tail = self.special.refuse(chunk)
            status = self._take(&view)
        if status == STATUS_SURROGATE:
            chunk, half = self.special.whole_characters(chunk)
            tail = self.special.refuse(chunk)
            view_text(chunk, &view)
            status = self._take(&view)
            if status == STATUS_OK:
                self.special.half = half
        if status != STATUS_OK:
            raise_status(status, chunk)
        self.special.tail = tail
        return self.state.total

    cdef object _feed_changed(self, str chunk):
        cdef str half
        chunk, half = self.special.whole_characters(chunk)
        tail = self.special.refuse(chunk)
        total = self.changed.feed(chunk)
        self.special.tail = tail
        self.special.half = half
        return total

    cdef int _take(self, const TextView *view) except -1:
        """Feeds the engine; returns its status. Only STATUS_OK changes the state."""
        cdef CounterCheckpoint before = None
        cdef Workspace *workspace = NULL
        cdef int status
        if self.core.vocabulary.tables.misses_bytes or view.length >= WORK_BETWEEN_CHECKS:
            before = self._copy()
        if view.length >= LONG_CHUNK:
            workspace = self.core.take()
            workspace.scanned.count = 0
        if view.length <= GIL_BYTES:
            status = feed_counter(&self.state, workspace, view)
        else:
            with nogil:
                status = feed_counter(&self.state, workspace, view)
        if workspace != NULL:
            give_back(&self.core.vocabulary.pool, workspace)
        if status != STATUS_OK and status != STATUS_SURROGATE:
            self.broken = before is None or copy_counter(&self.state, &before.state) != STATUS_OK
        return status

    def checkpoint(self) -> CounterCheckpoint:
        """Returns the present state, for `restore`.

        This copies the unfinished piece, in most text a word or less.

        Example:
            >>> import bpecore
            >>> counter = bpecore.TokenCounter(bpecore.get_encoding("o200k_base"))
            >>> counter.feed("hello")
            1
            >>> before = counter.checkpoint()
            >>> counter.feed(" world and more")
            4
            >>> counter.restore(before)
            >>> counter.total
            1
        """
        self._enter()
        try:
            self._check_whole()
            return self._copy()
        finally:
            leave(&self.in_use)

    cdef CounterCheckpoint _copy(self):
        cdef CounterCheckpoint copy = CounterCheckpoint.__new__(CounterCheckpoint)
        copy.encoding = self.encoding
        copy.core = self.core
        copy.allowed = self.special.allowed
        copy.tail = self.special.tail
        copy.half = self.special.half
        copy.changed = None if self.changed is None else self.changed.copy()
        copy.state = without_memory(&self.state)
        if copy_counter(&copy.state, &self.state) != STATUS_OK:
            raise MemoryError("no memory for a checkpoint")
        return copy

    def restore(self, checkpoint) -> None:
        """Goes back (or forward) to a checkpoint. It can be used any number of times.

        Args:
            checkpoint: from a counter of the same encoding with the same special tokens.

        Raises:
            TypeError: `checkpoint` is not a checkpoint.
            ValueError: it belongs to another encoding or allows other special tokens.
        """
        cdef CounterCheckpoint source
        if not isinstance(checkpoint, CounterCheckpoint):
            raise TypeError(f"expected a checkpoint, got {type(checkpoint).__name__}")
        source = checkpoint
        if (not is_same_engine(source.core, self.core) or source.allowed != self.special.allowed
                or (source.changed is None) != (self.changed is None)):
            raise ValueError("the checkpoint is of a counter of another encoding, or one that "
                             "allows other special tokens")
        self._enter()
        try:
            if copy_counter(&self.state, &source.state) != STATUS_OK:
                raise MemoryError("no memory to restore a checkpoint")
            if source.changed is not None:
                self.changed = source.changed.copy()
            self.special.tail = source.tail
            self.special.half = source.half
            self.broken = False
        finally:
            leave(&self.in_use)
