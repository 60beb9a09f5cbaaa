# A text as the engine sees it, and its UTF-8 bytes.
#
# ASCII strings and bytes are read where they are. Other strings are turned into UTF-8 in chunks
# of bounded size, so that no UTF-8 copy of the whole text is made or left on the caller's object.
# Time: linear. ASCII runs inside wider strings are copied 16 characters at a time; text that
# leaves ASCII every few characters is the slowest case.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, UINT32_MAX
from libc.string cimport memmove, memset

from memory cimport grow, release
from types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK

cdef enum:
    ASCII_RUN = 16       # ASCII characters that are copied at once

cdef struct TextView:
    const void *data     # the characters; owned by the Python object, which outlives the view
    int width            # bytes a character: 1, 2 or 4; 0 = `data` is UTF-8 already
    size_t length        # characters (bytes if width is 0)


cdef inline uint32_t character_at(const TextView *view, size_t position) noexcept nogil:
    """Returns the code point (the byte, if the view is UTF-8) at `position`."""
    if view.width <= 1:
        return (<const uint8_t *>view.data)[position]
    if view.width == 2:
        return (<const uint16_t *>view.data)[position]
    return (<const uint32_t *>view.data)[position]


cdef inline uint32_t sequence_length(uint8_t lead) noexcept nogil:
    """Returns the length in bytes of the valid UTF-8 sequence that begins with `lead`."""
    if lead < 0x80:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


cdef inline uint32_t decode_character(const uint8_t *text) noexcept nogil:
    """Returns the code point of the valid UTF-8 sequence of two bytes or more at `text`."""
    if text[0] < 0xE0:
        return ((text[0] & 0x1F) << 6) | (text[1] & 0x3F)
    if text[0] < 0xF0:
        return ((text[0] & 0x0F) << 12) | ((text[1] & 0x3F) << 6) | (text[2] & 0x3F)
    return (((text[0] & 0x07) << 18) | ((text[1] & 0x3F) << 12)
            | ((text[2] & 0x3F) << 6) | (text[3] & 0x3F))


cdef inline uint8_t *write_character(uint8_t *out, uint32_t character) noexcept nogil:
    """Writes the UTF-8 form (at most 4 bytes) of a code point that is no surrogate."""
    if character < 0x80:
        out[0] = <uint8_t>character
        return out + 1
    if character < 0x800:
        out[0] = <uint8_t>(0xC0 | (character >> 6))
        out[1] = <uint8_t>(0x80 | (character & 0x3F))
        return out + 2
    if character < 0x10000:
        out[0] = <uint8_t>(0xE0 | (character >> 12))
        out[1] = <uint8_t>(0x80 | ((character >> 6) & 0x3F))
        out[2] = <uint8_t>(0x80 | (character & 0x3F))
        return out + 3
    out[0] = <uint8_t>(0xF0 | (character >> 18))
    out[1] = <uint8_t>(0x80 | ((character >> 12) & 0x3F))
    out[2] = <uint8_t>(0x80 | ((character >> 6) & 0x3F))
    out[3] = <uint8_t>(0x80 | (character & 0x3F))
    return out + 4


cdef inline bint is_surrogate(uint32_t character) noexcept nogil:
    return character >> 11 == 0x1B    # 0xD800 to 0xDFFF


cdef struct Chunk:
    uint8_t *bytes         # UTF-8
    size_t byte_count
    uint32_t *offsets      # where each character begins in `bytes`, if its kind is wanted
    uint8_t *kinds         # the kind of each character, see blocks.h, if it is wanted
    size_t characters
    size_t capacity        # characters there is room for, at 4 bytes each


cdef extern from "blocks.h" nogil:
    # Writes the kinds of 16 ASCII characters.
    void ascii_kinds "bpecore_ascii_kinds" (const uint8_t *text, uint8_t *kinds) noexcept


cdef inline int grow_chunk(Chunk *chunk, size_t capacity) noexcept nogil:
    """Makes room for so many characters, keeping what is there."""
    if (capacity > UINT32_MAX // 4 - LOAD_SLACK
            or grow(<void **>&chunk.bytes, 4 * capacity + LOAD_SLACK) != STATUS_OK
            or grow(<void **>&chunk.kinds, capacity) != STATUS_OK
            or grow(<void **>&chunk.offsets, 4 * capacity) != STATUS_OK):
        return STATUS_NO_MEMORY
    chunk.capacity = capacity
    return STATUS_OK


