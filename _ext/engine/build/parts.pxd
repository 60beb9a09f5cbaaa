# Finds the two parts that merge into each token, when a vocabulary is built.
#
# BPE of a token alone yields them (see vocab/tables.pxd) but takes a dozen look-ups per token. Most
# tokens need fewer. A token is *orderly* if it is a byte, or if its two parts are orderly and have
# lower ranks than the token, as training produces them. Inside an orderly token merges happen in
# the order of their ranks, so ranks are points in time. Let l and r be orderly tokens that make t
# when joined. BPE of t ends in l and r unless some earlier merge crosses the border between them.
# The neighbours at that border are known for every point in time: walk back from (l, r), always
# undoing the latest of the merges that made the two neighbours, which is the one of higher rank or,
# if both have the same rank, the right one. A pair of neighbours would have merged if its rank is
# lower than that of the merge that ended it, or equal if that merge is to its right. If no pair on
# the walk would have merged, (l, r) is the answer, and the only one. (The crate `bpe` in rust-gems
# walks the same way.)
#
# The time depends on which cut is tried first. Early tokens are the parts of later ones: for six of
# seven tokens the right cut is the one whose later side is earliest. So each side is looked up in a
# *rank filter*, a table of bytes that shows roughly how early a token is, and only sides of cuts
# that are tried are looked up as tokens. A second filter, over pairs, shows for nearly all
# neighbours on a walk that they would not have merged. Tokens of one length do not need each
# other's parts, so groups of them take each step together: no step waits for the memory of the one
# before, and few branches depend on a token. With AVX2 eight tokens at a time rate their cuts and
# walk back (simd/parts_avx2.h).
#
# Tokens longer than RATED_LENGTH, and those for which TRIES cuts fail or no orderly cut is left,
# are merged (build/pairs.pxd). Time: two hashes per byte of a token; per try, two look-ups and at
# most one step per byte. Space: 16 to 24 bytes per token, and 120 KB for a group.

from libc.stdint cimport uint32_t

from engine.base.types cimport prefetch
from engine.build.cuts cimport cut_tokens, rate_all_cuts, take_next_cut
from engine.build.finder cimport TOKENS_AHEAD, PartFinder, TokenGroup
from engine.build.walks cimport walk_back
from engine.vocab.tables cimport Vocabulary

cdef enum:
    TRIES = 8    # cuts tried per token at most; real tokens need 5


cdef inline void find_parts(
    PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group
) noexcept nogil:
    """Finds the parts of tokens of one length; `left` is NO_TOKEN where merging must decide.

    Preconditions: the parts of all shorter tokens were found this way and are recorded, and every
    byte is a token.
    """
    cdef uint32_t place
    cdef int _try
    group.open.count = group.count
    for place in range(group.count):
        group.open.items[place] = place
        prefetch(vocabulary.starts + group.indices[place + 2 * TOKENS_AHEAD])
        prefetch(vocabulary.token_bytes + vocabulary.starts[group.indices[place + TOKENS_AHEAD]])
    rate_all_cuts(finder, vocabulary, group)
    for _try in range(TRIES):
        if group.open.count == 0:
            break
        cut_tokens(finder, vocabulary, group)
        walk_back(finder, vocabulary, group)
        for place in range(group.open.count):
            take_next_cut(group, group.open.items[place])
