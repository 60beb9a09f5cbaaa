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
# The opposite are *joined* characters. Those of two classes are if, in every state after an `a`,
# the piece may end, but goes on with `b`, and may then end whatever follows. So a run of them is
# always in one piece, up to its end or that of the text. Letters without case are joined.
#
# The pairs are found once per pattern, in O(states * classes^2 / 64).

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.split.automaton cimport Automaton, class_of
from engine.base.heap cimport allocate_zeroed, release
from engine.text.special_tokens cimport SpecialTokens, follow_edge, longest_at
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, has_bit, set_bit
from engine.text.utf8 cimport TextView, character_at

cdef enum:
    PAIR_WORDS = 4    # 64-bit words for one bit per class; there are at most 255 classes


cdef inline const uint32_t *row_of(const Automaton *automaton, uint32_t state) noexcept nogil:
    return automaton.transitions + (<size_t>state << automaton.row_bits)


cdef inline bint always_accepts(const Automaton *automaton, uint32_t state) noexcept nogil:
    """Returns whether a piece may end in a state, whatever follows."""
    cdef const uint32_t *row = row_of(automaton, state)
    cdef uint32_t accepts = 1, following
    for following in range(automaton.end_class + 1):
        accepts &= row[following]
    return accepts


cdef inline void mark_rights(
    const Automaton *automaton, uint32_t state, const uint8_t *accepting, uint64_t *borders,
    uint64_t *joined
) noexcept nogil:
    """Sets the bits of the classes before which a piece in some state ends for sure, and of those
    with which it goes on.

    Args:
        accepting: by state, whether a piece may end there, whatever follows.
    """
    cdef const uint32_t *row = row_of(automaton, state)
    cdef uint32_t at_end = row[automaton.end_class] & 1, right, following
    for right in range(automaton.end_class):
        following = row[right] >> automaton.row_bits
        if row[right] == at_end:
            set_bit(borders, right)
        elif at_end and accepting[following]:
            set_bit(joined, right)


cdef inline void meet_after(
    const Automaton *automaton, uint32_t state_count, uint32_t left, const uint64_t *rights,
    uint64_t *found
) noexcept nogil:
    """Intersects the bits of all states that a class leads to."""
    cdef uint32_t state, entry
    cdef size_t word
    for word in range(PAIR_WORDS):
        found[word] = ~<uint64_t>0
    for state in range(1, state_count):
        entry = row_of(automaton, state)[left] >> automaton.row_bits
        if entry:
            for word in range(PAIR_WORDS):
                found[word] &= rights[entry * PAIR_WORDS + word]


cdef inline int find_sure_pairs(Automaton *automaton, uint32_t state_count) noexcept nogil:
    """Allocates and fills `automaton.sure_borders` and `joined`."""
    cdef size_t words = <size_t>automaton.end_class * PAIR_WORDS
    cdef size_t state_words = <size_t>state_count * PAIR_WORDS
    cdef uint64_t *rights = <uint64_t *>allocate_zeroed(2 * state_words, sizeof(uint64_t))
    cdef uint8_t *accepting = <uint8_t *>allocate_zeroed(state_count, 1)
    cdef uint32_t state, left
    automaton.sure_borders = <uint64_t *>allocate_zeroed(words, sizeof(uint64_t))
    automaton.joined = <uint64_t *>allocate_zeroed(words, sizeof(uint64_t))
    if (rights == NULL or accepting == NULL or automaton.sure_borders == NULL
            or automaton.joined == NULL):
        release(rights)
        release(accepting)
        return STATUS_NO_MEMORY
    for state in range(1, state_count):    # state 0 is dead
        accepting[state] = always_accepts(automaton, state)
    for state in range(1, state_count):
        mark_rights(automaton, state, accepting, rights + state * PAIR_WORDS,
                    rights + state_words + state * PAIR_WORDS)
    for left in range(automaton.end_class):
        meet_after(automaton, state_count, left, rights,
                   automaton.sure_borders + left * PAIR_WORDS)
        meet_after(automaton, state_count, left, rights + state_words,
                   automaton.joined + left * PAIR_WORDS)
    release(rights)
    release(accepting)
    return STATUS_OK


cdef inline bint is_sure_pair(
    const Automaton *automaton, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns whether there is a sure border between characters of two classes."""
    return has_bit(automaton.sure_borders + left * PAIR_WORDS, right)


cdef inline bint is_joined_pair(
    const Automaton *automaton, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns whether a character of one class always goes on with one of another."""
    return has_bit(automaton.joined + left * PAIR_WORDS, right)


cdef inline bint is_sure_border(
    const Automaton *automaton, const TextView *view, size_t position
) noexcept nogil:
    """Returns whether there is a sure border before a character, which is not the first."""
    return is_sure_pair(automaton, class_of(automaton, character_at(view, position - 1)),
                        class_of(automaton, character_at(view, position)))


cdef inline bint in_special_token(
    const SpecialTokens *special_tokens, const TextView *view, size_t position
) noexcept nogil:
    """Returns whether any special token begins before a character and ends after it.

    Args:
        special_tokens: NULL: none are looked for.
    """
    cdef size_t start
    if special_tokens == NULL:
        return False
    start = position - special_tokens.longest if position > special_tokens.longest else <size_t>0
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
        special_tokens: as for `in_special_token`.
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
        special_tokens: as for `in_special_token`.
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
