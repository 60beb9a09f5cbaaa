# Where pieces of the split family start, by bit algebra over 64 characters at a time.
#
# Each character has a kind (simd/kinds.h). Eight words hold the kinds of a block, one bit per
# character, and a dozen word operations give the places where pieces start, with no branch per
# piece; branches per piece are what slow the automaton down. The rules below are right except
# where they are *in doubt*: split/blocks.pxd settles that.
#
# Notation: `before(x)` has a bit where the previous character is of kind x, `after(x)` where the
# next one is. These are the rules of o200k_base; the other members differ as split/rules.pxd says:
# - A letter starts a piece if no letter is before it, or if it is upper and the one before is
#   lower; but not after its prefix: one character of white space that is not a line end, or a lone
#   other character.
# - Another character starts a piece unless such a character or a space is before it.
# - White space starts a piece where its run begins, after a line end, and at the run's last
#   character if text follows; a line end right after another character belongs to that piece.
#   Slashes and line ends that follow such a line end do too; the next character starts a piece.
# - A number starts a piece if no number is before it, and three places after such a start.
# In doubt are contractions, blanks between two line ends of one run, upper letters after letters
# without case, marks without a letter before them, odd characters, and everything in the last run
# of white space, which the end of the text may change.
#
# An odd character is one that the rules do not cover. A doubt covers it and what it changes: no
# start before it depends on it, and pieces that begin after it do not either.
#
# Time: about 2 instructions per character.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from engine.base.types cimport highest_one, lowest_one, set_bit
from engine.simd.vectors cimport FROM_ASCII, FROM_ASCII_CONTROLS
from engine.split.chunk cimport CHUNK_BLOCKS, CHUNK_CHARACTERS
from engine.split.rules cimport (
    AFTER_ANY, ASCII_WORDS, CASED_WORDS, CL100K_RULES, CONTRACTIONS, DEEPSEEK_RULES, KIMI_RULES,
    LINE_END_PIECES, NUMBERS_AFTER_SPACE, NUMBERS_ALONE, NUMBERS_BY_THREE, NUMBERS_ISOLATED,
    O200K_RULES, ODD_CHARACTERS, ODD_CONTROLS, OF_WORD, QWEN_RULES, R50K_RULES, SCRIPT,
    SCRIPT_ISOLATED, STARCODER_RULES, TAKEN_LINE_ENDS, TAKEN_SLASHES, TEKKEN_RULES, WHOLE_RUNS,
    WITH_MARKS)

cdef struct Split:
    uint64_t start_words[CHUNK_BLOCKS]      # bits of characters where pieces start
    uint64_t doubt_words[CHUNK_BLOCKS]      # bits of characters that put starts in doubt
    uint32_t last                           # the last start: nothing after it is certain
    uint32_t ends[CHUNK_CHARACTERS + 16]    # in bytes: the ends of pieces, or of parts of cut
    #                                         pieces; vector code may write 16 too many

cdef struct Kinds:
    uint64_t letters, upper, lower, caseless, numbers, white, blank, line_ends, spaces
    uint64_t apostrophes, slashes, marks, others, script, odd


# The types of members with code of their own, for which the compiler knows the rules, and of others
cdef struct O200kMember:
    int rules
cdef struct Cl100kMember:
    int rules
cdef struct R50kMember:
    int rules
cdef struct QwenMember:
    int rules
cdef struct TekkenMember:
    int rules
cdef struct DeepSeekMember:
    int rules
cdef struct KimiMember:
    int rules
cdef struct StarCoderMember:
    int rules
cdef struct AnyMember:
    int rules

ctypedef fused Member:
    O200kMember
    Cl100kMember
    R50kMember
    QwenMember
    TekkenMember
    DeepSeekMember
    KimiMember
    StarCoderMember
    AnyMember


cdef inline int rules_of(const Member *member) noexcept nogil:
    if Member is O200kMember:
        return O200K_RULES
    elif Member is Cl100kMember:
        return CL100K_RULES
    elif Member is R50kMember:
        return R50K_RULES
    elif Member is QwenMember:
        return QWEN_RULES
    elif Member is TekkenMember:
        return TEKKEN_RULES
    elif Member is DeepSeekMember:
        return DEEPSEEK_RULES
    elif Member is KimiMember:
        return KIMI_RULES
    elif Member is StarCoderMember:
        return STARCODER_RULES
    else:
        return member.rules


cdef inline int ascii_source(int rules) noexcept nogil:
    """Returns what words of bits are made from, for ASCII text."""
    return FROM_ASCII_CONTROLS if rules & ODD_CONTROLS else FROM_ASCII


