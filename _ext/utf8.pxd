# A text as the engine sees it, and its UTF-8 bytes.
#
# ASCII strings and bytes are read where they are. Other strings are turned into UTF-8 in chunks
# of bounded size, so that no UTF-8 copy of the whole text is made or left on the caller's object.
# Time: linear. ASCII runs inside wider strings are copied 16 characters at a time; text that
# leaves ASCII every few characters is the slowest case.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

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


cdef inline bint copy_ascii(const TextView *view, size_t position, uint8_t *out) noexcept nogil:
    """Copies ASCII_RUN characters if all are ASCII. The loops become vector instructions."""
    cdef const uint8_t *narrow = <const uint8_t *>view.data + position
    cdef const uint16_t *medium = <const uint16_t *>view.data + position
    cdef const uint32_t *wide = <const uint32_t *>view.data + position
    cdef uint32_t seen = 0
    cdef int i
    if view.width == 1:
        for i in range(ASCII_RUN):
            seen |= narrow[i]
        if seen < 0x80:
            for i in range(ASCII_RUN):
                out[i] = narrow[i]
    elif view.width == 2:
        for i in range(ASCII_RUN):
            seen |= medium[i]
        if seen < 0x80:
            for i in range(ASCII_RUN):
                out[i] = <uint8_t>medium[i]
    else:
        for i in range(ASCII_RUN):
            seen |= wide[i]
        if seen < 0x80:
            for i in range(ASCII_RUN):
                out[i] = <uint8_t>wide[i]
    return seen < 0x80


cdef inline uint8_t *transcode(
    const TextView *view, size_t *position, size_t end, uint8_t *out, const uint8_t *out_end
) noexcept nogil:
    """Writes characters from `position` on as UTF-8 until `end`, or until `out` is full.

    Stops before a surrogate: the caller sees it by `position < end` while there is room left.
    Precondition: `view.width` is not 0.

    Returns:
        One past the last byte written; `position` has moved past the characters written.
    """
    cdef size_t i = position[0]
    cdef size_t run_end
    cdef uint32_t character
    while i < end and out_end - out >= 4:
        character = character_at(view, i)
        if character < 0x80:
            while (end - i >= ASCII_RUN and out_end - out >= ASCII_RUN
                   and copy_ascii(view, i, out)):
                i += ASCII_RUN
                out += ASCII_RUN
            # What is left of the run, or of a run too short to copy at once.
            run_end = i + ASCII_RUN if end - i > ASCII_RUN else end
            while i < run_end and out_end - out >= 4:
                character = character_at(view, i)
                if character >= 0x80:
                    break
                out[0] = <uint8_t>character
                out += 1
                i += 1
        elif is_surrogate(character):
            break
        else:
            out = write_character(out, character)
            i += 1
    position[0] = i
    return out
