"""Which special tokens a call allows, and which strings it refuses.

The special tokens that a call allows or refuses are passed as a mask: a byte per special token, 0
or 1. None means all of them, an empty mask none. Added tokens, if there are any, are in every mask
of allowed tokens and in none of refused ones.
"""

from cpython.set cimport PySet_GET_SIZE
from libc.stdint cimport uint8_t

from engine.text.special_tokens cimport Occurrence, find_special

cdef enum:
    GIL_SEARCH = 1 << 15   # characters; longer texts are searched without the GIL

empty_mask = bytearray()


cdef bytearray permit(SpecialTokens tokens, text, const TextView *view, allowed_special,
                      disallowed_special, special_tokens_set):
    """Refuses a text with a disallowed string; returns the mask of the allowed tokens.

    A user may set or change `special_tokens_set`, and so what "all" means. A set that was found to
    be the usual one is recognised by its identity and size.
    """
    cdef bint all_allowed = isinstance(allowed_special, str) and allowed_special == "all"
    cdef bint others_refused = isinstance(disallowed_special, str) and disallowed_special == "all"
    if not is_usual(tokens, special_tokens_set):
        if all_allowed:
            allowed_special, all_allowed = special_tokens_set, False
        if others_refused:
            disallowed_special = others_of(special_tokens_set, allowed_special)
            others_refused = False
    if others_refused:
        if not all_allowed:
            refuse_tokens(tokens, view, mask_of_others(tokens, allowed_special))
    elif disallowed_special:
        names = disallowed_strings(disallowed_special)
        if names and names <= tokens.usual_set:
            refuse_tokens(tokens, view, mask_of_names(tokens, names))
        else:
            refuse_strings(text, names)
    return None if all_allowed else allowed_mask(tokens, text, allowed_special)


cdef inline bint is_usual(SpecialTokens tokens, special_tokens_set) except -1:
    """Returns whether a set holds exactly the special tokens."""
    if (special_tokens_set is tokens.known_set
            and PySet_GET_SIZE(special_tokens_set) == tokens.usual_count):
        return True
    if type(special_tokens_set) is set and special_tokens_set == tokens.usual_set:
        tokens.learn(special_tokens_set)
        return True
    return False


cdef tuple masks_of(SpecialTokens tokens, allowed_special, disallowed_special, special_tokens_set):
    """Returns the masks of the special tokens that a call allows and that it refuses.

    None if it refuses strings that are not special tokens, or if its arguments are wrong.
    """
    cdef bint all_allowed = isinstance(allowed_special, str) and allowed_special == "all"
    cdef bytearray allowed, refused = empty_mask
    if not is_usual(tokens, special_tokens_set):
        return None
    try:
        allowed = None if all_allowed else mask_of_strings(tokens, allowed_special)
        if isinstance(disallowed_special, str) and disallowed_special == "all":
            if not all_allowed:
                refused = mask_of_others(tokens, allowed_special)
        elif disallowed_special:
            names = frozenset(disallowed_special)
            if not names <= tokens.usual_set:
                return None
            refused = mask_of_names(tokens, names)
    except (TypeError, UnicodeEncodeError):
        return None
    return allowed, refused


cpdef frozenset disallowed_strings(disallowed_special):
    """Returns the strings of a `disallowed_special` that is not "all".

    Raises:
        TypeError: it is not a collection of strings.
    """
    try:
        return frozenset(disallowed_special)
    except TypeError as error:
        raise TypeError("disallowed_special must be 'all' or a collection of strings, not "
                        f"{type(disallowed_special).__name__}: {disallowed_special!r:.80}"
                        ) from error


cpdef others_of(special_tokens_set, allowed_special):
    """Returns the special tokens that are not allowed.

    Raises:
        TypeError: `allowed_special` is not a set.
    """
    try:
        return special_tokens_set - allowed_special
    except TypeError:
        raise_wrong_allowed(allowed_special)


cdef int raise_wrong_allowed(allowed_special) except -1:
    raise TypeError("allowed_special must be 'all' or a set of special tokens, such as "
                    f"{{'<|endoftext|>'}}, not {type(allowed_special).__name__}: "
                    f"{allowed_special!r:.80}")


cdef bytearray mask_of_others(SpecialTokens tokens, allowed_special):
    """Returns the mask of the special tokens that are not allowed."""
    cdef bytearray mask
    if type(allowed_special) is not set and type(allowed_special) is not frozenset:
        return mask_of_names(tokens, others_of(tokens.usual_set, allowed_special))
    if not allowed_special:
        return tokens.refusable
    mask = (bytearray(b"\1") * tokens.trie.count if tokens.refusable is None
            else bytearray(tokens.refusable))
    for name in allowed_special:
        position = tokens.positions.get(name)
        if position is not None:
            mask[position] = 0
    return mask


cdef bytearray mask_of_names(SpecialTokens tokens, names):
    """Returns the mask of the special tokens among `names`."""
    cdef bytearray mask = bytearray(tokens.trie.count)
    for name in names:
        position = tokens.positions.get(name)
        if position is not None:
            mask[position] = 1
    return mask


cdef bytearray allowed_mask(SpecialTokens tokens, text, allowed_special):
    """Returns the mask of the allowed special tokens.

    Raises:
        TypeError: `allowed_special` is not a set of strings.
        UnicodeEncodeError: the text or one of the strings holds a surrogate.
    """
    try:
        return mask_of_strings(tokens, allowed_special)
    except (TypeError, UnicodeEncodeError):
        text.encode("utf-8")   # an error of the text comes first
        raise


cdef bytearray mask_of_strings(SpecialTokens tokens, allowed_special):
    """Returns the mask of the special tokens in a set, which may hold other strings too."""
    cdef bytearray mask
    if not isinstance(allowed_special, (set, frozenset)):
        raise_wrong_allowed(allowed_special)
    if not allowed_special:
        return tokens.always
    mask = bytearray(tokens.always or tokens.trie.count)
    for name in allowed_special:
        position = tokens.positions.get(name)
        if position is not None:
            mask[position] = 1
        elif isinstance(name, str):
            name.encode("utf-8")   # refuses surrogates
        else:
            raise TypeError("allowed_special must hold str, not "
                            f"{type(name).__name__}: {name!r:.80}")
    return mask


cdef int refuse_tokens(SpecialTokens tokens, const TextView *view, bytearray mask) except -1:
    """Raises ValueError if a text holds a special token of the mask."""
    cdef const uint8_t *wanted = NULL if mask is None else <const uint8_t *>mask
    cdef Occurrence found
    if view.length <= GIL_SEARCH:
        found = find_special(&tokens.trie, &tokens.vectors, view, 0, wanted)
    else:
        with nogil:
            found = find_special(&tokens.trie, &tokens.vectors, view, 0, wanted)
    if found.start < view.length:
        raise_disallowed_special_token(tokens.names[found.token])
    return 0