cdef inline Kinds kinds_of_block(int rules, const uint64_t *masks) noexcept nogil:
    cdef Kinds kinds
    kinds.script = masks[2] & masks[3] if rules & SCRIPT else 0
    kinds.odd = masks[0] & masks[1] if rules & ODD_CHARACTERS else 0
    kinds.upper = masks[0] & ~kinds.odd
    kinds.lower = masks[1] & ~kinds.odd
    kinds.caseless = masks[2] & ~kinds.script
    kinds.numbers = masks[3] & ~kinds.script
    kinds.letters = kinds.upper | kinds.lower | kinds.caseless
    kinds.white = masks[4] | masks[5]
    kinds.line_ends = masks[4] & masks[5]
    kinds.spaces = masks[5] & ~masks[4]
    kinds.blank = masks[4] ^ masks[5]
    kinds.apostrophes = masks[6] & ~masks[7]
    kinds.slashes = masks[6] & masks[7]
    kinds.marks = masks[7] & ~masks[6]
    kinds.others = ~(kinds.letters | kinds.numbers | kinds.white | kinds.script | kinds.odd)
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


cdef inline uint64_t text_of(int rules, const Kinds *kinds) noexcept nogil:
    """Returns the characters in front of which the last blank of a run is set apart."""
    cdef uint64_t text = ~kinds.white
    if rules & NUMBERS_ISOLATED:
        text &= ~kinds.numbers
    if rules & SCRIPT_ISOLATED:
        text &= ~kinds.script
    return text


cdef inline uint64_t ends_of_ascii_words(
    uint64_t letters, uint64_t first_letters, uint64_t *carry
) noexcept nogil:
    """Returns the places after runs of ASCII letters that follow an other character.

    Adding its first letter to a run carries to the place after it.

    Args:
        letters: a block's ASCII letters.
        first_letters: the first letters of such runs.
        carry: 1 if such a run reaches into the block, or 0; receives whether one goes on after it.
    """
    cdef uint64_t total = letters + first_letters
    cdef uint64_t ends = total + carry[0]
    carry[0] = (total < letters) | (ends < total)
    return ends & ~letters


cdef inline uint64_t taken_by_others(
    int rules, const Kinds *kinds, const Kinds *previous, uint64_t taken_before
) noexcept nogil:
    """Returns the line ends and slashes that belong to the other characters before them.

    Args:
        taken_before: those of the previous block.
    """
    cdef uint64_t first = kinds.line_ends & before(kinds.others, previous.others)
    cdef uint64_t runs
    if not rules & TAKEN_LINE_ENDS:
        return 0
    if not rules & TAKEN_SLASHES:
        return first
    # Adding the first one to a run of them clears the run from there on.
    runs = kinds.line_ends | kinds.slashes
    first |= runs & taken_before >> 63
    return first | runs & ~(runs + first)


cdef inline uint64_t cut_by_three(
    uint64_t runs, uint64_t previous_runs, uint64_t starts, uint64_t previous_starts
) noexcept nogil:
    """Returns where pieces start in runs of numbers.

    Args:
        runs: the numbers after the first of each run, as in the previous block.
        starts: the first numbers.
        previous_starts: what was returned for the previous block.
    """
    cdef uint64_t third = runs & before(runs, previous_runs), cuts
    cuts = third & (starts << 3 | previous_starts >> 61)
    while cuts:
        starts |= cuts
        cuts = third & cuts << 3
    return starts


