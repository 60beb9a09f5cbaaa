# UTF-8 of unknown validity, as the characters that the rest of the engine reads.
#
# Arrow's strings are UTF-8 and are read where they are; what is ASCII needs nothing else. Other
# text is checked and decoded to characters of 2 bytes, or of 4 if one needs them, in memory that is
# used again for the next text. Time: linear; a text with a character above 0xFFFF is begun twice.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.types cimport STATUS_INVALID_UTF8, STATUS_NO_MEMORY, STATUS_OK
from engine.simd.vectors cimport Vectors
from engine.text.utf8 cimport TextView, decode_character, sequence_length

cdef extern from *:
    """
    #define BPECORE_NOT_ASCII 0x8080808080808080u
    """
    const uint64_t NOT_ASCII "BPECORE_NOT_ASCII"    # the highest bit of each byte

cdef enum:
    STEP = 64                   # bytes that vector instructions decode at a time
    REPLACEMENT_BYTES = 3       # of U+FFFD in UTF-8


cdef inline bint is_ascii(const uint8_t *text, size_t length) noexcept nogil:
    """Returns whether all bytes are below 0x80. The compiler turns the first loop into vectors."""
    cdef uint64_t words[8]
    cdef uint64_t seen = 0, word
    cdef size_t position = 0
    cdef int i
    while length - position >= sizeof(words):
        memcpy(words, text + position, sizeof(words))
        for i in range(8):
            seen |= words[i]
        if seen & NOT_ASCII:
            return False
        position += sizeof(words)
    while length - position >= sizeof(word):
        memcpy(&word, text + position, sizeof(word))
        seen |= word
        position += sizeof(word)
    word = 0
    memcpy(&word, text + position, length - position)
    return (seen | word) & NOT_ASCII == 0


cdef inline uint32_t well_formed_part(
    const uint8_t *text, size_t left, bint *whole
) noexcept nogil:
    """Returns how many of the next bytes may begin one character; at least 1.

    If they are not a `whole` character, Unicode has them replaced together (section 3.9, "U+FFFD
    substitution of maximal subparts").

    Args:
        left: the bytes of the text from there on, at least 1.
    """
    cdef uint8_t lead = text[0]
    cdef uint32_t wanted, i
    whole[0] = lead < 0x80
    if whole[0] or lead < 0xC2 or lead > 0xF4:
        return 1
    wanted = sequence_length(lead)
    for i in range(1, wanted):
        if i == left or text[i] & 0xC0 != 0x80:
            return i
        if i == 1 and (lead == 0xE0 and text[1] < 0xA0 or lead == 0xED and text[1] >= 0xA0
                       or lead == 0xF0 and text[1] < 0x90 or lead == 0xF4 and text[1] >= 0x90):
            return 1
    whole[0] = True
    return wanted


cdef inline size_t without_cut_character(const uint8_t *text, size_t length) noexcept nogil:
    """Returns the bytes up to the last character if that may go on after them, otherwise all."""
    cdef size_t i
    for i in range(1, min(length, <size_t>3) + 1):
        if text[length - i] >= 0xC0:
            return length - i if sequence_length(text[length - i]) > i else length
        if text[length - i] < 0x80:
            break
    return length


