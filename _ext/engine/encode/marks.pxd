# Marks: how many ids a text has up to some of its characters, noted while it is encoded.
#
# Between two marks are a few hundred characters: a group of pieces. Who needs the place of a token
# later adds up the lengths of the tokens from the nearest mark, not those of all.

from libc.stdint cimport uint32_t

from engine.split.chunk cimport Chunk, character_of

cdef enum:
    MARK_BITS = 8    # there is room for one mark per 256 characters

cdef struct Mark:
    uint32_t character
    uint32_t ids           # before the character

cdef struct Marks:
    Mark *slots            # borrowed: [characters >> MARK_BITS, plus 1]; NULL = none are made
    size_t first_id        # ids that the sink had before the text
    const Chunk *chunk     # the window that is encoded; NULL if it is ASCII that is read in place
    size_t window          # the character where it begins
    bint open              # whether a window is encoded whose pieces' ends are known


cdef inline void leave_mark(Marks *marks, size_t character, size_t ids) noexcept nogil:
    """Notes how many ids the sink has at a character, if marks are made."""
    cdef Mark *mark
    if marks.slots != NULL:
        mark = &marks.slots[character >> MARK_BITS]
        mark.character = <uint32_t>character
        mark.ids = <uint32_t>(ids - marks.first_id)


cdef inline void open_window(Marks *marks, const Chunk *chunk, size_t start) noexcept nogil:
    marks.open = marks.slots != NULL
    marks.chunk = chunk
    marks.window = start


cdef inline void mark_group(Marks *marks, uint32_t end, size_t ids) noexcept nogil:
    """Leaves a mark at a byte of the open window, where a piece ends."""
    leave_mark(marks, marks.window + (end if marks.chunk == NULL else character_of(
        marks.chunk, end)), ids)
