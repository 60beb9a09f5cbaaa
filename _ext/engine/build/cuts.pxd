# Cuts tokens in two, the most promising place first: the one whose later side is earliest.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport NO_TOKEN
from engine.build.finder cimport (
    GROUP_TOKENS, RATED_LENGTH, PartFinder, TokenGroup, earliness_of, enter, is_orderly)
from engine.build.sides cimport find_side, prefetch_side
from engine.simd.vectors cimport GATHERED, GATHERED_LENGTH, RatedTokens, rate_cuts_of_eight
from engine.vocab.tables cimport Vocabulary


cdef inline void rate_cuts(
    const PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group, uint32_t place
) noexcept nogil:
    """Rates the cuts of a token by the earliness of the later side, and notes the best.

    The hash of bytes b0 .. bn is the sum of (bi + 1) * factor^(n + 1 - i), so each side's hash
    follows from the hashes of the token's beginnings.
    """
    cdef uint32_t hashes[RATED_LENGTH]
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[group.indices[place]]
    cdef const uint8_t *table = finder.tokens.earliness
    cdef uint32_t shift = finder.tokens.shift, length = group.length
    cdef uint32_t cut, left, right, rated, best = 0, hashed = 0
    for cut in range(length):
        hashes[cut] = hashed
        hashed = (hashed + token[cut] + 1) * finder.factor
    for cut in range(1, length):
        left = table[hashes[cut] >> shift]
        right = table[(hashed - hashes[cut] * finder.powers[length - cut]) >> shift]
        rated = (left if left < right else right) << 8 | cut
        group.ratings[cut][place] = rated
        best = rated if rated > best else best
    group.cuts[place] = best
    group.hashes[place] = hashed


cdef inline uint32_t cut_of(uint32_t rated) noexcept nogil:
    """Returns the cut of a rating, or 0 if the cut is impossible."""
    return rated & 255 if rated > 255 else 0


cdef inline void rate_all_cuts(
    PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group
) noexcept nogil:
    """Finds the best cuts of a group's tokens, then enters the tokens into their filter."""
    cdef uint32_t place = 0
    cdef RatedTokens tokens
    if finder.gathers and group.length <= GATHERED_LENGTH:
        tokens.token_bytes = vocabulary.token_bytes
        tokens.starts = vocabulary.starts
        tokens.indices = group.indices
        tokens.length = group.length
        tokens.powers = finder.powers
        tokens.stride = GROUP_TOKENS
        while place < group.count:
            rate_cuts_of_eight(&finder.tokens, &tokens, place, &group.ratings[0][0], group.cuts,
                               group.hashes)
            place += GATHERED
    else:
        for place in range(group.count):
            rate_cuts(finder, vocabulary, group, place)
    for place in range(group.count):
        group.cuts[place] = cut_of(group.cuts[place])
        enter(&finder.tokens, group.hashes[place], earliness_of(finder, group.indices[place]))


cdef inline void take_next_cut(TokenGroup *group, uint32_t place) noexcept nogil:
    """Replaces a token's cut by the best remaining one."""
    cdef uint32_t cut, rated, best = 0
    group.ratings[group.cuts[place]][place] = 0
    for cut in range(1, group.length):
        rated = group.ratings[cut][place]
        best = rated if rated > best else best
    group.cuts[place] = cut_of(best)


cdef inline void cut_tokens(
    const PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group
) noexcept nogil:
    """Cuts the open tokens and looks up their sides.

    Tokens whose sides are both orderly tokens become walking ones. The others stay open, except
    those that had no cut left.
    """
    cdef const uint32_t *starts = vocabulary.starts
    cdef const uint8_t *token_bytes = vocabulary.token_bytes
    cdef const uint8_t *token
    cdef uint32_t i, place, cut, left, right, length = group.length, cut_count = 0
    cdef uint32_t open_count = 0, walking_count = 0
    for i in range(group.open.count):
        place = group.open.items[i]
        cut = group.cuts[place]
        group.left[place] = NO_TOKEN
        if cut:
            token = token_bytes + starts[group.indices[place]]
            prefetch_side(vocabulary, token, cut, &group.lefts[cut_count])
            prefetch_side(vocabulary, token + cut, length - cut, &group.rights[cut_count])
            group.cut.items[cut_count] = place
            cut_count += 1
    for i in range(cut_count):
        place = group.cut.items[i]
        cut = group.cuts[place]
        token = token_bytes + starts[group.indices[place]]
        left = find_side(vocabulary, &group.lefts[i], token, cut)
        right = find_side(vocabulary, &group.rights[i], token + cut, length - cut)
        if (left != NO_TOKEN and right != NO_TOKEN and is_orderly(finder, left)
                and is_orderly(finder, right)):
            group.left[place] = left
            group.right[place] = right
            group.walking.items[walking_count] = place
            walking_count += 1
        else:
            group.open.items[open_count] = place
            open_count += 1
    group.open.count = open_count
    group.walking.count = walking_count
