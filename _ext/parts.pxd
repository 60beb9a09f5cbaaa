# Finds the two parts that merge into each token, when a vocabulary is built.
#
# BPE of a token alone tells them (see vocab.pxd), but takes a dozen look-ups a token. Most tokens
# need less. A token is *orderly* if it is a byte, or its two parts are orderly and have lower ranks
# than itself, as training makes them. The merges inside an orderly token happen in the order of
# their ranks, so ranks are points in time. Let l and r be orderly tokens that make t when joined.
# BPE of t ends in l and r unless some merge crosses the border between them before. The neighbours
# at that border are known for every point in time: go back from (l, r), always undoing the merge
# that happened last of those that made the two neighbours: the one of higher rank, of equals the
# right one. A pair of neighbours would have merged if its rank is lower than that of the merge that
# ended it, or equal if that merge lies to its right. If no pair on the way would, (l, r) is the
# answer, and the only one. (The walk is that of the crate `bpe` in rust-gems.)
#
# Which way to cut a token in two is tried first decides the time. Early tokens are the parts of
# later ones: the cut whose later side is earliest is the right one for six tokens of seven. So each
# side is looked up in a *rank filter*, a table of bytes that tells about how early a token is, and
# the look-ups of tokens are left to the cuts that are tried. A second such filter, over pairs,
# tells of nearly all neighbours on a walk that they would not have merged before. Tokens of one
# length do not need each other's parts, so batches of them take each step together: no step waits
# for the memory of the one before, and what a token does next is seldom a branch.
#
# Tokens that are longer than RATED_LENGTH, and those of which TRIES cuts fail or no orderly one is
# left, are merged. Time: two hashes a byte of a token; for each try two look-ups, and a step a byte
# at most. Space: 2 bytes for each of 4 to 8 places a token, and 8 bytes a token.

from libc.stddef cimport size_t
from libc.stdint cimport INT32_MAX, uint8_t, uint32_t, uint64_t

from memory cimport allocate_table, release_table
from types cimport (NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, computed, likely,
                    prefetch)
from vocab cimport (LINE_ENTRIES, Key, Line, Vocabulary, equal_key, find_from_line, find_long,
                    hash_bytes, hash_key, load_key, overflow_bit, short_line)

cdef enum:
    BATCH_TOKENS = 64     # tokens that take each step together
    COMING_TOKENS = 32    # tokens ahead whose bytes are fetched; where they lie, twice as many
    RATED_LENGTH = 64     # bytes of the longest token whose cuts are rated
    TRIES = 8             # cuts of a token that are tried at most; real ones need 5

cdef extern from "part_vectors.h" nogil:
    cdef enum:
        GATHERED "BPECORE_GATHERED"
        GATHERED_LENGTH "BPECORE_GATHERED_LENGTH"
    ctypedef struct RankFilter "bpecore_rank_filter":
        uint8_t *earliness    # by the highest bits of a hash; 0, or that of the earliest token or
        #                       pair with such a hash
        uint32_t shift        # 32 less the binary logarithm of its size
    ctypedef struct Walks "bpecore_walks":
        uint32_t count
        uint32_t *places
        uint32_t *left
        uint32_t *right
        uint32_t *limits
        uint32_t *suspects
        uint32_t suspect_count
    void rate_cuts_of_eight "bpecore_rate_cuts" (
        const RankFilter *filter, uint32_t factor, const uint32_t *powers,
        const uint8_t *token_bytes, const uint32_t *starts, const uint32_t *indices,
        uint32_t length, uint32_t *ratings, size_t stride, uint32_t *best,
        uint32_t *whole) noexcept
    void step_back_by_eight "bpecore_step_back" (
        const RankFilter *filter, const uint32_t *pair_factors, uint32_t scale,
        const uint32_t *lefts, const uint32_t *rights, Walks *walks) noexcept

