# Places where a text can be cut in two without changing any token.
#
# A sure border (split/sure_borders.pxd) is one, whatever text is around. So is a place between two
# characters of a run of joined ones, if no token bridges them (vocab/borders.pxd) and the text ends
# with the run, or there is a sure border after it. In text without spaces, such as Chinese, such
# places are a few characters apart, and sure borders a whole sentence.
#
# For a text that ends, or begins, inside such a run there is one more: where it does so itself, if
# a token of the whole text begins there. The tokens of a piece on either side of a joint are what
# merging makes of their bytes alone (docs/decisions/growing-counts.md).
#
# That holds if merging can make every token; none of this where special tokens are looked for.

from libc.stdint cimport uint8_t, uint32_t

from engine.encode.call cimport Engine
from engine.split.automaton cimport class_of
from engine.split.sure_borders cimport is_joined_pair, is_sure_pair, last_sure_border
from engine.text.special_tokens cimport SpecialTokens
from engine.text.utf8 cimport TextView, character_at, encode_character
from engine.vocab.borders cimport hash_character, is_bridged


cdef inline const SpecialTokens *searched(const Engine *engine, bint any_special) noexcept nogil:
    """Returns the special tokens that a sure border may not be inside."""
    return engine.special_tokens if any_special else NULL


cdef inline bint is_unbridged(const Engine *engine, uint32_t left, uint32_t right) noexcept nogil:
    """Returns whether no token bridges two characters."""
    cdef uint32_t length
    return (left | right) >= 0x80 and not is_bridged(
        engine.vocabulary, left, hash_character(left), right, hash_character(right),
        <uint8_t>encode_character(right, &length))


cdef inline bint cuts_at_tokens(const Engine *engine, bint any_special) noexcept nogil:
    """Returns whether parts that end or begin inside a run may be cut there at a token."""
    return not any_special and engine.vocabulary.unreachable_count == 0


cdef inline bint is_joined(
    const Engine *engine, const TextView *view, bint any_special, size_t place
) noexcept nogil:
    """Returns whether a place, which is neither end of the text, is inside a run that parts may be
    cut in at a token."""
    return cuts_at_tokens(engine, any_special) and is_joined_pair(
        engine.automaton, class_of(engine.automaton, character_at(view, place - 1)),
        class_of(engine.automaton, character_at(view, place)))


cdef inline size_t last_sure_cut(
    const Engine *engine, const TextView *view, bint any_special, size_t place, size_t low
) noexcept nogil:
    """Returns the last sure cut of a text that ends at a place, or `low`.

    Args:
        engine: the engine.
        view: the whole text, ASCII or not UTF-8.
        any_special: whether some special tokens are looked for.
        place: not the end of the whole text.
        low: a place up to `place`.
    """
    cdef size_t end = place
    cdef uint32_t left, right = character_at(view, place), left_class, right_class
    right_class = class_of(engine.automaton, right)
    while place > low and not any_special:
        left = character_at(view, place - 1)
        left_class = class_of(engine.automaton, left)
        if is_sure_pair(engine.automaton, left_class, right_class):
            return place
        if not is_joined_pair(engine.automaton, left_class, right_class):
            # What comes after the end does not matter.
            if place < end:
                break
        elif is_unbridged(engine, left, right):
            return place
        right = left
        right_class = left_class
        place -= 1
    return last_sure_border(engine.automaton, searched(engine, any_special), view, place, low)


cdef inline size_t first_sure_cut(
    const Engine *engine, const TextView *view, bint any_special, size_t place, size_t border,
    bint starts_token
) noexcept nogil:
    """Returns the first sure cut of a text that begins at a place.

    Args:
        engine: the engine.
        view: the whole text, ASCII or not UTF-8.
        any_special: whether some special tokens are looked for.
        place: not the beginning of the whole text.
        border: the next sure border.
        starts_token: whether a token of the whole text begins there.
    """
    cdef size_t found = border
    cdef uint32_t left = character_at(view, place - 1), right, left_class, right_class
    if any_special:
        return border
    starts_token &= cuts_at_tokens(engine, any_special)
    left_class = class_of(engine.automaton, left)
    for place in range(place, border):
        right = character_at(view, place)
        right_class = class_of(engine.automaton, right)
        if not is_joined_pair(engine.automaton, left_class, right_class):
            return border
        if found == border and (starts_token or is_unbridged(engine, left, right)):
            found = place
        left = right
        left_class = right_class
    return found
