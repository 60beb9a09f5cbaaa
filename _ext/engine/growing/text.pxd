# The bytes of a text that arrives in chunks, as far as they are still needed.
#
# Time: linear. Space: the bytes kept, at most doubled, and KEPT_PREFIX.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memmove

from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, STATUS_SURROGATE
from engine.text.utf8 cimport TextView, character_at, encode_character, is_surrogate

cdef enum:
    KEPT_PREFIX = 1 << 12    # bytes no longer needed that are kept until dropping them pays

cdef struct GrowingText:
    ByteBuffer buffer     # UTF-8, with room for LOAD_SLACK more bytes at the end
    size_t length         # bytes


cdef inline int reserve_text(GrowingText *text, size_t more) noexcept nogil:
    """Makes room for `more` bytes; at least doubles."""
    cdef size_t needed = text.length + more + LOAD_SLACK
    if needed < more:
        return STATUS_NO_MEMORY
    if needed <= text.buffer.capacity:
        return STATUS_OK
    if needed < 2 * text.buffer.capacity:
        needed = 2 * text.buffer.capacity
    return grow_bytes(&text.buffer, needed)


cdef inline int append_text(
    GrowingText *text, const TextView *view, size_t start, size_t end
) noexcept nogil:
    """Appends the characters of a view from `start` to `end`; a failure changes nothing."""
    cdef uint8_t *out
    cdef uint32_t character, length, word
    cdef size_t position
    if end - start > (<size_t>-1) // 8 or reserve_text(
            text, (end - start) * (1 if view.width == 0 else 4)) != STATUS_OK:
        return STATUS_NO_MEMORY
    out = text.buffer.data + text.length
    if view.width == 0:
        memcpy(out, <const uint8_t *>view.data + start, end - start)
        text.length += end - start
        return STATUS_OK
    for position in range(start, end):
        character = character_at(view, position)
        if is_surrogate(character):
            return STATUS_SURROGATE
        word = encode_character(character, &length)
        memcpy(out, &word, sizeof(word))
        out += length
    text.length = out - text.buffer.data
    return STATUS_OK


cdef inline size_t forget_text(GrowingText *text, size_t done) noexcept nogil:
    """Drops the first `done` bytes, which are no longer needed, if that pays.

    Returns:
        How many bytes were dropped: `done` or 0.
    """
    if done < KEPT_PREFIX or done < text.length // 2:
        return 0
    memmove(text.buffer.data, text.buffer.data + done, text.length - done)
    text.length -= done
    return done
