# Builds the tables of the borders that tokens bridge (vocab/borders.pxd).

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.heap cimport allocate_zeroed, release
from engine.base.types cimport (
    SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, count_ones, lowest_one, prefetch, set_bit)
from engine.simd.vectors cimport set_flag
from engine.text.utf8 cimport sequence_length
from engine.vocab.borders cimport border_place, hash_character, whole_character
from engine.vocab.tables cimport KEY_MASKS, KeyMask, Vocabulary, load_word

cdef extern from *:
    """
    #define BPECORE_HIGH_BITS 0x8080808080808080ull
    """
    const uint64_t HIGH_BITS "BPECORE_HIGH_BITS"

cdef enum:
    LARGEST_FILTER = 22    # binary logarithm of the bits of the largest filter
    PENDING_BORDERS = 16

cdef struct PendingBorders:
    uint32_t places[PENDING_BORDERS]  # a ring of places in the filter, prefetched, not yet recorded
    uint32_t count                    # places prefetched so far

cdef struct BorderSide:
    bint possible      # whether valid UTF-8 can have such bytes at a border
    bint whole         # whether the character is whole
    uint32_t value     # its code point, or the byte that a fragment is recorded by


cdef inline bint all_ascii(const uint8_t *token, size_t length) noexcept nogil:
    """Returns whether all bytes are ASCII; reads at least 16 bytes."""
    cdef const KeyMask *mask
    cdef size_t i
    cdef uint8_t any_byte = 0
    if length <= SHORT_PIECE:
        mask = &KEY_MASKS[length]
        return ((load_word(token) & mask.low)
                | (load_word(token + 8) & mask.high)) & HIGH_BITS == 0
    for i in range(length):
        any_byte |= token[i]
    return any_byte < 0x80


cdef inline bint begins_character(uint8_t byte) noexcept nogil:
    return byte & 0xC0 != 0x80


cdef inline BorderSide left_fragment(const uint8_t *token, size_t cut) noexcept nogil:
    """Describes the trailing bytes of a character that a token begins with."""
    cdef BorderSide side
    side.possible = cut < 4
    side.whole = False
    side.value = token[cut - 1]
    return side


cdef inline BorderSide right_side(const uint8_t *token, size_t cut, size_t length) noexcept nogil:
    """Describes the character that begins at byte `cut` of a token."""
    cdef BorderSide side
    cdef size_t needed = sequence_length(token[cut])
    cdef size_t i
    side.possible = 0xC2 <= token[cut] < 0xF5 or token[cut] < 0x80
    side.whole = cut + needed <= length
    for i in range(cut + 1, cut + needed if side.whole else length):
        if begins_character(token[i]):
            side.possible = False
    side.value = token[cut]
    if side.possible and side.whole:
        side.value = whole_character(token + cut)
    return side


cdef inline void record_later(
    Vocabulary *vocabulary, PendingBorders *pending, uint32_t place
) noexcept nogil:
    """Prefetches a border's place, and records the one prefetched PENDING_BORDERS earlier."""
    cdef uint32_t *slot = pending.places + pending.count % PENDING_BORDERS
    if pending.count >= PENDING_BORDERS:
        set_bit(vocabulary.borders, slot[0])
    slot[0] = place
    pending.count += 1
    prefetch(vocabulary.borders + (place >> 6))


cdef inline void record_pending(
    Vocabulary *vocabulary, const PendingBorders *pending
) noexcept nogil:
    """Records the borders that are still pending."""
    cdef uint32_t i
    for i in range(min(pending.count, <uint32_t>PENDING_BORDERS)):
        set_bit(vocabulary.borders, pending.places[i])


cdef inline void record_border(
    Vocabulary *vocabulary, PendingBorders *pending, const BorderSide *left,
    const BorderSide *right
) noexcept nogil:
    if left.whole and right.whole:
        record_later(vocabulary, pending, border_place(
            vocabulary, hash_character(left.value), hash_character(right.value)))
    elif left.whole:
        set_flag(vocabulary.before_fragments, left.value)
    elif right.whole:
        set_flag(vocabulary.after_fragments, right.value)
    else:
        vocabulary.fragment_left[left.value & 63] = 1
        vocabulary.fragment_right[right.value >> 1 & 63] = 1


