"""The refusal of a text that holds a disallowed string."""

from api.arguments cimport exact_str


cpdef refuse_strings(text, frozenset names):
    """Refuses a text in which any of some strings occurs, special tokens or not.

    Args:
        text: the text.
        names: the strings. The empty string occurs everywhere, and so, as in tiktoken, does one of
            no strings at all.

    Raises:
        ValueError: one of them occurs. The leftmost is named; of several there, the longest.
        TypeError: the text or one of the strings is not str.
    """
    cdef str searched = exact_str(text), name, found = None if names else ""
    cdef Py_ssize_t first = len(searched), place
    for item in names:
        name = exact_str(item)
        place = searched.find(name, 0, first + len(name))
        if place >= 0 and (found is None or place < first or len(name) > len(found)):
            first, found = place, name
    if found is not None:
        raise_disallowed_special_token(found)


cpdef raise_disallowed_special_token(token):
    """Says which disallowed special token a text holds, and how to allow it.

    Args:
        token: the special token.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        f"The text contains the disallowed special token {token!r}.\n"
        f"To encode it as that special token, pass allowed_special={{{token!r}, ...}}.\n"
        "To encode it as ordinary text, pass "
        f"disallowed_special=(enc.special_tokens_set - {{{token!r}}}), "
        "or disallowed_special=() for all special tokens.\n"
        "For text that others wrote, use enc.ordinary: to it, all text is ordinary.")
