"""Surrogates: found in a text, and replaced as tiktoken replaces them."""

from api.arguments cimport exact_str, view_text
from engine.text.utf8 cimport TextView, holds_surrogate


cpdef str without_surrogates(text):
    """Joins surrogate pairs to characters and replaces lone surrogates by U+FFFD.

    Args:
        text: any text.
    """
    cdef str exact = exact_str(text)
    return exact.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def has_surrogate(text) -> bool:
    """Returns whether a text holds a surrogate; releases the GIL for a long text."""
    cdef TextView view
    cdef bint found
    view_text(text, &view)
    if view.length <= GIL_BYTES:
        return holds_surrogate(&view)
    with nogil:
        found = holds_surrogate(&view)
    return found
