# Splits text by blocks of 64 characters, for the members of the split family.
#
# Bit algebra finds the piece starts (split/starts.pxd). A doubtful apostrophe is settled by the
# letters after it where that is possible (split/contractions.pxd). At any other doubtful place the
# automaton splits again, from the last start before it until it meets a start after it; from there
# on the starts are right, because splitting depends only on what follows a piece's start.
#
# Loses on texts shorter than a block, which go to the automaton, and where most places are in
# doubt.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from engine.base.types cimport check, clear_bit, has_bit, highest_one, lowest_one, set_bit
from engine.simd.vectors cimport ASCII_PLACES, Vectors
from engine.split.automaton cimport NEED_MORE, NO_MATCH, Automaton, scan_piece
from engine.split.chunk cimport CHUNK_CHARACTERS, Chunk
from engine.split.contractions cimport settle_contraction
from engine.split.rules cimport ANY_CASE, OF_WORD
from engine.split.starts cimport Split, ascii_source, find_starts

cdef extern from *:
    """
    /* Where the blocks of a text that lies in place start, in bytes. */
    #define BPECORE_FOUR(n) 64 * (n), 64 * (n) + 64, 64 * (n) + 128, 64 * (n) + 192
    #define BPECORE_SIXTEEN(n) BPECORE_FOUR(n), BPECORE_FOUR(n + 4), BPECORE_FOUR(n + 8), \\
        BPECORE_FOUR(n + 12)
    static const uint32_t bpecore_in_place_starts[64] = {
        BPECORE_SIXTEEN(0), BPECORE_SIXTEEN(16), BPECORE_SIXTEEN(32), BPECORE_SIXTEEN(48)};
    """
    const uint32_t[64] IN_PLACE_STARTS "bpecore_in_place_starts"

cdef enum:
    BLOCK_MINIMUM = 48    # fewer characters go straight to the automaton

cdef struct Window:
    const uint8_t *text    # valid UTF-8, from a piece's start on
    size_t size            # in bytes
    uint32_t characters    # 1 to CHUNK_CHARACTERS
    bint in_place          # whether it is ASCII and read where it lies; otherwise the chunk is
    #                        filled from it
    bint final             # whether the text ends with it


cdef inline void keep_bits(uint64_t *words, uint32_t first, uint32_t last) noexcept nogil:
    """Clears the bits before `first` in the first block, and those after `last` in its block."""
    words[0] &= ~<uint64_t>0 << first
    words[last >> 6] &= ~<uint64_t>0 >> (63 - (last & 63))


cdef inline uint32_t byte_of(
    const Window *window, const Chunk *chunk, uint32_t character
) noexcept nogil:
    """Returns where a character begins, in bytes."""
    if window.in_place:
        return character
    return chunk.block_starts[character >> 6] + chunk.places[character]


cdef inline uint32_t start_before(const uint64_t *words, uint32_t character) noexcept nogil:
    """Returns the last start before a character, or 0."""
    cdef uint32_t block = character >> 6
    cdef uint64_t word = words[block] & ~(~<uint64_t>0 << (character & 63))
    while word == 0:
        if block == 0:
            return 0
        block -= 1
        word = words[block]
    return 64 * block + <uint32_t>highest_one(word)


cdef inline uint32_t split_until_sure(
    const Automaton *automaton, const Window *window, const Chunk *chunk, uint32_t doubt,
    Split *split
) noexcept nogil:
    """Sets the starts around a doubtful place by the automaton, up to one after it that was there.

    Moves `split.last` if the pieces go on beyond it or the window does not decide.

    Returns:
        The first start after the doubt.
    """
    cdef uint64_t *words = split.start_words
    cdef uint32_t start = start_before(words, doubt)
    cdef uint32_t following = start
    cdef size_t scanned
    cdef bint sure
    while True:
        scanned = scan_piece(automaton, window.text, byte_of(window, chunk, start), window.size,
                             window.final)
        if scanned == NEED_MORE or scanned == window.size:
            split.last = start
            return start
        following += 1
        while byte_of(window, chunk, following) < scanned:
            clear_bit(words, following)
            following += 1
        sure = has_bit(words, following)
        set_bit(words, following)
        start = following
        if start >= split.last:
            split.last = start
            return start
        if sure and start > doubt:
            return start