cdef inline void free_chunk(Chunk *chunk) noexcept nogil:
    release(chunk.bytes)
    release(chunk.kinds)
    release(chunk.offsets)
    memset(chunk, 0, sizeof(Chunk))


cdef inline size_t count_characters(const uint8_t *text, size_t size) noexcept nogil:
    cdef size_t count = 0, i
    for i in range(size):
        count += text[i] & 0xC0 != 0x80
    return count


cdef inline bint copy_ascii(
    const TextView *view, size_t position, bint kinds, Chunk *chunk
) noexcept nogil:
    """Copies ASCII_RUN characters if all are ASCII. The loops become vector instructions."""
    cdef const uint8_t *narrow = <const uint8_t *>view.data + position
    cdef const uint16_t *medium = <const uint16_t *>view.data + position
    cdef const uint32_t *wide = <const uint32_t *>view.data + position
    cdef uint8_t *out = chunk.bytes + chunk.byte_count
    cdef uint32_t *offsets
    cdef uint32_t first
    cdef uint32_t seen = 0
    cdef int i
    if view.width == 1:
        for i in range(ASCII_RUN):
            seen |= narrow[i]
            out[i] = narrow[i]
    elif view.width == 2:
        for i in range(ASCII_RUN):
            seen |= medium[i]
            out[i] = <uint8_t>medium[i]
    else:
        for i in range(ASCII_RUN):
            seen |= wide[i]
            out[i] = <uint8_t>wide[i]
    if seen >= 0x80:
        return False
    if kinds:
        ascii_kinds(out, chunk.kinds + chunk.characters)
        offsets = chunk.offsets + chunk.characters
        first = <uint32_t>chunk.byte_count
        for i in range(ASCII_RUN):
            offsets[i] = first + i
    chunk.byte_count += ASCII_RUN
    chunk.characters += ASCII_RUN
    return True


cdef inline size_t fill_chunk(
    const TextView *view, size_t position, size_t end, const uint16_t *block_index,
    const uint8_t *block_kinds, Chunk *chunk
) noexcept nogil:
    """Appends characters from `position` on as UTF-8 until `end`, or until the chunk is full.

    Stops before a surrogate: the caller sees it by a position before `end` while there is room.
    Precondition: `view.width` is not 0.

    Args:
        block_index, block_kinds: the table of kinds; NULL leaves kinds and offsets out.

    Returns:
        The position behind the characters appended.
    """
    cdef uint32_t character
    cdef uint8_t *out
    while position < end and chunk.characters < chunk.capacity:
        character = character_at(view, position)
        if character < 0x80:
            while (end - position >= ASCII_RUN
                   and chunk.capacity - chunk.characters >= ASCII_RUN
                   and copy_ascii(view, position, block_kinds != NULL, chunk)):
                position += ASCII_RUN
            if position == end or chunk.characters == chunk.capacity:
                break
            character = character_at(view, position)
        if is_surrogate(character):
            break
        if block_kinds != NULL:
            chunk.offsets[chunk.characters] = <uint32_t>chunk.byte_count
            chunk.kinds[chunk.characters] = block_kinds[
                (<size_t>block_index[character >> 7] << 7) | (character & 127)]
        out = chunk.bytes + chunk.byte_count
        chunk.byte_count += write_character(out, character) - out
        chunk.characters += 1
        position += 1
    return position


cdef inline void drop_beginning(
    Chunk *chunk, size_t byte_count, size_t characters, bint kinds
) noexcept nogil:
    """Removes the first bytes, which are so many characters, from a chunk."""
    cdef size_t i
    chunk.byte_count -= byte_count
    chunk.characters -= characters
    memmove(chunk.bytes, chunk.bytes + byte_count, chunk.byte_count)
    if kinds:
        memmove(chunk.kinds, chunk.kinds + characters, chunk.characters)
        for i in range(chunk.characters):
            chunk.offsets[i] = chunk.offsets[i + characters] - <uint32_t>byte_count
