# Finds special tokens in a text: the leftmost one, and of those that begin there the longest.
#
# All special tokens of an encoding form one trie over code points. The search jumps to the next
# character that begins a special token and walks the trie from there. Blocks of 64 characters are
# searched for all first characters at once, where the next one is in the range of second ones.
#
# Time: linear in the text, times the length of the longest special token where text keeps looking
# like one (for the OpenAI encodings at most 24 steps after a `<`). The number of special tokens
# does not matter; from MANY_BEGINNINGS on, their first characters cost 1 ns per character of text.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr

from engine.base.types cimport lowest_one
from engine.simd.vectors cimport Beginnings, Vectors
from engine.text.utf8 cimport TextView, character_at, read_character

cdef enum:
    MANY_BEGINNINGS = 9     # first characters that are not searched for in blocks
    BLOCK = 64

cdef struct SpecialTokens:
    uint32_t count
    uint32_t shortest           # characters of the shortest one
    uint32_t longest            # characters of the longest one
    bint is_ascii               # whether all are
    uint32_t *ids               # owned: [count]
    uint32_t *first_edges       # owned: [nodes + 1]; node 0 is the root
    int32_t *tokens             # owned: [nodes], the special token that ends here, or -1
    uint32_t *edge_characters   # owned: ascending within a node
    uint32_t *edge_targets      # owned
    uint32_t *rows              # owned: [nodes], a node's row, counted from 1, or 0
    uint32_t *row_targets       # owned: [rows][128], the node an ASCII character leads to, or 0
    Beginnings beginnings

cdef struct Occurrence:
    size_t start       # character where it begins; the text's length if there is none
    size_t end         # character after it
    uint32_t token     # which special token
    uint32_t id


cdef inline uint32_t follow_edge(
    const SpecialTokens *special_tokens, uint32_t node, uint32_t character
) noexcept nogil:
    """Returns the node that `character` leads to, or 0."""
    cdef uint32_t low = special_tokens.first_edges[node]
    cdef uint32_t end = special_tokens.first_edges[node + 1]
    cdef uint32_t high = end
    cdef uint32_t middle
    cdef uint32_t row = special_tokens.rows[node]
    # Most nodes have one edge; the others have a row, so that ASCII text needs no search.
    if end - low == 1:
        return special_tokens.edge_targets[low] * (
            special_tokens.edge_characters[low] == character)
    if row and character < 128:
        return special_tokens.row_targets[128 * <size_t>(row - 1) + character]
    while low < high:
        middle = (low + high) // 2
        if special_tokens.edge_characters[middle] < character:
            low = middle + 1
        else:
            high = middle
    if low < end and special_tokens.edge_characters[low] == character:
        return special_tokens.edge_targets[low]
    return 0


cdef inline size_t next_beginning(
    const SpecialTokens *special_tokens, const TextView *view, size_t position, size_t limit
) noexcept nogil:
    """Returns the next place below `limit` where a special token may begin, or `limit`.

    If that can be with many characters, it looks at each character of the text.
    """
    cdef uint32_t character
    cdef const uint8_t *text = <const uint8_t *>view.data
    cdef const uint8_t *found
    if special_tokens.first_edges[1] == 1:
        character = special_tokens.edge_characters[0]
        if character > 0xFF:
            return limit
        found = <const uint8_t *>memchr(text + position, <int>character, limit - position)
        return limit if found == NULL else found - text
    while position < limit:
        if follow_edge(special_tokens, 0, character_at(view, position)):
            break
        position += 1
    return position


cdef inline Occurrence longest_at(
    const SpecialTokens *special_tokens, const void *data, int width, size_t length,
    size_t position, const uint8_t *wanted
) noexcept nogil:
    """Finds the longest special token that begins at a character; `end` is 0 if there is none.

    Args:
        data, width, length: those of a view; the compiler specialises the loop for a constant
            width.
        wanted: as for `find_special`.
    """
    cdef Occurrence found
    cdef uint32_t node = 0
    cdef int32_t token
    found.start = position
    found.end = 0
    found.token = 0
    found.id = 0
    while position < length:
        node = follow_edge(special_tokens, node, read_character(data, width, position))
        if node == 0:
            break
        position += 1
        token = special_tokens.tokens[node]
        if token >= 0 and (wanted == NULL or wanted[token]):
            found.end = position
            found.token = token
    if found.end:
        found.id = special_tokens.ids[found.token]
    return found


cdef inline Occurrence longest_in(
    const SpecialTokens *special_tokens, const TextView *view, size_t position,
    const uint8_t *wanted
) noexcept nogil:
    """As `longest_at`, in a view."""
    if view.width <= 1:
        return longest_at(special_tokens, view.data, 1, view.length, position, wanted)
    if view.width == 2:
        return longest_at(special_tokens, view.data, 2, view.length, position, wanted)
    return longest_at(special_tokens, view.data, 4, view.length, position, wanted)


cdef inline Occurrence find_in_blocks(
    const SpecialTokens *special_tokens, const Vectors *vectors, const TextView *view,
    size_t position, size_t limit, const uint8_t *wanted
) noexcept nogil:
    """As `find_special_before`, for fewer than MANY_BEGINNINGS first characters."""
    cdef int width = view.width if view.width else 1
    cdef uint64_t places
    cdef Occurrence found
    while position < limit:
        position += vectors.find(
            <const uint8_t *>view.data + position * width, width, limit - position,
            view.length - position, &special_tokens.beginnings, &places)
        while places:
            found = longest_in(
                special_tokens, view, position + <size_t>lowest_one(places), wanted)
            if found.end:
                return found
            places &= places - 1
        position += BLOCK
    found.start = view.length
    found.end = 0
    return found


cdef inline Occurrence find_special_before(
    const SpecialTokens *special_tokens, const Vectors *vectors, const TextView *view,
    size_t position, size_t limit, const uint8_t *wanted
) noexcept nogil:
    """As `find_special`, for special tokens that begin below `limit`."""
    cdef uint32_t beginnings = special_tokens.beginnings.count
    cdef Occurrence found
    if beginnings == 0 or view.length - position < special_tokens.shortest:
        position = limit
    elif 1 < beginnings < MANY_BEGINNINGS or beginnings == 1 and view.width > 1:
        return find_in_blocks(special_tokens, vectors, view, position, limit, wanted)
    while position < limit:
        position = next_beginning(special_tokens, view, position, limit)
        if position == limit:
            break
        found = longest_in(special_tokens, view, position, wanted)
        if found.end:
            return found
        position += 1
    found.start = view.length
    found.end = 0
    return found


cdef inline Occurrence find_special(
    const SpecialTokens *special_tokens, const Vectors *vectors, const TextView *view,
    size_t position, const uint8_t *wanted
) noexcept nogil:
    """Finds the first special token from a character on.

    Args:
        view: not UTF-8, unless it or all special tokens are ASCII.
        wanted: whether each special token counts; NULL = all of them do.
    """
    return find_special_before(special_tokens, vectors, view, position, view.length, wanted)
