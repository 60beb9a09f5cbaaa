# Sets of characters as bits, and whether a text has no other characters.
#
# Time: about 0.4 ns per character; nothing for ASCII if all of it is in the set. It loses where
# characters of a text are spread over all planes: a set takes 139 KB; a text in one script
# touches less than 3 KB of it.

from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.text.utf8 cimport TextView, read_character

cdef enum:
    SET_BYTES = 0x110000 // 8    # a bit per code point, the lowest of a byte first
    CHECKED = 256                # characters between two looks at the result


cdef inline bint holds_only_members(
    const uint8_t *members, const void *data, int width, size_t length
) noexcept nogil:
    """Returns whether all characters are members.

    Args:
        members: [SET_BYTES].
        data, width, length: those of a view; the compiler specialises the loop for a constant
            width.
    """
    cdef size_t start = 0, end, i
    cdef uint32_t character, others = 0
    while start < length and not others & 1:
        end = start + min(<size_t>CHECKED, length - start)
        for i in range(start, end):
            character = read_character(data, width, i)
            others |= ~(<uint32_t>members[character >> 3] >> (character & 7))
        start = end
    return not others & 1


cdef inline bint holds_only(const uint8_t *members, const TextView *view) noexcept nogil:
    """Returns whether all characters of a text, which is not UTF-8, are members."""
    cdef uint64_t low, high
    if view.width == 0:
        memcpy(&low, members, 8)
        memcpy(&high, members + 8, 8)
        if low & high == UINT64_MAX:
            return True
    if view.width <= 1:
        return holds_only_members(members, view.data, 1, view.length)
    if view.width == 2:
        return holds_only_members(members, view.data, 2, view.length)
    return holds_only_members(members, view.data, 4, view.length)