cdef struct PartFinder:
    RankFilter tokens     # of bytes that are tokens, by rolling hashes; of up to RATED_LENGTH bytes
    RankFilter pairs      # that merge
    uint64_t scale        # earliness_of: 2^32 times what an index counts
    uint32_t factor       # of the rolling hash; odd
    uint32_t powers[RATED_LENGTH + 1]   # of the factor
    uint32_t pair_factors[2]   # of a pair's hash; odd
    bint gathers          # whether eight tokens take a step at a time
    uint32_t *left        # [token_count], the parts of each token so far, a byte being its own
    uint32_t *right       # part; NO_TOKEN for those that no merge produces
    uint64_t *orderly     # a bit for each token, whether it is orderly
    uint64_t *memory      # owned: where all of these lie together, in huge pages if they are large
    size_t memory_words

cdef struct Batch:
    uint32_t length                       # bytes of each token
    uint32_t count                        # tokens
    const uint32_t *indices               # [count + 2 * COMING_TOKENS], the tokens, and some that
    #                                       come next
    uint32_t left[BATCH_TOKENS]           # the parts; NO_TOKEN where no cut stood the test
    uint32_t right[BATCH_TOKENS]
    uint32_t cuts[BATCH_TOKENS]           # the bytes of the left side that is being tried; 0: no
    #                                       cut is left
    uint32_t ratings[RATED_LENGTH][BATCH_TOKENS]   # by the bytes of the left side: these, and the
    #                                                rating << 8; 0: cannot be, or has been tried

cdef struct Side:
    Key key               # only of a part that the table of short tokens may have; its line,
    const Line *line      # which may be wrong if it is full and has
    uint32_t overflow     # this bit

cdef struct Positions:
    uint32_t count
    uint32_t items[BATCH_TOKENS]    # places in a batch


