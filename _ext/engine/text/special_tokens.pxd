# Finds special tokens in a text: the leftmost one, and of those that begin there the longest.
#
# All special tokens of an encoding form one trie over code points. The search jumps to the next
# character that begins a special token and walks the trie from there. Time: linear in the text,
# times the length of the longest special token where text keeps looking like one (for the OpenAI
# encodings at most 24 steps after a `<`). The number of special tokens does not matter.

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memchr

from engine.simd.vectors cimport Vectors
from engine.text.utf8 cimport TextView, character_at, read_character

cdef struct SpecialTokens:
    uint32_t count
    uint32_t shortest           # characters of the shortest one
    uint32_t longest            # characters of the longest one
    uint32_t *ids               # owned: [count]
    uint32_t *first_edges       # owned: [nodes + 1]; node 0 is the root
    int32_t *tokens             # owned: [nodes], the special token that ends here, or -1
    uint32_t *edge_characters   # owned: ascending within a node
    uint32_t *edge_targets      # owned
    uint32_t *rows              # owned: [nodes], a node's row, counted from 1, or 0
    uint32_t *row_targets       # owned: [rows][128], the node an ASCII character leads to, or 0

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


cdef inline size_t find_character(
    const TextView *view, const Vectors *vectors, size_t position, uint32_t character
) noexcept nogil:
    """Returns the next place of a character from `position` on, or the length of the text."""
    cdef const uint8_t *found
    cdef const uint8_t *text = <const uint8_t *>view.data
    if position >= view.length:
        return view.length
    if view.width > 1:
        return position + vectors.find(
            text + position * view.width, view.width, view.length - position, character)
    if character > 0xFF:
        return view.length
    found = <const uint8_t *>memchr(text + position, <int>character, view.length - position)
    return view.length if found == NULL else found - text


cdef inline size_t next_beginning(
    const SpecialTokens *special_tokens, const Vectors *vectors, const TextView *view,
    size_t position
) noexcept nogil:
    """Returns the next place from `position` on where a special token may begin."""
    cdef uint32_t beginnings = special_tokens.first_edges[1]
    if beginnings == 0 or view.length - position < special_tokens.shortest:
        return view.length
    if beginnings == 1:
        return find_character(view, vectors, position, special_tokens.edge_characters[0])
    while position < view.length and not follow_edge(
            special_tokens, 0, character_at(view, position)):
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


cdef inline Occurrence find_special(
    const SpecialTokens *special_tokens, const Vectors *vectors, const TextView *view,
    size_t position, const uint8_t *wanted
) noexcept nogil:
    """Finds the first special token from a character on.

    Args:
        view: not UTF-8, unless it is ASCII.
        wanted: whether each special token counts; NULL = all of them do.
    """
    cdef Occurrence found
    while True:
        position = next_beginning(special_tokens, vectors, view, position)
        if position == view.length:
            found.start = position
            found.end = 0
            return found
        if view.width <= 1:
            found = longest_at(
                special_tokens, view.data, 1, view.length, position, wanted)
        elif view.width == 2:
            found = longest_at(
                special_tokens, view.data, 2, view.length, position, wanted)
        else:
            found = longest_at(
                special_tokens, view.data, 4, view.length, position, wanted)
        if found.end:
            return found
        position += 1
