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
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from memory cimport allocate_table, release_table
from types cimport (NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, computed, likely,
                    multiply_fold, prefetch)
from vocab cimport (INDEX_BITS, LINE_ENTRIES, Key, Line, Vocabulary, find_from_line, find_long,
                    equal_key, hash_bytes, hash_key, load_key, overflow_bit, short_line)

cdef enum:
    BATCH_TOKENS = 64     # tokens that take each step together
    COMING_TOKENS = 32    # tokens ahead whose bytes are fetched; where they lie, twice as many
    RATED_LENGTH = 64     # bytes of the longest token whose cuts are rated
    TRIES = 8             # cuts of a token that are tried at most; real ones need 5

cdef struct RankFilter:
    uint8_t *earliness    # by the highest bits of a hash; 0, or that of the earliest token or pair
    #                       with such a hash
    uint32_t shift        # 64 less the binary logarithm of its size

cdef struct PartFinder:
    RankFilter tokens     # of bytes that are tokens, by rolling hashes; of up to RATED_LENGTH bytes
    RankFilter pairs      # that merge
    uint64_t scale        # earliness_of: 2^32 times what an index counts
    uint64_t factor       # of the rolling hash; odd
    uint64_t powers[RATED_LENGTH + 1]   # of the factor
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
    uint8_t ratings[BATCH_TOKENS][RATED_LENGTH]   # by the bytes of the left side; 0: cannot be

cdef struct Side:
    Key key               # only of a part that the table of short tokens may have; its line,
    const Line *line      # which may be wrong if it is full and has
    uint32_t overflow     # this bit

cdef struct Positions:
    uint32_t count
    uint32_t items[BATCH_TOKENS]    # places in a batch

cdef struct Walk:
    uint32_t count
    uint32_t places[BATCH_TOKENS]       # of the tokens in their batch
    uint32_t left[BATCH_TOKENS]         # the neighbours at the border
    uint32_t right[BATCH_TOKENS]
    uint32_t limits[BATCH_TOKENS]       # they would have merged before if into a token below this
    uint32_t thresholds[BATCH_TOKENS]   # the earliness of such a token is not less
    uint32_t slots[BATCH_TOKENS]        # where the filter of pairs tells theirs

cdef inline uint32_t earliness_of(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Returns how early a token is: 255 for the first ones, 2 for the last ones."""
    return 255 - <uint32_t>(index * finder.scale >> 32)


cdef inline void enter(RankFilter *ranks, uint64_t hashed, uint32_t earliness) noexcept nogil:
    cdef uint8_t *place = ranks.earliness + (hashed >> ranks.shift)
    cdef uint32_t before = place[0]
    place[0] = <uint8_t>(before if before > earliness else earliness)


cdef inline uint64_t hash_pair(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    """Hashes a pair; the upper half is good, since it is the lower one of `pair_place`."""
    return multiply_fold((<uint64_t>left << INDEX_BITS | right) ^ vocabulary.seeds[0],
                         vocabulary.seeds[1]) << 32


cdef inline bint is_orderly(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Whether a token is known to be orderly. Precondition: it is a token."""
    return finder.orderly[index >> 6] >> (index & 63) & 1


cdef inline void set_orderly(PartFinder *finder, uint32_t index) noexcept nogil:
    finder.orderly[index >> 6] |= <uint64_t>1 << (index & 63)


cdef inline void close_finder(PartFinder *finder) noexcept nogil:
    release_table(finder.memory, finder.memory_words, sizeof(uint64_t))


cdef inline int allocate_finder(PartFinder *finder, size_t token_count) noexcept nogil:
    cdef size_t filter_words = 8, words = token_count // 64 + 1
    cdef uint32_t shift = 64 - 6
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


cdef inline int open_finder(PartFinder *finder, const Vocabulary *vocabulary) noexcept nogil:
    """Prepares for a vocabulary that has its tables of tokens. Must be closed after a failure too.
    """
    cdef uint32_t index, byte, power, token_count = vocabulary.token_count
    finder.scale = (<uint64_t>254 << 32) // token_count
    finder.factor = vocabulary.seeds[0] | 1
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
    PartFinder *finder, const Vocabulary *vocabulary, uint32_t left, uint32_t right,
    uint32_t merged
) noexcept nogil:
    """Takes note of a token's parts; `left` is NO_TOKEN if no merge produces it."""
    finder.left[merged] = left
    finder.right[merged] = right
    if left == NO_TOKEN:
        return
    enter(&finder.pairs, hash_pair(vocabulary, left, right), earliness_of(finder, merged))
    # Behind the tokens are the stand-ins for bytes that are none: they are above `merged` too.
    if (left < merged and right < merged and is_orderly(finder, left)
            and is_orderly(finder, right)):
        set_orderly(finder, merged)


# ---- cuts ---------------------------------------------------------------------------------

