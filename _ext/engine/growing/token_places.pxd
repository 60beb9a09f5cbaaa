# Where the tokens of an encoded text begin, in characters, and which token is at a character.
#
# Only the ids and a mark every few hundred characters (encode/marks.pxd) are kept: from the nearest
# mark, or from the token found last, the lengths of the tokens on the way are added up.
#
# Time: O(tokens between two marks) for a place near the last one.

from libc.stdint cimport uint32_t

from engine.decode.offsets cimport TokenLengths, length_of, sum_lengths
from engine.encode.marks cimport Mark

cdef struct TokenPlaces:
    const uint32_t *ids     # borrowed: [count]
    size_t count
    size_t length           # of the text
    TokenLengths lengths    # in characters
    const Mark *marks       # borrowed: [mark_count], ascending; the first is the text's beginning
    size_t mark_count
    size_t mark             # the last one that was used
    Mark last               # a token that was looked for, and where it begins


cdef inline size_t next_start(const TokenPlaces *places, const Mark *at) noexcept nogil:
    """Returns where the token after some token begins."""
    cdef bint inside
    return at.character + length_of(&places.lengths, places.ids[at.ids], &inside)


cdef inline size_t distance(size_t a, size_t b) noexcept nogil:
    return a - b if a > b else b - a


cdef inline void move_back(const TokenPlaces *places, Mark *at) noexcept nogil:
    cdef bint inside
    at.ids -= 1
    at.character -= <uint32_t>length_of(&places.lengths, places.ids[at.ids], &inside)


cdef inline size_t token_at(TokenPlaces *places, size_t character) noexcept nogil:
    """Returns the number of the token that begins at a character, or of the one across it; of
    several, the last."""
    cdef const Mark *mark = places.marks + places.mark
    cdef const Mark *first = places.marks
    cdef const Mark *end = places.marks + places.mark_count
    cdef Mark *at = &places.last
    cdef size_t following
    if character >= places.length:
        return places.count
    while mark > first and mark.character > character:
        mark -= 1
    while mark + 1 < end and mark[1].character <= character:
        mark += 1
    places.mark = mark - first
    if mark + 1 < end and mark[1].character - character < character - mark.character:
        mark += 1
    if distance(mark.character, character) < distance(at.character, character):
        at[0] = mark[0]
    while at.character > character:
        move_back(places, at)
    while at.ids < places.count:
        following = next_start(places, at)
        if following > character:
            break
        at.ids += 1
        at.character = <uint32_t>following
    return at.ids


cdef inline bint is_inside(const TokenPlaces *places, size_t token) noexcept nogil:
    """Returns whether there is no such token, or it begins in the middle of a character."""
    cdef bint inside = True
    if token < places.count:
        length_of(&places.lengths, places.ids[token], &inside)
    return inside


cdef inline bint starts_token(TokenPlaces *places, size_t character) noexcept nogil:
    """Returns whether a token begins with the first byte of a character."""
    cdef size_t token = token_at(places, character)
    return places.last.character == character and not is_inside(places, token)


cdef inline size_t start_of(TokenPlaces *places, size_t token) noexcept nogil:
    """Returns the characters that begin before a token; all if there is no such token."""
    cdef const Mark *mark = places.marks + places.mark
    cdef const Mark *first = places.marks
    cdef const Mark *end = places.marks + places.mark_count
    cdef Mark *at = &places.last
    if token >= places.count:
        return places.length
    while mark > first and mark.ids > token:
        mark -= 1
    while mark + 1 < end and mark[1].ids <= token:
        mark += 1
    places.mark = mark - first
    if mark + 1 < end and mark[1].ids - token < token - mark.ids:
        mark += 1
    if distance(mark.ids, token) < distance(at.ids, token):
        at[0] = mark[0]
    if at.ids > token:
        at.character -= <uint32_t>sum_lengths(&places.lengths, places.ids + token, at.ids - token)
    else:
        at.character += <uint32_t>sum_lengths(&places.lengths, places.ids + at.ids, token - at.ids)
    at.ids = <uint32_t>token
    return at.character
