# Tests cuts: walks back from the two sides of each token to its bytes, undoing one merge per step.
#
# build/parts.pxd explains why this decides whether the sides are the token's parts.

from libc.stdint cimport uint32_t

from engine.base.types cimport NO_TOKEN, computed, prefetch
from engine.build.finder cimport (
    GROUP_TOKENS, PartFinder, TokenGroup, earliness_of, hash_pair, index_of_part)
from engine.build.sides cimport find_side, prefetch_side
from engine.simd.vectors cimport BYTE_PART, GATHERED, Neighbours, step_back_by_eight
from engine.vocab.tables cimport Vocabulary, token_length


cdef inline void step_back(
    const PartFinder *finder, Neighbours *walks, Neighbours *suspects
) noexcept nogil:
    """Undoes one merge of each walk. Walks that arrive at two bytes end.

    Precondition: no walk is at two bytes.

    Args:
        suspects: receives the neighbours that may merge below their limit. The filter alone shows
            of nearly all others that they merge later, if at all.
    """
    cdef const uint32_t *rights = finder.right
    cdef const uint32_t *lefts = finder.left
    cdef uint32_t i, left, right, before, after, undo_left, mask, undone, hashed, added, kept = 0
    for i in range(walks.count):
        left = walks.left[i]
        right = walks.right[i]
        before = rights[index_of_part(left)]
        after = lefts[index_of_part(right)]
        undo_left = computed(
            (left < BYTE_PART) & ((left > right) | (right >= BYTE_PART)))
        mask = 0 - undo_left
        undone = right ^ ((left ^ right) & mask)
        walks.left[i] = left ^ ((left ^ before) & mask)
        walks.right[i] = after ^ ((after ^ right) & mask)
        walks.limits[i] = undone + (1 - undo_left)
        hashed = hash_pair(finder, walks.left[i], walks.right[i])
        prefetch(finder.pairs.earliness + (hashed >> finder.pairs.shift))
        prefetch(rights + index_of_part(walks.left[i]))
        prefetch(lefts + index_of_part(walks.right[i]))
    for i in range(walks.count):
        left = walks.left[i]
        right = walks.right[i]
        hashed = hash_pair(finder, left, right)
        added = suspects.count
        suspects.places[added] = walks.places[kept] = walks.places[i]
        suspects.left[added] = walks.left[kept] = left
        suspects.right[added] = walks.right[kept] = right
        suspects.limits[added] = walks.limits[i]
        suspects.count += (finder.pairs.earliness[hashed >> finder.pairs.shift]
                           >= earliness_of(finder, walks.limits[i]))
        kept += left & right < BYTE_PART
    walks.count = kept


cdef inline void try_suspects(
    const PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group
) noexcept nogil:
    """Looks up what all suspects merge into; tokens that they rule out lose their sides and are
    open again."""
    cdef Neighbours *suspects = &group.suspects
    cdef uint32_t i, place, left, right, length, merged
    for i in range(suspects.count):
        prefetch(vocabulary.starts + index_of_part(suspects.left[i]))
        prefetch(vocabulary.starts + index_of_part(suspects.right[i]))
    for i in range(suspects.count):
        left = index_of_part(suspects.left[i])
        right = index_of_part(suspects.right[i])
        place = suspects.places[i]
        length = token_length(vocabulary, right)
        group.ends[i] = vocabulary.starts[group.indices[place]] + group.cuts[place] + length
        length += token_length(vocabulary, left)
        prefetch_side(vocabulary, vocabulary.token_bytes + group.ends[i] - length, length,
                      &group.lefts[i])
    for i in range(suspects.count):
        left = index_of_part(suspects.left[i])
        right = index_of_part(suspects.right[i])
        place = suspects.places[i]
        length = token_length(vocabulary, left) + token_length(vocabulary, right)
        merged = find_side(vocabulary, &group.lefts[i],
                           vocabulary.token_bytes + group.ends[i] - length, length)
        if (merged < suspects.limits[i] and index_of_part(finder.left[merged]) == left
                and index_of_part(finder.right[merged]) == right
                and group.left[place] != NO_TOKEN):
            group.left[place] = NO_TOKEN
            group.open.items[group.open.count] = place
            group.open.count += 1
    suspects.count = 0


cdef inline void walk_back(
    const PartFinder *finder, const Vocabulary *vocabulary, TokenGroup *group
) noexcept nogil:
    """Walks back from the sides of each walking token to its bytes.

    Tokens whose border some merge would have crossed lose their sides and are open again.
    """
    cdef Neighbours *walks = &group.walks
    cdef uint32_t byte = vocabulary.byte_indices[0]
    cdef uint32_t i, place
    if group.length == 2:
        return
    walks.count = group.walking.count
    for i in range(walks.count):
        place = group.walking.items[i]
        walks.places[i] = place
        walks.left[i] = group.left[place] | BYTE_PART * (group.cuts[place] == 1)
        walks.right[i] = group.right[place] | BYTE_PART * (group.cuts[place] == group.length - 1)
    for i in range(walks.count, walks.count + GATHERED):
        walks.left[i] = walks.right[i] = byte    # any token
    group.suspects.count = 0
    while walks.count:
        if finder.gathers:
            step_back_by_eight(&finder.pairs, finder.pair_factors, <uint32_t>finder.scale,
                               finder.left, finder.right, walks, &group.suspects)
        else:
            step_back(finder, walks, &group.suspects)
        # Together, so that no look-up waits for another. One more step's suspects would fit.
        if group.suspects.count >= GROUP_TOKENS or walks.count == 0:
            try_suspects(finder, vocabulary, group)