cdef inline uint32_t rate_cuts(
    PartFinder *finder, const uint8_t *token, uint32_t length, uint32_t earliness,
    uint8_t *ratings
) noexcept nogil:
    """Rates the cuts of a token by the earliness of the later side, then enters the token.

    Returns the best cut, as `take_best`.

    The hash of bytes b0 .. bn is the sum of (bi + 1) * factor^(n + 1 - i). So each side's hash
    comes from the hashes of what begins at the token's first byte.

    Args:
        length: bytes, 2 to RATED_LENGTH.
        earliness: the token's own.
    """
    cdef uint64_t hashes[RATED_LENGTH + 1]
    cdef const uint8_t *table = finder.tokens.earliness
    cdef uint64_t factor = finder.factor, whole = 0
    cdef uint32_t shift = finder.tokens.shift, cut, left, right, rated, best = 0
    for cut in range(length):
        hashes[cut] = whole
        whole = (whole + token[cut] + 1) * factor
    for cut in range(1, length):
        left = table[hashes[cut] >> shift]
        right = table[(whole - hashes[cut] * finder.powers[length - cut]) >> shift]
        left = left if left < right else right
        ratings[cut] = <uint8_t>left
        rated = left << 8 | cut
        best = rated if rated > best else best
    enter(&finder.tokens, whole, earliness)
    return take_cut(ratings, best)


cdef inline uint32_t take_cut(uint8_t *ratings, uint32_t rated) noexcept nogil:
    """Returns the cut in the lower 8 bits of `rated`, whose rating becomes 0, or 0 if it is."""
    if rated < 256:
        return 0
    ratings[rated & 255] = 0
    return rated & 255


cdef inline uint32_t take_best(uint8_t *ratings, uint32_t length) noexcept nogil:
    """Returns the cut of the highest rating, which becomes 0, or 0 if all are 0."""
    cdef uint32_t cut, rated, best = 0
    for cut in range(1, length):
        rated = <uint32_t>ratings[cut] << 8 | cut
        best = rated if rated > best else best
    return take_cut(ratings, best)


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


cdef inline void step_back(
    const PartFinder *finder, const Vocabulary *vocabulary, Walk *walk
) noexcept nogil:
    """Undoes one merge of each walk; those that have arrived at two bytes leave."""
    cdef const uint32_t *rights = finder.right
    cdef const uint32_t *lefts = finder.left
    cdef const uint8_t *filter = finder.pairs.earliness
    cdef uint32_t i, left, right, before, after, undo_left, mask, limit, kept = 0
    cdef uint64_t place
    for i in range(walk.count):
        left = walk.left[i]
        right = walk.right[i]
        before = rights[left]
        after = lefts[right]
        # A byte is its own part: where both are bytes, nothing is left to undo.
        undo_left = computed((before != left) & ((left > right) | (after == right)))
        mask = 0 - undo_left
        limit = right ^ ((left ^ right) & mask)
        walk.places[kept] = walk.places[i]
        walk.left[kept] = left ^ ((left ^ before) & mask)
        walk.right[kept] = after ^ ((after ^ right) & mask)
        walk.limits[kept] = limit + (1 - undo_left)
        walk.thresholds[kept] = earliness_of(finder, limit)
        place = hash_pair(vocabulary, walk.left[kept], walk.right[kept]) >> finder.pairs.shift
        walk.slots[kept] = <uint32_t>place
        prefetch(filter + place)
        kept += computed((before != left) | (after != right))
    walk.count = kept


cdef inline void walk_back(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch, Positions *walking,
    Positions *crossed
) noexcept nogil:
    """Walks back from the two sides of each token to its bytes.

    Args:
        walking: the tokens.
        crossed: those are added whose border a merge would have crossed; they lose their sides.
    """
    cdef Walk walk
    cdef uint32_t suspects[BATCH_TOKENS]
    cdef uint32_t i, suspect, place, suspect_count
    walk.count = walking.count
    for i in range(walking.count):
        place = walking.items[i]
        walk.places[i] = place
        walk.left[i] = batch.left[place]
        walk.right[i] = batch.right[place]
    while walk.count:
        step_back(finder, vocabulary, &walk)
        # Nearly always the filter alone says that the two merge later, if at all.
        suspect_count = 0
        for i in range(walk.count):
            suspects[suspect_count] = i
            suspect_count += finder.pairs.earliness[walk.slots[i]] >= walk.thresholds[i]
        for suspect in range(suspect_count):
            i = suspects[suspect]
            place = walk.places[i]
            if merge_at(finder, vocabulary, batch, place, walk.left[i], walk.right[i]) \
                    < walk.limits[i]:
                batch.left[place] = NO_TOKEN
                crossed.items[crossed.count] = place
                crossed.count += 1
                # Two bytes: the walk ends.
                walk.left[i] = walk.right[i] = vocabulary.byte_indices[0]


cdef inline void find_parts(
    PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Finds the parts of tokens of one length; in `left` is NO_TOKEN where merging must tell.

    Preconditions: all shorter tokens have been in such a batch and their parts are recorded, and
    every byte is a token.
    """
    cdef Positions open, walking
    cdef uint32_t place, index
    cdef int _try
    open.count = batch.count
    for place in range(batch.count):
        index = batch.indices[place]
        open.items[place] = place
        prefetch(vocabulary.starts + batch.indices[place + 2 * COMING_TOKENS])
        prefetch(vocabulary.token_bytes + vocabulary.starts[batch.indices[place + COMING_TOKENS]])
        batch.cuts[place] = rate_cuts(
            finder, vocabulary.token_bytes + vocabulary.starts[index], batch.length,
            earliness_of(finder, index), batch.ratings[place])
    for _try in range(TRIES):
        if open.count == 0:
            break
        cut_tokens(finder, vocabulary, batch, &open, &walking)
        walk_back(finder, vocabulary, batch, &walking, &open)
        for place in range(open.count):
            index = open.items[place]
            batch.cuts[index] = take_best(batch.ratings[index], batch.length)
