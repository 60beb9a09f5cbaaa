# Piece starts of the three OpenAI pattern families by bit algebra, 64 characters at a time.
#
# Each character has a kind (simd/kinds.h). Eight words hold the kinds of a block, one bit a character,
# and a dozen word operations give the places where pieces start: no branch a piece, which is what
# an automaton pays for. The rules below are right except where they are *in doubt*. What follows an
# apostrophe settles it where that can be (split/contractions.pxd); any other doubtful place makes the
# automaton split again, from the last start before it until it comes upon a start behind it. That
# holds because splitting depends only on what follows a piece's start.
#
# Notation: `before(x)` has a bit where the character before is of kind x, `after(x)` where the next
# one is. Rules for o200k_base, those of the others differ as `find_starts` says:
# - a letter starts a piece after no letter, or if it is upper and the one before is lower; but not
#   behind its prefix: one character that is white but no line end, or a lone other character.
# - another character starts one unless such a one or a space is before it.
# - white space starts one where its run begins, behind a line end, and at the run's last character
#   if text follows; a line end right behind another character belongs to that piece.
# - a number starts one after no number.
# In doubt: contractions, numbers of more than three digits, a slash behind a line end, blanks
# between two line ends of one run, upper letters behind letters without case, marks not behind a
# letter, and everything in the last run of white space, which the end of the text may change.
#
# Time: about 2 instructions a character. Loses on texts shorter than a block, which go to the
# automaton, and where most places are in doubt.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from engine.split.automaton cimport NEED_MORE, NO_MATCH, Automaton, scan_piece
from engine.simd.vectors cimport ASCII_PLACES, Vectors
from engine.split.chunk cimport CHUNK_BLOCKS, CHUNK_CHARACTERS, Chunk
from engine.split.contractions cimport settle_contraction
from engine.base.types cimport check, clear_bit, has_bit, highest_one, lowest_one, set_bit

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

cdef enum Family:
    FAMILY_NONE = 0
    FAMILY_R50K = 1      # r50k_base, p50k_base
    FAMILY_CL100K = 2
    FAMILY_O200K = 3

cdef enum:
    BLOCK_MINIMUM = 48             # fewer characters go to the automaton at once

cdef struct Split:
    uint64_t start_words[CHUNK_BLOCKS]      # bits of characters where pieces start
    uint64_t doubt_words[CHUNK_BLOCKS]      # bits of characters that put starts in doubt
    uint32_t last                           # the last start: nothing is sure behind it
    uint32_t ends[CHUNK_CHARACTERS + 16]    # in bytes: the ends of pieces, or of their parts; 16
    #                                         more may be written in vain

cdef struct Kinds:
    uint64_t letters, upper, lower, caseless, numbers, white, blank, line_ends, spaces
    uint64_t apostrophes, slashes, marks, others


cdef inline Kinds kinds_of_block(const uint64_t *masks) noexcept nogil:
    cdef Kinds kinds
    kinds.upper = masks[0]
    kinds.lower = masks[1]
    kinds.caseless = masks[2]
    kinds.numbers = masks[3]
    kinds.letters = masks[0] | masks[1] | masks[2]
    kinds.white = masks[4] | masks[5]
    kinds.line_ends = masks[4] & masks[5]
    kinds.spaces = masks[5] & ~masks[4]
    kinds.blank = masks[4] ^ masks[5]
    kinds.apostrophes = masks[6] & ~masks[7]
    kinds.slashes = masks[6] & masks[7]
    kinds.marks = masks[7] & ~masks[6]
    kinds.others = ~(kinds.letters | kinds.numbers | kinds.white)
    return kinds


cdef inline uint64_t before(uint64_t word, uint64_t previous) noexcept nogil:
    return (word << 1) | (previous >> 63)


cdef inline uint64_t after(uint64_t word, uint64_t following) noexcept nogil:
    return (word >> 1) | (following << 63)


cdef inline uint32_t run_start(
    const uint64_t *masks, uint32_t position, uint64_t with_line_ends
) noexcept nogil:
    """Returns where the run of white space that ends with the character at `position` starts.

    Args:
        with_line_ends: all ones, or 0 for a run of blanks alone.
    """
    cdef uint32_t block = position >> 6
    cdef uint64_t first = masks[8 * block + 4]
    cdef uint64_t second = masks[8 * block + 5]
    # Bits of what is no such white space, up to the position.
    cdef uint64_t outside = ~((first ^ second) | (first & second & with_line_ends)) & (
        ~<uint64_t>0 >> (63 - (position & 63)))
    while outside == 0:
        if block == 0:
            return 0
        block -= 1
        first = masks[8 * block + 4]
        second = masks[8 * block + 5]
        outside = ~((first ^ second) | (first & second & with_line_ends))
    return 64 * block + <uint32_t>highest_one(outside) + 1


cdef inline bint is_line_end(const uint64_t *masks, uint32_t position) noexcept nogil:
    cdef const uint64_t *block = masks + 8 * (position >> 6)
    return (block[4] & block[5]) >> (position & 63) & 1


