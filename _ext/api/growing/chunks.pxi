"""What all classes that take a text in chunks need: special tokens and surrogates across chunks."""

from api.arguments cimport view_text
from engine.text.utf8 cimport TextView


cdef CoreBPE core_of(encoding):
    """Returns the engine of an `Encoding`, which can take text in chunks.

    Raises:
        TypeError: `encoding` is not a `bpecore.Encoding`.
        ValueError: its split pattern has no automaton.
    """
    core = getattr(encoding, "_core_bpe", None)
    if not isinstance(core, CoreBPE):
        raise TypeError(f"expected a bpecore.Encoding, got {type(encoding).__name__}")
    if not (<CoreBPE>core).splits_by_automaton:
        raise ValueError(
            f"a text in chunks needs a split pattern without look-behind and the like, "
            f"unlike that of {encoding.name!r}: {(<CoreBPE>core).pattern!r}")
    return core


cdef object changed_text(encoding, bint counts, StreamText special):
    """Returns what takes the text instead of the engine, which an encoding with rules needs.

    Raises:
        ValueError: its rules need the whole text.
    """
    if getattr(encoding, "_rules", None) is None:
        return None
    return encoding._growing(counts, special.permissions()[0])


cdef class StreamText:
    """The special tokens of a growing text, and what waits for the next chunk."""

    def __cinit__(self, CoreBPE core not None, allowed_special, disallowed_special,
                  special_tokens_set):
        cdef frozenset names = frozenset()
        self.special_tokens = core.special_tokens
        self.tail = ""
        self.half = ""
        if isinstance(allowed_special, str) and allowed_special == "all":
            allowed_special = special_tokens_set
        self.allowed = mask_of_strings(self.special_tokens, allowed_special)
        self.any_allowed = 1 in self.allowed
        if isinstance(disallowed_special, str) and disallowed_special == "all":
            names = frozenset(others_of(special_tokens_set, allowed_special))
        elif disallowed_special:
            names = disallowed_strings(disallowed_special)
        if names and names <= self.special_tokens.usual_set:
            self.refused = mask_of_names(self.special_tokens, names)
            self.any_refused = True
        elif names:
            refuse_strings("", names)
            self.refused_strings = names
        self.overlap = max(max(map(len, names), default=1) - 1, 0)

    cdef tuple permissions(self):
        """Returns the arguments `allowed_special` and `disallowed_special`, as sets."""
        refused = self.refused_strings
        if refused is None:
            refused = names_in(self.special_tokens, self.refused or empty_mask)
        return names_in(self.special_tokens, self.allowed), refused

    cdef str refuse(self, str chunk):
        """Raises if a chunk completes a disallowed string; otherwise returns the new tail."""
        cdef str window
        cdef TextView view
        if not self.any_refused and self.refused_strings is None:
            return ""
        window = self.tail + chunk if self.tail else chunk
        if self.any_refused:
            view_text(window, &view)
            refuse_tokens(self.special_tokens, &view, self.refused)
        else:
            refuse_strings(window, self.refused_strings)
        return window[len(window) - self.overlap:] if len(window) > self.overlap else window

    cdef tuple whole_characters(self, str chunk):
        """Joins the waiting half and a chunk.

        Returns:
            The text without surrogates, and the half that waits next.
        """
        cdef str half = ""
        chunk = self.half + chunk
        if chunk and 0xD800 <= ord(chunk[len(chunk) - 1]) < 0xDC00:
            half = chunk[len(chunk) - 1:]
            chunk = chunk[:len(chunk) - 1]
        return without_surrogates(chunk), half