cdef inline bint is_apostrophe(const uint64_t *masks, uint32_t position) noexcept nogil:
    cdef const uint64_t *block = masks + 8 * (position >> 6)
    return (block[6] & ~block[7]) >> (position & 63) & 1


cdef inline bint settle_apostrophe(
    int rules, const Window *window, const Chunk *chunk, uint32_t doubt, Split *split,
    uint32_t *reached
) noexcept nogil:
    """Makes the starts around an apostrophe sure without the automaton; returns whether it could.

    Args:
        doubt: where the apostrophe is.
        reached: all starts up to there, and up to the doubt, are sure; may be moved.
    """
    if doubt + 3 >= split.last:
        return False
    # The letter before may end a contraction; then the apostrophe does not begin a second one.
    if rules & OF_WORD and doubt == reached[0]:
        return False
    return settle_contraction(
        window.text + byte_of(window, chunk, doubt), rules & ANY_CASE != 0, rules & OF_WORD != 0,
        doubt, split.start_words, reached)


cdef inline void resolve_doubts(
    const Automaton *automaton, const Window *window, const Chunk *chunk, Split *split
) noexcept nogil:
    """Makes all starts up to `split.last` sure."""
    cdef uint32_t block = 0, doubt
    cdef uint32_t reached = 0     # all starts up to here are sure
    cdef uint64_t word
    while 64 * block <= split.last:
        word = split.doubt_words[block]
        while word:
            doubt = 64 * block + <uint32_t>lowest_one(word)
            word &= word - 1
            if doubt > split.last:
                return
            if doubt < reached or is_apostrophe(chunk.masks, doubt) and settle_apostrophe(
                    automaton.rules, window, chunk, doubt, split, &reached):
                continue
            reached = split_until_sure(automaton, window, chunk, doubt, split)
        block += 1


cdef inline size_t append_tail(
    const Automaton *automaton, const Window *window, uint32_t *ends, size_t count
) noexcept nogil:
    """Appends the ends of the last pieces of a text, which the automaton splits.

    Stops early if there is no room for more.
    """
    cdef size_t position = ends[count - 1]
    while position < window.size and count < CHUNK_CHARACTERS:
        position = scan_piece(automaton, window.text, position, window.size, True)
        check(position != NO_MATCH)
        ends[count] = <uint32_t>position
        count += 1
    return count


cdef inline size_t split_by_blocks(
    const Automaton *automaton, const Vectors *vectors, const Window *window, Chunk *chunk,
    Split *split
) noexcept nogil:
    """Splits a window up to a start near its end, or up to its end if the text ends there.

    Returns:
        The number of pieces, or parts of cut pieces, whose ends are in `split.ends`; 0 if only the
        first start is sure.
    """
    cdef uint32_t used = window.characters, whole = used >> 6, blocks = (used + 63) >> 6
    cdef size_t count, i
    check(0 < used <= CHUNK_CHARACTERS)
    if window.in_place:
        vectors.masks(window.text, whole, ascii_source(automaton.rules), chunk.masks)
        if used & 63:
            memset(chunk.kinds, 0, 64)
            memcpy(chunk.kinds, window.text + 64 * whole, used & 63)
            vectors.masks(chunk.kinds, 1, ascii_source(automaton.rules), chunk.masks + 8 * whole)
    memset(chunk.masks + 8 * blocks, 0, 8 * sizeof(uint64_t))
    find_starts(automaton.rules, chunk.masks, used, split)
    resolve_doubts(automaton, window, chunk, split)
    if split.last == 0:
        return 0
    # Nothing after the last start counts.
    blocks = (split.last >> 6) + 1
    if window.in_place:
        keep_bits(split.start_words, 1, split.last)
        count = vectors.places(split.start_words, blocks, IN_PLACE_STARTS, ASCII_PLACES, 0,
                               split.ends)
    else:
        for i in range(blocks):
            split.start_words[i] |= chunk.cuts[i]
        keep_bits(split.start_words, 1, split.last)
        count = vectors.places(split.start_words, blocks, chunk.block_starts, chunk.places, 64,
                               split.ends)
    if window.final:
        count = append_tail(automaton, window, split.ends, count)
    return count
