# Piece starts of the three OpenAI pattern families by bit algebra, 64 characters at a time.
#
# Each character has a kind (blocks.h). Eight words hold the kinds of a block, one bit a character,
# and a dozen word operations give the places where pieces start: no branch a piece, which is what
# an automaton pays for. The rules below are right except where they are *in doubt*; a doubtful
# place makes the automaton split again, from the last start before it until it comes upon a start
# behind it. That holds because splitting depends only on what follows a piece's start.
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

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from automaton cimport NEED_MORE, Automaton, scan_piece
from types cimport check, count_ones, likely

cdef extern from "blocks.h" nogil:
    ctypedef void (*MaskFunction "bpecore_mask_function")(
        const uint8_t *source, size_t blocks, bint is_ascii, uint64_t *masks) noexcept nogil
    MaskFunction mask_function_named "bpecore_mask_function_named" (const char *name) noexcept
    int first_one "__builtin_ctzll" (uint64_t word) noexcept
    int leading_zeros "__builtin_clzll" (uint64_t word) noexcept

cdef enum Family:
    FAMILY_NONE = 0
    FAMILY_R50K = 1      # r50k_base, p50k_base
    FAMILY_CL100K = 2
    FAMILY_O200K = 3

cdef enum:
    WINDOW_BLOCKS = 64
    WINDOW_CHARACTERS = 64 * WINDOW_BLOCKS   # characters whose starts are found at a time
    BLOCK_MINIMUM = 48                       # fewer characters go to the automaton at once

cdef struct BlockScratch:
    uint64_t masks[8 * (WINDOW_BLOCKS + 1)]      # a word for each bit of a kind, block by block
    uint32_t starts[WINDOW_CHARACTERS + 8]       # 8 more may be written in vain
    uint32_t doubts[WINDOW_CHARACTERS]           # ascending
    uint32_t ends[WINDOW_CHARACTERS]
    uint8_t tail[64]                             # a last block that is not full

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
    return 64 * block + 64 - leading_zeros(outside)


cdef inline size_t append_bits(uint32_t *out, size_t count, uint64_t bits, uint32_t base) \
        noexcept nogil:
    """Appends the places of a word's bits; writes up to 8 places too many."""
    cdef size_t total = count + count_ones(bits)
    cdef int i
    while True:
        for i in range(8):
            # The highest bit keeps an empty word from being counted, which C does not define.
            out[count + i] = base + first_one(bits | <uint64_t>1 << 63)
            bits &= bits - 1
        count += 8
        if likely(count >= total):
            return total


cdef inline bint is_line_end(const uint64_t *masks, uint32_t position) noexcept nogil:
    cdef const uint64_t *block = masks + 8 * (position >> 6)
    return (block[4] & block[5]) >> (position & 63) & 1


cdef inline uint64_t doubtful_blanks(
    const uint64_t *masks, uint64_t line_ends, uint32_t base, uint32_t *doubts, size_t *count
) noexcept nogil:
    """Finds the blanks that stand between two line ends of one run.

    Args:
        line_ends: the block's line ends right behind a blank.
        base: position of the block.
        doubts: receives the starts of such blanks in earlier blocks.

    Returns:
        The starts of such blanks in this block, as bits.
    """
    cdef uint64_t found = 0
    cdef uint32_t position, start
    while line_ends:
        position = base + first_one(line_ends)
        line_ends &= line_ends - 1
        start = run_start(masks, position - 1, 0)
        if start and is_line_end(masks, start - 1):
            if start >= base:
                found |= <uint64_t>1 << (start - base)
            else:
                # Only blanks stand between the two: the doubts stay in order.
                doubts[count[0]] = start
                count[0] += 1
    return found


cdef inline size_t find_starts(
    int family, BlockScratch *scratch, uint32_t characters, size_t *doubt_count
) noexcept nogil:
    """Finds the piece starts among the characters whose masks are in `scratch`.

    The first character starts a piece. No start is given for the last character, nor inside a run
    of white space at the end: what follows them is not seen.

    Returns:
        The number of starts in `scratch.starts`; `doubt_count` receives that of the doubts.
    """
    cdef const uint64_t *masks = scratch.masks
    cdef Kinds kinds = kinds_of_block(masks), next_kinds, previous
    cdef uint64_t prefixes, previous_prefixes = 0, starts, doubts, others_before, letter_starts
    cdef uint64_t run_of_numbers, after_letters
    cdef uint32_t block, blocks = (characters + 63) >> 6
    cdef uint32_t last = characters - 1
    cdef size_t count = 0
    cdef size_t doubtful = 0
    cdef uint64_t previous_numbers = 0
    previous.letters = previous.lower = previous.caseless = previous.numbers = 0
    previous.white = previous.line_ends = previous.spaces = previous.blank = previous.others = 0
    for block in range(blocks):
        next_kinds = kinds_of_block(masks + 8 * (block + 1))
        others_before = before(kinds.others, previous.others) | before(
            kinds.spaces, previous.spaces)
        after_letters = after(kinds.letters, next_kinds.letters)
        run_of_numbers = kinds.numbers & before(kinds.numbers, previous.numbers)
        starts = kinds.white & ~before(kinds.white, previous.white)
        doubts = kinds.apostrophes & after_letters
        if family == FAMILY_R50K:
            starts |= kinds.white & after(~kinds.white, ~next_kinds.white)
            starts |= (kinds.letters & ~before(kinds.letters, previous.letters)
                       | kinds.numbers & ~run_of_numbers) & ~before(
                           kinds.spaces, previous.spaces)
            starts |= kinds.others & ~others_before
        else:
            prefixes = (kinds.blank | (kinds.others & ~others_before)) & after_letters
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
            starts |= kinds.others & ~others_before
            starts |= kinds.numbers & ~run_of_numbers
            # The fourth digit of a run and those behind it.
            doubts |= (run_of_numbers & before(run_of_numbers, previous_numbers)
                       & ((run_of_numbers << 2) | (previous_numbers >> 62)))
            previous_prefixes = prefixes
            doubts |= doubtful_blanks(
                masks, kinds.line_ends & before(kinds.blank, previous.blank), 64 * block,
                scratch.doubts, &doubtful)
        if block == 0:
            starts |= 1
        count = append_bits(scratch.starts, count, starts, 64 * block)
        while doubts:
            scratch.doubts[doubtful] = 64 * block + first_one(doubts)
            doubtful += 1
            doubts &= doubts - 1
        previous_numbers = run_of_numbers
        previous = kinds
        kinds = next_kinds
    if (masks[8 * (last >> 6) + 4] | masks[8 * (last >> 6) + 5]) >> (last & 63) & 1:
        last = run_start(masks, last, ~<uint64_t>0) + 1
    while count > 1 and scratch.starts[count - 1] >= last:
        count -= 1
    doubt_count[0] = doubtful
    return count