cdef inline uint32_t earliness_of(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Returns how early a token is: 255 for the first ones, 2 for the last ones."""
    return 255 - <uint32_t>(index * finder.scale >> 32)


cdef inline void enter(RankFilter *ranks, uint32_t hashed, uint32_t earliness) noexcept nogil:
    cdef uint8_t *place = ranks.earliness + (hashed >> ranks.shift)
    cdef uint32_t before = place[0]
    place[0] = <uint8_t>(before if before > earliness else earliness)


cdef inline uint32_t hash_pair(
    const PartFinder *finder, uint32_t left, uint32_t right
) noexcept nogil:
    return left * finder.pair_factors[0] + right * finder.pair_factors[1]


cdef inline bint is_orderly(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Whether a token is known to be orderly. Precondition: it is a token."""
    return finder.orderly[index >> 6] >> (index & 63) & 1


cdef inline void set_orderly(PartFinder *finder, uint32_t index) noexcept nogil:
    finder.orderly[index >> 6] |= <uint64_t>1 << (index & 63)


cdef inline void close_finder(PartFinder *finder) noexcept nogil:
    release_table(finder.memory, finder.memory_words, sizeof(uint64_t))


cdef inline int allocate_finder(PartFinder *finder, size_t token_count) noexcept nogil:
    cdef size_t filter_words = 8, words = token_count // 64 + 1
    cdef uint32_t shift = 32 - 6
    while 8 * filter_words < 4 * token_count:
        filter_words *= 2
        shift -= 1
    finder.memory_words = 2 * filter_words + words + token_count
    finder.memory = <uint64_t *>allocate_table(finder.memory_words, sizeof(uint64_t))
    if finder.memory == NULL:
        return STATUS_NO_MEMORY
    finder.tokens.shift = finder.pairs.shift = shift
    finder.tokens.earliness = <uint8_t *>finder.memory
    finder.pairs.earliness = <uint8_t *>(finder.memory + filter_words)
    finder.orderly = finder.memory + 2 * filter_words
    finder.left = <uint32_t *>(finder.orderly + words)
    finder.right = finder.left + token_count
    return STATUS_OK


cdef inline int open_finder(
    PartFinder *finder, const Vocabulary *vocabulary, bint gathers
) noexcept nogil:
    """Prepares for a vocabulary that has its tables of tokens. Must be closed after a failure too.

    Args:
        gathers: whether the processor has the instructions to take eight tokens at a time.
    """
    cdef uint32_t index, byte, power, token_count = vocabulary.token_count
    # Their indices are signed.
    finder.gathers = gathers and vocabulary.starts[token_count] <= INT32_MAX
    finder.scale = (<uint64_t>254 << 32) // token_count
    finder.factor = <uint32_t>vocabulary.seeds[0] | 1
    finder.pair_factors[0] = <uint32_t>vocabulary.seeds[1] | 1
    finder.pair_factors[1] = <uint32_t>(vocabulary.seeds[1] >> 32) | 1
    finder.powers[0] = 1
    for power in range(RATED_LENGTH):
        finder.powers[power + 1] = finder.powers[power] * finder.factor
    if allocate_finder(finder, token_count) != STATUS_OK:
        return STATUS_NO_MEMORY
    for byte in range(256):
        index = vocabulary.byte_indices[byte]
        if index < token_count:
            finder.left[index] = finder.right[index] = index
            set_orderly(finder, index)
            enter(&finder.tokens, (byte + 1) * finder.factor, earliness_of(finder, index))
    return STATUS_OK


cdef inline void record_parts(
    PartFinder *finder, uint32_t left, uint32_t right, uint32_t merged
) noexcept nogil:
    """Takes note of a token's parts; `left` is NO_TOKEN if no merge produces it."""
    finder.left[merged] = left
    finder.right[merged] = right
    if left == NO_TOKEN:
        return
    enter(&finder.pairs, hash_pair(finder, left, right), earliness_of(finder, merged))
    # Behind the tokens are the stand-ins for bytes that are none: they are above `merged` too.
    if (left < merged and right < merged and is_orderly(finder, left)
            and is_orderly(finder, right)):
        set_orderly(finder, merged)


# ---- cuts ---------------------------------------------------------------------------------

cdef inline void rate_cuts(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch, uint32_t place,
    uint32_t *whole
) noexcept nogil:
    """Rates the cuts of a token by the earliness of the later side, and notes the best.

    The hash of bytes b0 .. bn is the sum of (bi + 1) * factor^(n + 1 - i). So each side's hash
    comes from the hashes of what begins at the token's first byte.

    Args:
        whole: receives the token's hash.
    """
    cdef uint32_t hashes[RATED_LENGTH]
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[batch.indices[place]]
    cdef const uint8_t *table = finder.tokens.earliness
    cdef uint32_t shift = finder.tokens.shift, length = batch.length
    cdef uint32_t cut, left, right, rated, best = 0, hashed = 0
    for cut in range(length):
        hashes[cut] = hashed
        hashed = (hashed + token[cut] + 1) * finder.factor
    for cut in range(1, length):
        left = table[hashes[cut] >> shift]
        right = table[(hashed - hashes[cut] * finder.powers[length - cut]) >> shift]
        rated = (left if left < right else right) << 8 | cut
        batch.ratings[cut][place] = rated
        best = rated if rated > best else best
    batch.cuts[place] = best
    whole[0] = hashed


cdef inline uint32_t cut_of(uint32_t rated) noexcept nogil:
    """Returns the cut of a rating; 0 if it cannot be."""
    return rated & 255 if rated > 255 else 0


cdef inline void rate_all_cuts(
    PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Finds the best cuts of tokens of one length, then enters the tokens."""
    cdef uint32_t hashes[BATCH_TOKENS]
    cdef uint32_t place = 0
    if finder.gathers and batch.length <= GATHERED_LENGTH:
        while place < batch.count:
            rate_cuts_of_eight(
                &finder.tokens, finder.factor, finder.powers, vocabulary.token_bytes,
                vocabulary.starts, batch.indices + place, batch.length,
                &batch.ratings[0][place], BATCH_TOKENS, batch.cuts + place, hashes + place)
            place += GATHERED
    else:
        for place in range(batch.count):
            rate_cuts(finder, vocabulary, batch, place, hashes + place)
    for place in range(batch.count):
        batch.cuts[place] = cut_of(batch.cuts[place])
        enter(&finder.tokens, hashes[place], earliness_of(finder, batch.indices[place]))


cdef inline void take_next_cut(Batch *batch, uint32_t place) noexcept nogil:
    """Goes on from a token's cut to the one that is the best of those that are left."""
    cdef uint32_t cut, rated, best = 0
    batch.ratings[batch.cuts[place]][place] = 0
    for cut in range(1, batch.length):
        rated = batch.ratings[cut][place]
        best = rated if rated > best else best
    batch.cuts[place] = cut_of(best)


cdef inline void open_side(
    const Vocabulary *vocabulary, const uint8_t *part, uint32_t length, Side *side
) noexcept nogil:
    """Begins to look a part up: where it would be is on its way to the caches afterwards."""
    cdef uint64_t hashed
    side.line = NULL
    if length > SHORT_PIECE:
        prefetch(vocabulary.long_slots + (
            hash_bytes(part, length, vocabulary.seeds) & vocabulary.long_mask))
        return
    side.key = load_key(part, length)
    hashed = hash_key(side.key, vocabulary.seeds)
    side.line = short_line(vocabulary, hashed)
    side.overflow = overflow_bit(hashed)
    prefetch(side.line)


cdef inline uint32_t find_side(
    const Vocabulary *vocabulary, const Side *side, const uint8_t *part, uint32_t length
) noexcept nogil:
    """Returns the index of the token that a part is, or NO_TOKEN."""
    cdef uint32_t entry
    if length > SHORT_PIECE:
        return find_long(vocabulary, part, length)
    # Nobody can foretell which entry it is: no branches.
    entry = equal_key(side.line.keys, &side.key)
    if likely(entry < LINE_ENTRIES):
        return side.line.indices[entry]
    if side.line.overflowed & side.overflow:
        return find_from_line(side.line + 1, side.key, hash_key(side.key, vocabulary.seeds))
    return NO_TOKEN


cdef inline uint32_t find_part(
    const Vocabulary *vocabulary, const uint8_t *part, uint32_t length
) noexcept nogil:
    """Returns the index of the token that a part is, or NO_TOKEN."""
    cdef Side side
    open_side(vocabulary, part, length, &side)
    return find_side(vocabulary, &side, part, length)


cdef inline void cut_tokens(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch, Positions *open,
    Positions *orderly
) noexcept nogil:
    """Cuts tokens where their batch says, and looks up the sides.

    Args:
        open: the tokens. Afterwards those that were cut, but not into two orderly tokens. Who
            had no cut left is in neither.
        orderly: set to those whose sides are in `left` and `right` of the batch.
    """
    cdef Side lefts[BATCH_TOKENS]
    cdef Side rights[BATCH_TOKENS]
    cdef uint32_t i, place, cut, left, right
    cdef const uint8_t *token
    cdef Positions cut_ones
    cut_ones.count = 0
    orderly.count = 0
    for i in range(open.count):
        place = open.items[i]
        cut = batch.cuts[place]
        batch.left[place] = NO_TOKEN
        if cut:
            token = vocabulary.token_bytes + vocabulary.starts[batch.indices[place]]
            open_side(vocabulary, token, cut, &lefts[cut_ones.count])
            open_side(vocabulary, token + cut, batch.length - cut, &rights[cut_ones.count])
            cut_ones.items[cut_ones.count] = place
            cut_ones.count += 1
    open.count = 0
    for i in range(cut_ones.count):
        place = cut_ones.items[i]
        cut = batch.cuts[place]
        token = vocabulary.token_bytes + vocabulary.starts[batch.indices[place]]
        left = find_side(vocabulary, &lefts[i], token, cut)
        right = find_side(vocabulary, &rights[i], token + cut, batch.length - cut)
        if (left != NO_TOKEN and right != NO_TOKEN and is_orderly(finder, left)
                and is_orderly(finder, right)):
            batch.left[place] = left
            batch.right[place] = right
            prefetch(finder.right + left)
            prefetch(finder.left + right)
            orderly.items[orderly.count] = place
            orderly.count += 1
        else:
            open.items[open.count] = place
            open.count += 1


# ---- walks --------------------------------------------------------------------------------

cdef inline uint32_t merge_at(
    const PartFinder *finder, const Vocabulary *vocabulary, const Batch *batch, uint32_t place,
    uint32_t left, uint32_t right
) noexcept nogil:
    """Returns what two neighbours at the cut of a token merge into, or NO_TOKEN."""
    cdef uint32_t before = vocabulary.starts[left + 1] - vocabulary.starts[left]
    cdef uint32_t length = before + vocabulary.starts[right + 1] - vocabulary.starts[right]
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[batch.indices[place]]
    cdef uint32_t merged = find_part(vocabulary, token + batch.cuts[place] - before, length)
    if merged != NO_TOKEN and (finder.left[merged] != left or finder.right[merged] != right):
        return NO_TOKEN
    return merged


cdef inline void step_back(const PartFinder *finder, Walks *walks) noexcept nogil:
    """Undoes one merge of each walk; those that have arrived at two bytes leave.

    Sets the suspects: nearly always the filter alone says that the two neighbours merge later, if
    at all.
    """
    cdef const uint32_t *rights = finder.right
    cdef const uint32_t *lefts = finder.left
    cdef uint32_t i, left, right, before, after, undo_left, mask, limit, hashed, kept = 0
    walks.suspect_count = 0
    for i in range(walks.count):
        left = walks.left[i]
        right = walks.right[i]
        before = rights[left]
        after = lefts[right]
        # A byte is its own part: where both are bytes, nothing is left to undo.
        undo_left = computed((before != left) & ((left > right) | (after == right)))
        mask = 0 - undo_left
        limit = right ^ ((left ^ right) & mask)
        walks.places[kept] = walks.places[i]
        walks.left[kept] = left ^ ((left ^ before) & mask)
        walks.right[kept] = after ^ ((after ^ right) & mask)
        walks.limits[kept] = limit + (1 - undo_left)
        hashed = hash_pair(finder, walks.left[kept], walks.right[kept])
        prefetch(finder.pairs.earliness + (hashed >> finder.pairs.shift))
        prefetch(rights + walks.left[kept])
        prefetch(lefts + walks.right[kept])
        kept += computed((before != left) | (after != right))
    walks.count = kept
    for i in range(kept):
        hashed = hash_pair(finder, walks.left[i], walks.right[i])
        walks.suspects[walks.suspect_count] = i
        walks.suspect_count += (finder.pairs.earliness[hashed >> finder.pairs.shift]
                                >= earliness_of(finder, walks.limits[i]))


cdef inline void walk_back(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch, Positions *walking,
    Positions *crossed
) noexcept nogil:
    """Walks back from the two sides of each token to its bytes.

    Args:
        walking: the tokens.
        crossed: those are added whose border a merge would have crossed; they lose their sides.
    """
    cdef Walks walks
    cdef uint32_t byte = vocabulary.byte_indices[0]
    cdef uint32_t i, suspect, place
    walks.count = walking.count
    for i in range(walking.count):
        place = walking.items[i]
        walks.places[i] = place
        walks.left[i] = batch.left[place]
        walks.right[i] = batch.right[place]
    for i in range(walking.count, walking.count + GATHERED):
        walks.left[i] = walks.right[i] = byte
    while walks.count:
        if finder.gathers:
            step_back_by_eight(&finder.pairs, finder.pair_factors, <uint32_t>finder.scale,
                               finder.left, finder.right, &walks)
        else:
            step_back(finder, &walks)
        for suspect in range(walks.suspect_count):
            i = walks.suspects[suspect]
            place = walks.places[i]
            if merge_at(finder, vocabulary, batch, place, walks.left[i], walks.right[i]) \
                    < walks.limits[i]:
                batch.left[place] = NO_TOKEN
                crossed.items[crossed.count] = place
                crossed.count += 1
                # Two bytes: the walk ends.
                walks.left[i] = walks.right[i] = byte


cdef inline void find_parts(
    PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Finds the parts of tokens of one length; in `left` is NO_TOKEN where merging must tell.

    Preconditions: all shorter tokens have been in such a batch and their parts are recorded, and
    every byte is a token.
    """
    cdef Positions open, walking
    cdef uint32_t place
    cdef int _try
    open.count = batch.count
    for place in range(batch.count):
        open.items[place] = place
        prefetch(vocabulary.starts + batch.indices[place + 2 * COMING_TOKENS])
        prefetch(vocabulary.token_bytes + vocabulary.starts[batch.indices[place + COMING_TOKENS]])
    rate_all_cuts(finder, vocabulary, batch)
    for _try in range(TRIES):
        if open.count == 0:
            break
        cut_tokens(finder, vocabulary, batch, &open, &walking)
        walk_back(finder, vocabulary, batch, &walking, &open)
        for place in range(open.count):
            take_next_cut(batch, open.items[place])
