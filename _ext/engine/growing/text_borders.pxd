# Places between two characters where people would cut a text: after a line, after a sentence,
# after a word. Each kind includes the ones before it. O(1) each, from the characters around.
#
# Words end where white space begins, so that a word keeps the space that its token has in front.
# Sentences end after . ! ? and similar characters, with closing quotes and brackets, if white
# space follows; after the full-width ones, anything may follow.

from libc.stdint cimport uint32_t

from engine.text.utf8 cimport TextView, character_at

cdef enum Boundary:
    ANY_CHARACTER
    WORDS
    SENTENCES
    LINES

cdef enum:
    MOST_CLOSERS = 8    # closing marks after the end of a sentence


cdef inline bint is_breaking_space(uint32_t c) noexcept nogil:
    """Returns whether a character is white space at which a line may be broken."""
    if c < 0x80:
        return c == 0x20 or 9 <= c <= 13
    return (c == 0x85 or c == 0x1680 or (0x2000 <= c <= 0x200A and c != 0x2007) or c == 0x2028
            or c == 0x2029 or c == 0x205F or c == 0x3000)


cdef inline bint ends_line(uint32_t c) noexcept nogil:
    return 10 <= c <= 13 or c == 0x85 or c == 0x2028 or c == 0x2029


cdef inline bint is_wide_stop(uint32_t c) noexcept nogil:
    """Returns whether a sentence ends after a character without white space: 。！？｡"""
    return c == 0x3002 or c == 0xFF01 or c == 0xFF1F or c == 0xFF61


cdef inline bint is_stop(uint32_t c) noexcept nogil:
    """Returns whether a sentence ends after a character if white space follows."""
    if c < 0x80:
        return c == c"." or c == c"!" or c == c"?"
    return (c == 0x2026 or c == 0x203C or 0x2047 <= c <= 0x2049 or c == 0x061F or c == 0x06D4
            or c == 0x0964 or c == 0x0965 or c == 0x0589 or c == 0x1362 or is_wide_stop(c))


cdef inline bint is_closer(uint32_t c) noexcept nogil:
    """Returns whether a character closes a quotation or a bracket."""
    if c < 0x80:
        return c == c'"' or c == c"'" or c == c")" or c == c"]" or c == c"}"
    return (c == 0x201D or c == 0x2019 or c == 0xBB or c == 0x300B or c == 0x300D or c == 0x300F
            or c == 0x3011 or c == 0xFF09)


cdef inline bint is_border(const TextView *view, size_t place, Boundary kind) noexcept nogil:
    """Returns whether a text may be cut before a character, which is not the first."""
    cdef uint32_t left = character_at(view, place - 1), right = character_at(view, place)
    cdef uint32_t stop = left
    cdef size_t back = 1
    cdef bint before_space
    if ends_line(left) and not (left == 13 and right == 10):
        return True
    if kind == LINES:
        return False
    before_space = is_breaking_space(right) and not is_breaking_space(left)
    if kind == WORDS and before_space:
        return True
    if not before_space and (is_closer(right) or is_stop(right)):
        return False
    while is_closer(stop) and back < place and back <= MOST_CLOSERS:
        back += 1
        stop = character_at(view, place - back)
    return is_wide_stop(stop) or (before_space and is_stop(stop))


cdef inline bint is_plain(uint32_t c) noexcept nogil:
    """Returns whether a character never joins one before it; False says nothing."""
    return (c < 0x300 or 0x400 <= c <= 0x482 or 0x3001 <= c <= 0x3029 or 0x3041 <= c <= 0x3096
            or 0x30A1 <= c <= 0x30FA or 0x4E00 <= c <= 0x9FFF or 0xFF01 <= c <= 0xFF9D)


cdef inline bint may_prepend(uint32_t c) noexcept nogil:
    """Returns whether a character may join one after it; False is certain."""
    return (0x600 <= c <= 0x605 or c == 0x6DD or c == 0x70F or 0x890 <= c <= 0x891 or c == 0x8E2
            or c == 0xD4E or 0x11000 <= c < 0x12000)


cdef inline bint is_sure_grapheme(const TextView *view, size_t place) noexcept nogil:
    """Returns whether a grapheme cluster certainly begins at a character, not the first."""
    cdef uint32_t left = character_at(view, place - 1), right = character_at(view, place)
    if left == 13 and right == 10:
        return False
    return left == 10 or (is_plain(right) and not may_prepend(left))