cdef inline size_t resolve_doubts(
    const Automaton *automaton, const uint8_t *text, size_t position, size_t end, bint final,
    const BlockScratch *scratch, size_t count, size_t doubt_count, uint32_t *ends
) noexcept nogil:
    """Turns starts into piece ends, splitting again by the automaton where there is doubt.

    Args:
        text: valid UTF-8, `end` bytes; places are offsets from `position`, in bytes.
        final: whether the text ends at `end`.
        count: the number of `scratch.starts`; the last one is only the end of the piece before.
        ends: receives the end of each piece.

    Returns:
        The number of pieces.
    """
    cdef const uint32_t *starts = scratch.starts
    cdef size_t piece = 0         # the last start that is not behind `reached`
    cdef size_t written = 0
    cdef size_t doubt
    cdef size_t scanned
    cdef uint32_t reached = 0     # everything before is split
    for doubt in range(doubt_count):
        if scratch.doubts[doubt] < reached:
            continue
        while piece + 1 < count and starts[piece + 1] < scratch.doubts[doubt]:
            piece += 1
            reached = starts[piece]
            ends[written] = reached
            written += 1
        while True:
            if piece + 1 == count:
                return written
            scanned = scan_piece(automaton, text, position + reached, end, final)
            if scanned == NEED_MORE or scanned - position > UINT32_MAX:
                return written
            reached = <uint32_t>(scanned - position)
            ends[written] = reached
            written += 1
            while piece + 1 < count and starts[piece + 1] <= reached:
                piece += 1
            if starts[piece] == reached and reached > scratch.doubts[doubt]:
                break
    while piece + 1 < count:
        piece += 1
        ends[written] = starts[piece]
        written += 1
    return written


cdef inline size_t split_by_blocks(
    const Automaton *automaton, MaskFunction mask_function, BlockScratch *scratch,
    const uint8_t *text, size_t position, size_t end, const uint8_t *kinds,
    const uint32_t *offsets, size_t characters, bint final
) noexcept nogil:
    """Splits text from a piece's start on, up to a start near the window's end.

    Args:
        text: valid UTF-8, `end` bytes.
        position: the piece's first byte.
        kinds: the kinds of the characters from there on; NULL for ASCII text.
        offsets: where the characters begin in the text, in bytes; NULL for ASCII text.
        characters: how many characters there are from `position` on.
        final: whether the text ends at `end`.

    Returns:
        The number of pieces whose ends, as offsets from `position` in bytes, are in
        `scratch.ends`. None if no start but the first is sure.
    """
    cdef uint32_t used = <uint32_t>(
        characters if characters < WINDOW_CHARACTERS else <size_t>WINDOW_CHARACTERS)
    cdef const uint8_t *source = text + position if kinds == NULL else kinds
    cdef size_t count, doubt_count, i
    cdef size_t whole = used >> 6
    check(used > 0)
    mask_function(source, whole, kinds == NULL, scratch.masks)
    if used & 63:
        memset(scratch.tail, 0, 64)
        memcpy(scratch.tail, source + 64 * whole, used & 63)
        mask_function(scratch.tail, 1, kinds == NULL, scratch.masks + 8 * whole)
        whole += 1
    memset(scratch.masks + 8 * whole, 0, 8 * sizeof(uint64_t))
    count = find_starts(automaton.family, scratch, used, &doubt_count)
    if offsets != NULL:
        for i in range(count):
            scratch.starts[i] = offsets[scratch.starts[i]] - offsets[0]
        for i in range(doubt_count):
            scratch.doubts[i] = offsets[scratch.doubts[i]] - offsets[0]
    if doubt_count == 0:
        memcpy(scratch.ends, scratch.starts + 1, (count - 1) * sizeof(uint32_t))
        return count - 1
    return resolve_doubts(automaton, text, position, end, final, scratch, count, doubt_count,
                          scratch.ends)
