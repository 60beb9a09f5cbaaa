# English contractions after an apostrophe: 's, 't, 'd, 'm, 'll, 've, 're.
#
# Whether an apostrophe begins a contraction is the most common doubt about where pieces start
# (split/blocks.pxd), and the only one that two letters settle; the automaton would read all of the
# pieces around it. In o200k_base a contraction belongs to the word before it; in the other
# families it is a piece of its own.
#
# Time: O(1) per doubt. Never loses: what it cannot settle is left to the automaton.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport clear_bit, has_bit, set_bit

cdef enum:
    NO_CONTRACTION = 0
    UNKNOWN_CONTRACTION = 1


cdef inline uint32_t contraction_length(const uint8_t *text, bint any_case) noexcept nogil:
    """Returns the number of characters of a contraction, or one of the two values above.

    Args:
        text: the apostrophe, a letter and one more character, as UTF-8.
        any_case: whether capital letters count too. Then a letter outside ASCII may match: the
            long s, U+017F, is a lower-case form of S.
    """
    cdef uint8_t fold = 0x20 if any_case else 0
    cdef uint8_t first = text[1] | fold
    cdef uint8_t second = text[2] | fold
    if text[1] >= 0x80:
        return UNKNOWN_CONTRACTION
    if first == c's' or first == c't' or first == c'd' or first == c'm':
        return 2
    if first == c'l':
        return 3 if second == c'l' else <uint32_t>NO_CONTRACTION
    if first == c'v' or first == c'r':
        return 3 if second == c'e' else <uint32_t>NO_CONTRACTION
    return NO_CONTRACTION


cdef inline bint settle_contraction(
    const uint8_t *text, bint any_case, bint of_word, uint32_t apostrophe, uint64_t *start_words,
    uint32_t *reached
) noexcept nogil:
    """Sets the starts at and after an apostrophe that a letter follows.

    Precondition: two more characters follow, and all starts before it are sure.

    Args:
        text: from the apostrophe on, as UTF-8.
        any_case: as for `contraction_length`.
        of_word: whether a contraction belongs to the word before it; there is such a word, and it
            has no contraction yet.
        apostrophe: its place among the characters of `start_words`.
        reached: receives the place after a contraction.

    Returns:
        Whether the doubt is settled.
    """
    cdef uint32_t length
    if not has_bit(start_words, apostrophe):
        return True    # it is inside a piece
    length = contraction_length(text, any_case)
    if length == UNKNOWN_CONTRACTION:
        return False
    if length == NO_CONTRACTION:
        return True
    if of_word:
        clear_bit(start_words, apostrophe)
    clear_bit(start_words, apostrophe + 1)
    clear_bit(start_words, apostrophe + 2)
    reached[0] = apostrophe + length
    set_bit(start_words, reached[0])
    return True