cdef inline void record_borders(
    Vocabulary *vocabulary, PendingBorders *pending, const uint8_t *token, size_t length
) noexcept nogil:
    """Records every border that a token bridges, unless both characters are ASCII.

    Precondition: 16 bytes are readable.
    """
    cdef size_t cut = 0, start
    cdef BorderSide left, right
    if all_ascii(token, length):
        return
    while cut < length and not begins_character(token[cut]):
        cut += 1
    left.possible = False
    if cut > 0:
        left = left_fragment(token, cut)
    while cut < length:
        right = right_side(token, cut, length)
        if left.possible and right.possible and (left.value | right.value) >= 0x80:
            record_border(vocabulary, pending, &left, &right)
        # The right side becomes the next border's left one, unless stray bytes follow it.
        start = cut
        cut += 1
        while cut < length and not begins_character(token[cut]):
            cut += 1
        left = right
        left.possible = right.possible and cut - start == <size_t>sequence_length(token[start])


cdef inline void record_joint(
    Vocabulary *vocabulary, PendingBorders *pending, const uint8_t *token, size_t length,
    size_t cut
) noexcept nogil:
    """Records the borders that a token bridges whose two sides are tokens.

    The borders inside the sides are recorded with the sides, provided that the right side begins a
    character: otherwise a character may be a fragment in a side and whole in the token.

    Args:
        length: bytes of the token.
        cut: bytes of its left side, 1 to `length` - 1.
    """
    cdef size_t start = cut - 1
    cdef BorderSide left, right
    if (token[start] | token[cut]) < 0x80:
        return
    if not begins_character(token[cut]):
        record_borders(vocabulary, pending, token, length)
        return
    while start > 0 and not begins_character(token[start]):
        start -= 1
    if begins_character(token[start]):
        left = right_side(token, start, length)
        left.possible = left.possible and cut - start == <size_t>sequence_length(token[start])
    else:
        left = left_fragment(token, cut)
    right = right_side(token, cut, length)
    if left.possible and right.possible:
        record_border(vocabulary, pending, &left, &right)


cdef inline void bridge_around(
    Vocabulary *vocabulary, const uint8_t *token, size_t length
) noexcept nogil:
    """Makes every border before a token's first character, and after its last one, a bridged one.

    So no part of a cut piece can be the token. One that begins or ends inside a character cannot
    anyway.
    """
    cdef size_t last = length - 1
    cdef BorderSide side
    while last > 0 and not begins_character(token[last]):
        last -= 1
    side = right_side(token, last, length)
    if side.possible and side.whole:
        set_flag(vocabulary.before_fragments, side.value)
    side = right_side(token, 0, length)
    if side.possible and side.whole:
        set_flag(vocabulary.after_fragments, side.value)


cdef inline int open_borders(Vocabulary *vocabulary) noexcept nogil:
    """Allocates the filter at its largest, 4 bits per token or more.

    Known vocabularies bridge fewer than a quarter as many borders as they have tokens, so that is
    16 bits or more per border.
    """
    cdef uint32_t bits_logarithm = 6
    while bits_logarithm < LARGEST_FILTER and (<uint64_t>1 << bits_logarithm) < (
            <uint64_t>4 * vocabulary.token_count):
        bits_logarithm += 1
    vocabulary.borders = <uint64_t *>allocate_zeroed(
        <size_t>1 << (bits_logarithm - 6), sizeof(uint64_t))
    vocabulary.border_shift = 32 - bits_logarithm
    return STATUS_OK if vocabulary.borders != NULL else STATUS_NO_MEMORY


cdef inline int shrink_borders(Vocabulary *vocabulary) noexcept nogil:
    """Shrinks the filled filter to 16 bits or more per distinct border.

    This joins neighbouring bits: a border's place in a smaller filter is the higher part of its
    place in a larger one.
    """
    cdef uint64_t *large = vocabulary.borders
    cdef uint64_t *small
    cdef uint64_t word, ones, place, distinct = 0
    cdef uint32_t bits_logarithm = 6, large_logarithm = 32 - vocabulary.border_shift
    for word in range((<uint64_t>1 << large_logarithm) // 64):
        distinct += count_ones(large[word])
    while bits_logarithm < large_logarithm and (<uint64_t>1 << bits_logarithm) < 16 * distinct:
        bits_logarithm += 1
    vocabulary.table_bytes += (<size_t>1 << bits_logarithm) // 8
    if bits_logarithm == large_logarithm:
        return STATUS_OK
    small = <uint64_t *>allocate_zeroed(<size_t>1 << (bits_logarithm - 6), sizeof(uint64_t))
    if small == NULL:
        return STATUS_NO_MEMORY
    for word in range((<uint64_t>1 << large_logarithm) // 64):
        ones = large[word]
        while ones:
            place = (word << 6 | lowest_one(ones)) >> (large_logarithm - bits_logarithm)
            set_bit(small, <uint32_t>place)
            ones &= ones - 1
    release(large)
    vocabulary.borders = small
    vocabulary.border_shift = 32 - bits_logarithm
    return STATUS_OK