cdef inline void doubt_blanks(
    const uint64_t *masks, uint64_t line_ends, uint32_t base, uint64_t *doubt_words
) noexcept nogil:
    """Puts blanks that stand between two line ends of one run in doubt, where they start.

    Args:
        line_ends: a block's line ends right behind a blank.
        base: position of the block.
    """
    cdef uint32_t position, start
    while line_ends:
        position = base + <uint32_t>lowest_one(line_ends)
        line_ends &= line_ends - 1
        start = run_start(masks, position - 1, 0)
        if start and is_line_end(masks, start - 1):
            set_bit(doubt_words, start)


cdef inline void find_starts(int family, const uint64_t *masks, uint32_t characters, Split *split) \
        noexcept nogil:
    """Finds the piece starts among characters, and which are in doubt.

    The first character starts a piece. No start is given for the last character, nor inside a run
    of white space at the end: what follows them is not seen.

    Args:
        masks: the words of the characters' kinds; a block of zeros behind them.
    """
    cdef Kinds kinds = kinds_of_block(masks), next_kinds, previous
    cdef uint64_t prefixes, previous_prefixes = 0, previous_run = 0
    cdef uint64_t starts, doubts, others_before, letter_starts, run_of_numbers, before_letters
    cdef uint32_t block, blocks = (characters + 63) >> 6
    memset(&previous, 0, sizeof(previous))
    memset(split.doubt_words, 0, blocks * sizeof(uint64_t))
    for block in range(blocks):
        next_kinds = kinds_of_block(masks + 8 * (block + 1))
        others_before = before(kinds.others, previous.others) | before(
            kinds.spaces, previous.spaces)
        before_letters = after(kinds.letters, next_kinds.letters)
        run_of_numbers = kinds.numbers & before(kinds.numbers, previous.numbers)
        starts = (kinds.white & ~before(kinds.white, previous.white)) | (
            kinds.others & ~others_before)
        doubts = kinds.apostrophes & before_letters
        if family == FAMILY_R50K:
            starts |= kinds.white & after(~kinds.white, ~next_kinds.white)
            starts |= (kinds.letters & ~before(kinds.letters, previous.letters)
                       | kinds.numbers & ~run_of_numbers) & ~before(
                           kinds.spaces, previous.spaces)
        else:
            prefixes = (kinds.blank | (kinds.others & ~others_before)) & before_letters
            starts &= ~(kinds.line_ends & before(kinds.others, previous.others))
            starts |= kinds.blank & (
                before(kinds.line_ends, previous.line_ends)
                | after(~kinds.white, ~next_kinds.white))
            letter_starts = ~before(kinds.letters, previous.letters)
            if family == FAMILY_O200K:
                letter_starts |= kinds.upper & before(kinds.lower, previous.lower)
                doubts &= before(kinds.letters, previous.letters)
                doubts |= (kinds.slashes & before(kinds.line_ends, previous.line_ends)
                           | kinds.upper & before(kinds.caseless, previous.caseless)
                           | kinds.marks & ~before(kinds.letters, previous.letters))
            starts |= kinds.letters & letter_starts & ~before(prefixes, previous_prefixes)
            starts |= kinds.numbers & ~run_of_numbers
            # The fourth number of a run and those behind it.
            doubts |= (run_of_numbers & before(run_of_numbers, previous_run)
                       & ((run_of_numbers << 2) | (previous_run >> 62)))
            doubt_blanks(masks, kinds.line_ends & before(kinds.blank, previous.blank), 64 * block,
                         split.doubt_words)
            previous_prefixes = prefixes
        split.start_words[block] = starts
        split.doubt_words[block] |= doubts
        previous_run = run_of_numbers
        previous = kinds
        kinds = next_kinds
    split.start_words[0] |= 1
    split.last = last_sure_start(masks, characters, split.start_words)


cdef inline uint32_t last_sure_start(
    const uint64_t *masks, uint32_t characters, const uint64_t *start_words
) noexcept nogil:
    """Returns the last start that what follows the characters cannot undo."""
    cdef uint32_t last = characters - 1
    cdef uint64_t word
    if (masks[8 * (last >> 6) + 4] | masks[8 * (last >> 6) + 5]) >> (last & 63) & 1:
        last = run_start(masks, last, ~<uint64_t>0) + 1
    # The last start before `last`.
    if last == 0:
        return 0
    last -= 1
    word = start_words[last >> 6] & (~<uint64_t>0 >> (63 - (last & 63)))
    while word == 0:
        last = (last & ~<uint32_t>63) - 1
        word = start_words[last >> 6]
    return (last & ~<uint32_t>63) + <uint32_t>highest_one(word)


cdef inline void keep_bits(uint64_t *words, uint32_t first, uint32_t last) noexcept nogil:
    """Clears the bits before `first` in the first block, and those behind `last` in its block."""
    words[0] &= ~<uint64_t>0 << first
    words[last >> 6] &= ~<uint64_t>0 >> (63 - (last & 63))


