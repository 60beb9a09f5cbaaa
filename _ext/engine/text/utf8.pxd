# A text as the engine sees it, and single characters of UTF-8.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum:
    UNCHECKED_UTF8 = -1          # a width: `data` should be UTF-8; only encode/utf8.pxd reads it
    COUNTED_AT_ONCE = 1 << 16    # characters whose bytes are added up in a 32-bit word

cdef struct TextView:
    const void *data     # the characters; owned by the Python object, which outlives the view
    int width            # bytes per character: 1, 2 or 4; 0 = `data` is UTF-8
    size_t length        # characters (bytes if width is 0)


cdef inline uint32_t read_character(const void *data, int width, size_t position) noexcept nogil:
    """Returns the character at `position`, of `width` bytes (0 means 1)."""
    if width <= 1:
        return (<const uint8_t *>data)[position]
    if width == 2:
        return (<const uint16_t *>data)[position]
    return (<const uint32_t *>data)[position]


cdef inline uint32_t character_at(const TextView *view, size_t position) noexcept nogil:
    """Returns the code point at `position`, or the byte if the view is UTF-8."""
    return read_character(view.data, view.width, position)


cdef inline uint32_t sequence_length(uint8_t lead) noexcept nogil:
    """Returns the length in bytes of the valid UTF-8 sequence that begins with `lead`."""
    if lead < 0x80:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


cdef inline uint32_t decode_character(const uint8_t *text) noexcept nogil:
    """Returns the code point of a valid UTF-8 sequence of two or more bytes."""
    if text[0] < 0xE0:
        return ((text[0] & 0x1F) << 6) | (text[1] & 0x3F)
    if text[0] < 0xF0:
        return ((text[0] & 0x0F) << 12) | ((text[1] & 0x3F) << 6) | (text[2] & 0x3F)
    return (((text[0] & 0x07) << 18) | ((text[1] & 0x3F) << 12)
            | ((text[2] & 0x3F) << 6) | (text[3] & 0x3F))


cdef inline bint is_valid_utf8(const uint8_t *text, size_t length) noexcept nogil:
    """Returns whether bytes are whole characters. One byte at a time, so for short texts."""
    cdef size_t position = 0, end
    cdef uint32_t width, code
    while position < length:
        if text[position] < 0x80:
            position += 1
            continue
        width = sequence_length(text[position])
        end = position + width
        if text[position] < 0xC2 or text[position] > 0xF4 or end > length:
            return False
        for i in range(position + 1, end):
            if text[i] & 0xC0 != 0x80:
                return False
        code = decode_character(text + position)
        if width == 3 and (code < 0x800 or is_surrogate(code)):
            return False
        if width == 4 and (code < 0x10000 or code > 0x10FFFF):
            return False
        position = end
    return True


cdef inline uint32_t encode_character(uint32_t character, uint32_t *length) noexcept nogil:
    """Returns the UTF-8 form of a code point other than a surrogate, with the first byte lowest.

    Mostly without branches, because the lengths of characters are unpredictable.
    """
    cdef uint32_t last = 0x80 | (character & 0x3F)
    cdef uint32_t second = 0x80 | (character >> 6 & 0x3F)
    cdef uint32_t two = (0xC0 | (character >> 6)) | last << 8
    cdef uint32_t three = (0xE0 | (character >> 12)) | second << 8 | last << 16
    cdef uint32_t word = character if character < 0x80 else two
    length[0] = 1 + (character >= 0x80) + (character >= 0x800) + (character >= 0x10000)
    word = three if character >= 0x800 else word
    if character >= 0x10000:
        word = ((0xF0 | (character >> 18)) | (0x80 | (character >> 12 & 0x3F)) << 8
                | second << 16 | last << 24)
    return word


cdef inline bint is_surrogate(uint32_t character) noexcept nogil:
    return character >> 11 == 0x1B    # 0xD800 to 0xDFFF


cdef inline bint holds_surrogate(const TextView *view) noexcept nogil:
    """Returns whether a text has a surrogate."""
    cdef const uint16_t *narrow = <const uint16_t *>view.data
    cdef const uint32_t *wide = <const uint32_t *>view.data
    cdef bint found = False
    cdef size_t i
    if view.width == 2:
        for i in range(view.length):
            found |= is_surrogate(narrow[i])
    elif view.width == 4:
        for i in range(view.length):
            found |= is_surrogate(wide[i])
    return found


cdef inline size_t count_characters(const uint8_t *text, size_t size) noexcept nogil:
    """Returns how many characters begin in `size` bytes of UTF-8."""
    cdef size_t count = 0, i
    for i in range(size):
        count += text[i] & 0xC0 != 0x80
    return count


cdef inline uint32_t bytes_beyond_first(const TextView *view, size_t start, size_t end) \
        noexcept nogil:
    """Returns how many bytes some characters have more than one each; few enough for a word."""
    cdef const uint8_t *bytes = <const uint8_t *>view.data
    cdef const uint16_t *narrow = <const uint16_t *>view.data
    cdef const uint32_t *wide = <const uint32_t *>view.data
    cdef uint32_t found = 0
    cdef size_t i
    if view.width == 1:
        for i in range(start, end):
            found += bytes[i] >= 0x80
    elif view.width == 2:
        for i in range(start, end):
            found += (narrow[i] >= 0x80) + (narrow[i] >= 0x800)
    elif view.width == 4:
        for i in range(start, end):
            found += (wide[i] >= 0x80) + (wide[i] >= 0x800) + (wide[i] >= 0x10000)
    return found


cdef inline size_t utf8_length(const TextView *view, size_t start, size_t end) noexcept nogil:
    """Returns the bytes of the characters from `start` to `end`, none of them a surrogate."""
    cdef size_t length = end - start, stop
    while start < end and view.width:
        stop = min(end, start + COUNTED_AT_ONCE)
        length += bytes_beyond_first(view, start, stop)
        start = stop
    return length
