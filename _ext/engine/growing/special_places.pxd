# Finds special tokens in a text that arrives in chunks.
#
# A special token may begin in one chunk and end in another. Until the text decides, its place is
# *open*, and nothing from there on is final.
#
# Time: linear, but each chunk looks at an open place again: at most the characters of the longest
# special token.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr

from engine.text.special_tokens cimport SpecialTokens, follow_edge
from engine.text.utf8 cimport decode_character, sequence_length

cdef enum:
    SPECIAL_NONE = 0         # outcomes of next_special
    SPECIAL_FOUND = 1
    SPECIAL_OPEN = 2

cdef struct SpecialPlace:
    int outcome           # SPECIAL_*
    size_t start          # byte where it begins; the text's length if there is none
    size_t end            # byte after it; of an open one, after the longest so far, or 0
    uint32_t id


cdef inline size_t next_special_beginning(
    const SpecialTokens *special_tokens, const uint8_t *text, size_t position, size_t length
) noexcept nogil:
    """Returns the next byte from `position` on where a special token may begin."""
    cdef const void *found
    cdef uint32_t character
    if position == length:
        return length
    if special_tokens.first_edges[1] == 1 and special_tokens.edge_characters[0] < 0x80:
        found = memchr(text + position, <int>special_tokens.edge_characters[0], length - position)
        return length if found == NULL else <const uint8_t *>found - text
    while position < length:
        character = text[position] if text[position] < 0x80 else decode_character(text + position)
        if follow_edge(special_tokens, 0, character):
            break
        position += sequence_length(text[position])
    return position


cdef inline SpecialPlace next_special(
    const SpecialTokens *special_tokens, const uint8_t *allowed, const uint8_t *text,
    size_t position, size_t length, bint final
) noexcept nogil:
    """Finds the first special token from a byte on, or the first place where one may begin.

    Args:
        allowed: whether each special token counts as one; NULL: all do.
        text: valid UTF-8.
        final: whether the text ends at `length`; then no place is open.
    """
    cdef SpecialPlace found
    cdef uint32_t node, character
    cdef int token
    cdef size_t at
    found.id = 0
    found.end = 0
    while True:
        found.start = next_special_beginning(special_tokens, text, position, length)
        found.outcome = SPECIAL_NONE
        if found.start >= length:
            found.start = length
            return found
        at = found.start
        node = 0
        while at < length:
            character = text[at] if text[at] < 0x80 else decode_character(text + at)
            node = follow_edge(special_tokens, node, character)
            if node == 0:
                break
            at += sequence_length(text[at])
            token = special_tokens.tokens[node]
            if token >= 0 and (allowed == NULL or allowed[token]):
                found.end = at
                found.id = special_tokens.ids[token]
        if (node and not final
                and special_tokens.first_edges[node] < special_tokens.first_edges[node + 1]):
            found.outcome = SPECIAL_OPEN
            return found
        if found.end:
            found.outcome = SPECIAL_FOUND
            return found
        position = found.start + sequence_length(text[found.start])