cdef inline void find_starts_of(
    const Member *member, const uint64_t *masks, uint32_t characters, Split *split
) noexcept nogil:
    """Does what `find_starts` does."""
    cdef int rules = rules_of(member)
    cdef Kinds kinds = kinds_of_block(rules, masks), next_kinds, previous
    cdef uint64_t prefixes, previous_prefixes = 0, numbers, previous_numbers = 0, previous_run = 0
    cdef uint64_t taken = 0
    cdef uint64_t ascii_prefixes, previous_ascii_prefixes = 0, ascii_carry = 0
    cdef uint64_t starts, doubts, others_before, letter_starts, run_of_numbers, before_letters
    cdef uint64_t white_starts, blanks
    cdef uint32_t block, blocks = (characters + 63) >> 6
    memset(&previous, 0, sizeof(previous))
    memset(split.doubt_words, 0, blocks * sizeof(uint64_t))
    for block in range(blocks):
        next_kinds = kinds_of_block(rules, masks + 8 * (block + 1))
        white_starts = kinds.white & ~before(kinds.white, previous.white)
        blanks = kinds.blank
        if rules & LINE_END_PIECES:
            white_starts |= kinds.blank & before(kinds.line_ends, previous.line_ends)
            doubt_blanks(masks, kinds.line_ends & before(kinds.blank, previous.blank), 64 * block,
                         split.doubt_words)
        if rules & WHOLE_RUNS:
            blanks &= white_starts
            kinds.spaces &= white_starts
        elif rules & LINE_END_PIECES:
            white_starts |= kinds.blank & after(text_of(rules, &kinds), text_of(rules, &next_kinds))
        else:
            white_starts |= kinds.white & after(text_of(rules, &kinds), text_of(rules, &next_kinds))
        taken = taken_by_others(rules, &kinds, &previous, taken)
        white_starts &= ~taken
        kinds.others &= ~taken
        others_before = before(kinds.others, previous.others) | before(
            kinds.spaces, previous.spaces)
        starts = white_starts | kinds.others & ~others_before

        before_letters = after(kinds.letters, next_kinds.letters)
        letter_starts = ~before(kinds.letters, previous.letters)
        doubts = kinds.odd
        if rules & CASED_WORDS:
            letter_starts |= kinds.upper & before(kinds.lower, previous.lower)
            doubts |= kinds.upper & before(kinds.caseless, previous.caseless)
        if rules & AFTER_ANY:
            prefixes = (blanks | (kinds.others & ~others_before)) & before_letters
        elif rules & ASCII_WORDS:
            ascii_prefixes = kinds.others & ~(kinds.marks | others_before) & after(
                kinds.upper | kinds.lower, next_kinds.upper | next_kinds.lower)
            letter_starts |= ends_of_ascii_words(
                kinds.upper | kinds.lower, before(ascii_prefixes, previous_ascii_prefixes),
                &ascii_carry)
            prefixes = blanks & before_letters | ascii_prefixes
            previous_ascii_prefixes = ascii_prefixes
        else:
            prefixes = kinds.spaces
        starts |= kinds.letters & letter_starts & ~before(prefixes, previous_prefixes)
        previous_prefixes = prefixes
        if rules & SCRIPT:
            starts |= kinds.script & ~before(kinds.script, previous.script)

        run_of_numbers = kinds.numbers & before(kinds.numbers, previous.numbers)
        if rules & NUMBERS_ALONE:
            run_of_numbers = 0
        numbers = kinds.numbers & ~run_of_numbers
        if rules & NUMBERS_BY_THREE:
            numbers = cut_by_three(run_of_numbers, previous_run, numbers, previous_numbers)
            previous_run = run_of_numbers
            previous_numbers = numbers
        if rules & NUMBERS_AFTER_SPACE:
            numbers &= ~before(kinds.spaces, previous.spaces)
        starts |= numbers

        if rules & OF_WORD:
            doubts |= kinds.apostrophes & before_letters & before(kinds.letters, previous.letters)
        elif rules & CONTRACTIONS:
            doubts |= kinds.apostrophes & before_letters
        if rules & WITH_MARKS:
            doubts |= kinds.marks & ~before(kinds.letters, previous.letters)
        split.start_words[block] = starts
        split.doubt_words[block] |= doubts
        previous = kinds
        kinds = next_kinds
    split.start_words[0] |= 1
    split.last = last_sure_start(masks, characters, split.start_words)


cdef inline void find_starts(
    int rules, const uint64_t *masks, uint32_t characters, Split *split
) noexcept nogil:
    """Finds the piece starts among characters, and which are in doubt.

    The first character starts a piece. `split.last` is before the last character, and before a
    run of white space at the end, because what follows them is unknown.

    Args:
        rules: see split/rules.pxd.
        masks: the words of the characters' kinds, followed by a block of zeros.
    """
    cdef AnyMember member
    member.rules = rules
    if rules == O200K_RULES:
        find_starts_of(<const O200kMember *>&member, masks, characters, split)
    elif rules == CL100K_RULES:
        find_starts_of(<const Cl100kMember *>&member, masks, characters, split)
    elif rules == R50K_RULES:
        find_starts_of(<const R50kMember *>&member, masks, characters, split)
    elif rules == QWEN_RULES:
        find_starts_of(<const QwenMember *>&member, masks, characters, split)
    elif rules == TEKKEN_RULES:
        find_starts_of(<const TekkenMember *>&member, masks, characters, split)
    elif rules == DEEPSEEK_RULES:
        find_starts_of(<const DeepSeekMember *>&member, masks, characters, split)
    elif rules == KIMI_RULES:
        find_starts_of(<const KimiMember *>&member, masks, characters, split)
    elif rules == STARCODER_RULES:
        find_starts_of(<const StarCoderMember *>&member, masks, characters, split)
    else:
        find_starts_of(&member, masks, characters, split)


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