cdef inline uint32_t byte_of(
    const Chunk *chunk, bint in_place, uint32_t character
) noexcept nogil:
    """Returns where a character begins, in bytes."""
    if in_place:
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
    const Automaton *automaton, const uint8_t *text, size_t end, bint final, const Chunk *chunk,
    bint in_place, uint32_t doubt, Split *split
) noexcept nogil:
    """Sets the starts around a doubtful place by the automaton, until one behind it was sure.

    Where the pieces go on beyond `split.last`, or the text does not tell, that is moved.

    Returns:
        The first start behind the doubt.
    """
    cdef uint64_t *words = split.start_words
    cdef uint32_t start = start_before(words, doubt)
    cdef uint32_t following = start
    cdef size_t scanned
    cdef bint sure
    while True:
        scanned = scan_piece(automaton, text, byte_of(chunk, in_place, start), end, final)
        if scanned == NEED_MORE or scanned == end:
            split.last = start
            return start
        following += 1
        while byte_of(chunk, in_place, following) < scanned:
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
    int family, const uint8_t *text, const Chunk *chunk, bint in_place, uint32_t doubt,
    Split *split, uint32_t *reached
) noexcept nogil:
    """Makes the starts around an apostrophe sure without the automaton; returns whether it could.

    Args:
        doubt: where the apostrophe is.
        reached: all starts up to there, and up to the doubt, are sure; may be moved.
    """
    if doubt + 3 >= split.last:
        return False
    # The letter before may be the end of a contraction: then the apostrophe begins no second one.
    if family == FAMILY_O200K and doubt == reached[0]:
        return False
    return settle_contraction(
        text + byte_of(chunk, in_place, doubt), family != FAMILY_R50K, family == FAMILY_O200K,
        doubt, split.start_words, reached)


cdef inline void resolve_doubts(
    const Automaton *automaton, const uint8_t *text, size_t end, bint final, const Chunk *chunk,
    bint in_place, Split *split
) noexcept nogil:
    """Makes all starts up to `split.last` sure.

    Args:
        text: valid UTF-8, `end` bytes, from the first start on.
        final: whether the text ends at `end`.
    """
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
                    automaton.family, text, chunk, in_place, doubt, split, &reached):
                continue
            reached = split_until_sure(automaton, text, end, final, chunk, in_place, doubt, split)
        block += 1


cdef inline size_t append_tail(
    const Automaton *automaton, const uint8_t *text, size_t end, uint32_t *ends, size_t count
) noexcept nogil:
    """Appends the ends of the last pieces of a text, which the automaton splits.

    Stops early rather than write more ends than there is room for.
    """
    cdef size_t position = ends[count - 1]
    while position < end and count < CHUNK_CHARACTERS:
        position = scan_piece(automaton, text, position, end, True)
        check(position != NO_MATCH)
        ends[count] = <uint32_t>position
        count += 1
    return count


cdef inline size_t split_by_blocks(
    const Automaton *automaton, const Vectors *vectors, Chunk *chunk, Split *split,
    const uint8_t *text, size_t end, bint in_place, size_t characters, bint final
) noexcept nogil:
    """Splits text from a piece's start on, up to a start near the end of the characters.

    If the text ends there too, up to its end.

    Args:
        chunk: filled from that text, unless it lies in place.
        text: valid UTF-8, `end` bytes, from the piece's start on.
        in_place: whether the text is ASCII and lies in place.
        characters: how many characters to look at, up to CHUNK_CHARACTERS.
        final: whether the text ends at `end`.

    Returns:
        The number of pieces, or parts of cut pieces, whose ends are in `split.ends`. None if no
        start but the first is sure.
    """
    cdef uint32_t used = <uint32_t>characters
    cdef size_t seen = used if in_place else end    # bytes of those characters
    cdef bint at_end = final and seen == end
    cdef size_t count, i
    cdef uint32_t whole = used >> 6, blocks = (used + 63) >> 6
    check(0 < used <= CHUNK_CHARACTERS)
    if in_place:
        vectors.masks(text, whole, True, chunk.masks)
        if used & 63:
            memset(chunk.kinds, 0, 64)
            memcpy(chunk.kinds, text + 64 * whole, used & 63)
            vectors.masks(chunk.kinds, 1, True, chunk.masks + 8 * whole)
    memset(chunk.masks + 8 * blocks, 0, 8 * sizeof(uint64_t))
    find_starts(automaton.family, chunk.masks, used, split)
    resolve_doubts(automaton, text, seen, at_end, chunk, in_place, split)
    if split.last == 0:
        return 0
    # Nothing behind the last start counts.
    blocks = (split.last >> 6) + 1
    if in_place:
        keep_bits(split.start_words, 1, split.last)
        count = vectors.places(split.start_words, blocks, IN_PLACE_STARTS, ASCII_PLACES, 0,
                               split.ends)
    else:
        for i in range(blocks):
            split.start_words[i] |= chunk.cuts[i]
        keep_bits(split.start_words, 1, split.last)
        count = vectors.places(split.start_words, blocks, chunk.block_starts, chunk.places, 64,
                               split.ends)
    if at_end:
        count = append_tail(automaton, text, end, split.ends, count)
    return count
