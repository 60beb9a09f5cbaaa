# Where pieces of the three OpenAI pattern families start, by bit algebra over 64 characters at a
# time.
#
# Each character has a kind (simd/kinds.h). Eight words hold the kinds of a block, one bit per
# character, and a dozen word operations give the places where pieces start, with no branch per
# piece; branches per piece are what slow the automaton down. The rules below are right except
# where they are *in doubt*: split/blocks.pxd settles that.
#
# Notation: `before(x)` has a bit where the previous character is of kind x, `after(x)` where the
# next one is. These are the rules of o200k_base; the other families differ as `find_starts` shows:
# - A letter starts a piece if no letter is before it, or if it is upper and the one before is
#   lower; but not after its prefix: one character of white space that is not a line end, or a lone
#   other character.
# - Another character starts a piece unless such a character or a space is before it.
# - White space starts a piece where its run begins, after a line end, and at the run's last
#   character if text follows; a line end right after another character belongs to that piece.
# - A number starts a piece if no number is before it.
# In doubt are contractions, numbers of more than three digits, a slash after a line end, blanks
# between two line ends of one run, upper letters after letters without case, marks without a
# letter before them, and everything in the last run of white space, which the end of the text may
# change.
#
# Time: about 2 instructions per character.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from engine.base.types cimport highest_one, lowest_one, set_bit
from engine.split.chunk cimport CHUNK_BLOCKS, CHUNK_CHARACTERS

cdef enum Family:
    FAMILY_NONE = 0
    FAMILY_R50K = 1      # r50k_base, p50k_base
    FAMILY_CL100K = 2
    FAMILY_O200K = 3

cdef struct Split:
    uint64_t start_words[CHUNK_BLOCKS]      # bits of characters where pieces start
    uint64_t doubt_words[CHUNK_BLOCKS]      # bits of characters that put starts in doubt
    uint32_t last                           # the last start: nothing after it is certain
    uint32_t ends[CHUNK_CHARACTERS + 16]    # in bytes: the ends of pieces, or of parts of cut
    #                                         pieces; vector code may write 16 too many

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
    # Bits of characters outside such white space, up to the position.
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
    """Puts the first of the blanks between two line ends of one run in doubt.

    Args:
        line_ends: bits of a block's line ends right after a blank.
        base: position of the block.
    """
    cdef uint32_t position, start
    while line_ends:
        position = base + <uint32_t>lowest_one(line_ends)
        line_ends &= line_ends - 1
        start = run_start(masks, position - 1, 0)
        if start and is_line_end(masks, start - 1):
            set_bit(doubt_words, start)


cdef inline void find_starts(
    int family, const uint64_t *masks, uint32_t characters, Split *split
) noexcept nogil:
    """Finds the piece starts among characters, and which are in doubt.

    The first character starts a piece. `split.last` is before the last character, and before a
    run of white space at the end, because what follows them is unknown.

    Args:
        masks: the words of the characters' kinds, followed by a block of zeros.
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
            # The fourth number of a run and those after it.
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
    """Returns the last start that does not depend on what follows the characters."""
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