cdef inline size_t widen_step(
    const Vectors *vectors, const uint8_t *text, size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Decodes up to STEP bytes to characters of 4 bytes; returns how many were read, perhaps 0."""
    cdef uint16_t narrow[2 * STEP]
    cdef size_t decoded, i
    count[0] = vectors.decode(text, min(length, <size_t>STEP), narrow, &decoded)
    for i in range(count[0]):
        out[i] = narrow[i]
    return decoded


cdef inline size_t decode_step(
    const uint8_t *text, size_t length, size_t wanted, bint wide, uint32_t *out_wide,
    uint16_t *out_narrow, size_t *count
) noexcept nogil:
    """Decodes some bytes one character at a time; returns how many were read.

    Args:
        wanted: bytes; fewer are read only if what follows is not valid, or too wide for `out`.
        wide: which of the two outputs is written.
        count: characters that `out` has; receives their new number.
    """
    cdef size_t position = 0
    cdef uint32_t size, character
    cdef uint64_t word
    cdef bint whole
    cdef int i
    while position < wanted:
        if length - position >= 8:
            memcpy(&word, text + position, 8)
            if word & NOT_ASCII == 0:
                for i in range(8):
                    if wide:
                        out_wide[count[0] + i] = text[position + i]
                    else:
                        out_narrow[count[0] + i] = text[position + i]
                count[0] += 8
                position += 8
                continue
        size = well_formed_part(text + position, length - position, &whole)
        if not whole or size == 4 and not wide:
            return position
        character = text[position] if size == 1 else decode_character(text + position)
        if wide:
            out_wide[count[0]] = character
        else:
            out_narrow[count[0]] = <uint16_t>character
        count[0] += 1
        position += size
    return position


cdef inline size_t decode_as(
    const Vectors *vectors, const uint8_t *text, size_t length, bint wide, TextView *view
) noexcept nogil:
    """Decodes to characters of 2 or 4 bytes; returns how many bytes were read, `length` or fewer.

    Precondition: `view.data` has room for `length + 2 * STEP` characters.
    """
    cdef uint32_t *out_wide = <uint32_t *>view.data
    cdef uint16_t *out_narrow = <uint16_t *>view.data
    cdef size_t position = 0, count = 0, made = 0, done, wanted
    while position < length:
        done = 0
        if vectors.decode != NULL:
            if wide:
                done = widen_step(vectors, text + position, length - position, out_wide + count,
                                  &made)
            else:
                made = vectors.decode(text + position, length - position, out_narrow + count,
                                      &done)
            count += made
            position += done
        if done == 0 or position < length and not wide:
            wanted = min(length - position, <size_t>STEP)
            done = decode_step(text + position, length - position, wanted, wide, out_wide,
                               out_narrow, &count)
            position += done
            if done < wanted:
                break
    view.width = 4 if wide else 2
    view.length = count
    return position


cdef inline int decode_utf8(
    const Vectors *vectors, const uint8_t *text, size_t length, ByteBuffer *memory,
    TextView *view
) noexcept nogil:
    """Decodes some UTF-8.

    Args:
        memory: where the characters are written.
        view: receives them; its width is 2 or 4. If the width was 4 before, 2 is not tried.

    Returns:
        STATUS_OK, STATUS_INVALID_UTF8 or STATUS_NO_MEMORY.
    """
    cdef bint wide = view.width == 4
    cdef size_t position
    while True:
        if (length > (<size_t>1 << 60)
                or grow_bytes(memory, (length + 2 * STEP) * (4 if wide else 2)) != STATUS_OK):
            return STATUS_NO_MEMORY
        view.data = memory.data
        position = decode_as(vectors, text, length, wide, view)
        if position == length:
            return STATUS_OK
        if wide or text[position] < 0xF0:
            return STATUS_INVALID_UTF8
        wide = True


cdef inline int replace_invalid(
    const uint8_t *text, size_t length, ByteBuffer *memory, size_t *size
) noexcept nogil:
    """Copies a text with U+FFFD in place of what is not UTF-8, as `bytes.decode` does.

    Args:
        size: receives the bytes of the copy.
    """
    cdef size_t position = 0, written = 0
    cdef uint32_t part
    cdef bint whole
    if (length > (<size_t>1 << 60)
            or grow_bytes(memory, REPLACEMENT_BYTES * length + 1) != STATUS_OK):
        return STATUS_NO_MEMORY
    while position < length:
        part = well_formed_part(text + position, length - position, &whole)
        if whole:
            memcpy(memory.data + written, text + position, part)
            written += part
        else:
            memcpy(memory.data + written, "\xEF\xBF\xBD", REPLACEMENT_BYTES)
            written += REPLACEMENT_BYTES
        position += part
    size[0] = written
    return STATUS_OK
