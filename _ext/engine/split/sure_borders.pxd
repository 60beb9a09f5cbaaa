# Places where a text can be cut in two without changing any piece, whatever text is around them.
#
# There is a sure border between a character of class a and one of class b if, in every state that
# the automaton can be in after an `a`, reading `b` does the same as reading the end of the text:
# both end the piece, and both accept it or neither does. Then, wherever the piece with the `a`
# began, it ends at the border or earlier, exactly as if the text ended there; and by induction
# over the pieces before the border, a piece begins right after it. So the pieces of the text are
# those of its two parts. `letter | space` is such a pair in every OpenAI pattern; `space | letter`
# is not.
#
# The sure pairs are found once per pattern, in O(states * classes^2 / 64).

from libc.stdint cimport uint32_t, uint64_t

from engine.split.automaton cimport Automaton, class_of
from engine.base.heap cimport allocate_zeroed, release
from engine.text.special_tokens cimport SpecialTokens, follow_edge, longest_at
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.text.utf8 cimport TextView, character_at

cdef enum:
    PAIR_WORDS = 4    # 64-bit words for one bit per class; there are at most 255 classes


cdef inline int find_sure_pairs(Automaton *automaton, uint32_t state_count) noexcept nogil:
    """Allocates and fills `automaton.sure_borders`."""
    cdef uint32_t class_count = automaton.end_class
    cdef const uint32_t *row
    cdef uint32_t state, left, right, at_end, entry
    cdef size_t word
    cdef uint64_t *ends = <uint64_t *>allocate_zeroed(
        <size_t>state_count * PAIR_WORDS, sizeof(uint64_t))
    automaton.sure_borders = <uint64_t *>allocate_zeroed(
        <size_t>class_count * PAIR_WORDS, sizeof(uint64_t))
    if ends == NULL or automaton.sure_borders == NULL:
        release(ends)
        return STATUS_NO_MEMORY
    # For each state, the classes that do what the end of the text does.
    for state in range(1, state_count):
        row = automaton.transitions + (<size_t>state << automaton.row_bits)
        at_end = row[class_count] & 1
        for right in range(class_count):
            if row[right] == at_end:
                ends[state * PAIR_WORDS + (right >> 6)] |= <uint64_t>1 << (right & 63)
    for left in range(class_count):
        for word in range(PAIR_WORDS):
            automaton.sure_borders[left * PAIR_WORDS + word] = ~<uint64_t>0
        for state in range(1, state_count):
            entry = automaton.transitions[(<size_t>state << automaton.row_bits) | left]
            entry >>= automaton.row_bits
            if entry:
                for word in range(PAIR_WORDS):
                    automaton.sure_borders[left * PAIR_WORDS + word] &= (
                        ends[entry * PAIR_WORDS + word])
    release(ends)
    return STATUS_OK


cdef inline bint is_sure_pair(
    const Automaton *automaton, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns whether there is a sure border between characters of two classes."""
    return automaton.sure_borders[left * PAIR_WORDS + (right >> 6)] >> (right & 63) & 1


cdef inline bint is_sure_border(
    const Automaton *automaton, const TextView *view, size_t position
) noexcept nogil:
    """Returns whether there is a sure border before a character, which is not the first."""
    return is_sure_pair(automaton, class_of(automaton, character_at(view, position - 1)),
                        class_of(automaton, character_at(view, position)))


cdef inline bint in_special_token(
    const SpecialTokens *special_tokens, const TextView *view, size_t position
) noexcept nogil:
    """Returns whether any special token begins before a character and ends after it."""
    cdef size_t start = (position - special_tokens.longest
                         if position > special_tokens.longest else <size_t>0)
    while start < position:
        if (follow_edge(special_tokens, 0, character_at(view, start))
                and longest_at(special_tokens, view.data, view.width, view.length, start,
                               NULL).end > position):
            return True
        start += 1
    return False


cdef inline size_t next_sure_border(
    const Automaton *automaton, const SpecialTokens *special_tokens, const TextView *view,
    size_t position, size_t limit
) noexcept nogil:
    """Returns the first sure border from `position` on and below `limit`, or `limit`.

    No special token crosses it, so that the two parts of the text can be encoded independently.

    Args:
        view: ASCII or not UTF-8.
        position: a character that is not the first.
    """
    cdef uint32_t left, right
    if position < limit:
        right = class_of(automaton, character_at(view, position - 1))
    while position < limit:
        left = right
        right = class_of(automaton, character_at(view, position))
        if (is_sure_pair(automaton, left, right)
                and not in_special_token(special_tokens, view, position)):
            return position
        position += 1
    return limit


cdef inline size_t last_sure_border(
    const Automaton *automaton, const SpecialTokens *special_tokens, const TextView *view,
    size_t position, size_t low
) noexcept nogil:
    """Returns the last sure border up to `position` and above `low`, or `low`.

    No special token crosses it.

    Args:
        view: ASCII or not UTF-8.
        position: below the length of the text.
    """
    cdef uint32_t left, right
    if position > low:
        left = class_of(automaton, character_at(view, position))
    while position > low:
        right = left
        left = class_of(automaton, character_at(view, position - 1))
        if (is_sure_pair(automaton, left, right)
                and not in_special_token(special_tokens, view, position)):
            return position
        position -= 1
    return low
