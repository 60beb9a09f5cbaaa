# Finds the two parts that merge into each token, when a vocabulary is built.
#
# BPE of a token alone tells them (see vocab/tables.pxd), but takes a dozen look-ups a token. Most tokens
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
# for the memory of the one before, and what a token does next is seldom a branch. With AVX2 eight
# of them rate their cuts and walk back at a time (simd/parts_avx2.h); all else is as without. Small
# batches lose: the last steps of a walk are made by few tokens.
#
# Tokens that are longer than RATED_LENGTH, and those of which TRIES cuts fail or no orderly one is
# left, are merged. Time: two hashes a byte of a token; for each try two look-ups, and a step a byte
# at most. Space: 2 bytes for each of 4 to 8 places a token, 8 bytes a
# token, and 120 KB for a batch.

from libc.stddef cimport size_t
from libc.stdint cimport INT32_MAX, uint8_t, uint32_t, uint64_t

from engine.base.heap cimport allocate, release
from engine.base.mappings cimport allocate_table, release_table
from engine.base.types cimport (
    NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, computed, has_bit, likely, prefetch,
    set_bit)
from engine.simd.vectors cimport (
    BYTE_PART, GATHERED, GATHERED_LENGTH, NEIGHBOURS, Neighbours, RankFilter, RatedTokens,
    equal_key, rate_cuts_of_eight, step_back_by_eight)
from engine.vocab.tables cimport (
    BUCKET_ENTRIES, Bucket, Key, Vocabulary, find_in_bucket, find_long, hash_bytes, hash_key,
    load_key, overflow_bit, short_bucket, token_length)

cdef enum:
    BATCH_TOKENS = 256    # tokens that take each step together
    COMING_TOKENS = 32    # tokens ahead whose bytes are fetched; where they lie, twice as many
    RATED_LENGTH = 64     # bytes of the longest token whose cuts are rated
    TRIES = 8             # cuts of a token that are tried at most; real ones need 5

cdef struct Side:
    Key key               # only of a part that the table of short tokens may have; its line,
    const Bucket *line      # which may be wrong if it is full and has
    uint32_t overflow     # this bit

cdef struct Positions:
    uint32_t count
    uint32_t items[BATCH_TOKENS]    # places in a batch

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
    uint32_t hashes[BATCH_TOKENS]         # of each whole token
    Positions open                        # tokens whose parts are looked for
    Positions walking                     # tokens whose sides are to stand the test
    Positions cut                         # tokens that are being cut; their number is not kept
    Side lefts[NEIGHBOURS]                # what is being looked up
    Side rights[BATCH_TOKENS]
    uint32_t ends[NEIGHBOURS]             # where the bytes of suspects end in all bytes
    Neighbours walks
    Neighbours suspects

cdef struct PartFinder:
    RankFilter tokens     # of bytes that are tokens, by rolling hashes; of up to RATED_LENGTH bytes
    RankFilter pairs      # that merge
    uint64_t scale        # earliness_of: 2^32 times what an index counts
    uint32_t factor       # of the rolling hash; odd
    uint32_t powers[RATED_LENGTH + 1]   # of the factor
    uint32_t pair_factors[2]   # of a pair's hash; odd
    bint gathers          # whether eight tokens take a step at a time
    uint32_t *left        # [token_count], the parts of each token so far, marked if they are bytes;
    uint32_t *right       # NO_TOKEN for those that no merge produces; a byte is its own part
    uint64_t *orderly     # a bit for each token, whether it is orderly
    Batch *batch          # owned: what takes the steps
    uint64_t *memory      # owned: where all of these lie together, in huge pages if they are large
    size_t memory_words


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
    """Hashes two marked parts."""
    return left * finder.pair_factors[0] + right * finder.pair_factors[1]


cdef inline bint is_orderly(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Whether a token is known to be orderly. Precondition: it is a token."""
    return has_bit(finder.orderly, index)


cdef inline void set_orderly(PartFinder *finder, uint32_t index) noexcept nogil:
    set_bit(finder.orderly, index)


cdef inline void close_finder(PartFinder *finder) noexcept nogil:
    release_table(finder.memory, finder.memory_words, sizeof(uint64_t))
    release(finder.batch)


cdef inline int allocate_finder(PartFinder *finder, size_t token_count) noexcept nogil:
    cdef size_t filter_words = 8, words = token_count // 64 + 1
    cdef uint32_t shift = 32 - 6
    while 8 * filter_words < 4 * token_count:
        filter_words *= 2
        shift -= 1
    finder.memory_words = 2 * filter_words + words + token_count
    finder.batch = NULL
    finder.memory = <uint64_t *>allocate_table(finder.memory_words, sizeof(uint64_t))
    if finder.memory == NULL:
        return STATUS_NO_MEMORY
    finder.tokens.shift = finder.pairs.shift = shift
    finder.tokens.earliness = <uint8_t *>finder.memory
    finder.pairs.earliness = <uint8_t *>(finder.memory + filter_words)
    finder.orderly = finder.memory + 2 * filter_words
    finder.left = <uint32_t *>(finder.orderly + words)
    finder.right = finder.left + token_count
    finder.batch = <Batch *>allocate(1, sizeof(Batch))
    if finder.batch == NULL:
        return STATUS_NO_MEMORY
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
            finder.left[index] = finder.right[index] = index | BYTE_PART
            set_orderly(finder, index)
            enter(&finder.tokens, (byte + 1) * finder.factor, earliness_of(finder, index))
    return STATUS_OK


cdef inline uint32_t marked(const Vocabulary *vocabulary, uint32_t part) noexcept nogil:
    """Returns a part, marked if it is a byte."""
    if part >= vocabulary.token_count:
        return part
    return part | BYTE_PART * (token_length(vocabulary, part) == 1)


cdef inline uint32_t unmarked(uint32_t part) noexcept nogil:
    return part & ~BYTE_PART


cdef inline void record_parts(
    PartFinder *finder, uint32_t left, uint32_t right, uint32_t merged
) noexcept nogil:
    """Takes note of a token's marked parts; `left` is NO_TOKEN if no merge produces it."""
    finder.left[merged] = left
    finder.right[merged] = right
    if left == NO_TOKEN:
        return
    enter(&finder.pairs, hash_pair(finder, left, right), earliness_of(finder, merged))
    left = unmarked(left)
    right = unmarked(right)
    # Behind the tokens are the stand-ins for bytes that are none: they are above `merged` too.
    if (left < merged and right < merged and is_orderly(finder, left)
            and is_orderly(finder, right)):
        set_orderly(finder, merged)


# ---- cuts ---------------------------------------------------------------------------------

cdef inline void rate_cuts(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch, uint32_t place
) noexcept nogil:
    """Rates the cuts of a token by the earliness of the later side, and notes the best.

    The hash of bytes b0 .. bn is the sum of (bi + 1) * factor^(n + 1 - i). So each side's hash
    comes from the hashes of what begins at the token's first byte.
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
    batch.hashes[place] = hashed


cdef inline uint32_t cut_of(uint32_t rated) noexcept nogil:
    """Returns the cut of a rating; 0 if it cannot be."""
    return rated & 255 if rated > 255 else 0


cdef inline void rate_all_cuts(
    PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Finds the best cuts of tokens of one length, then enters the tokens."""
    cdef uint32_t place = 0
    cdef RatedTokens tokens
    if finder.gathers and batch.length <= GATHERED_LENGTH:
        tokens.token_bytes = vocabulary.token_bytes
        tokens.starts = vocabulary.starts
        tokens.indices = batch.indices
        tokens.length = batch.length
        tokens.powers = finder.powers
        tokens.stride = BATCH_TOKENS
        while place < batch.count:
            rate_cuts_of_eight(&finder.tokens, &tokens, place, &batch.ratings[0][0], batch.cuts,
                               batch.hashes)
            place += GATHERED
    else:
        for place in range(batch.count):
            rate_cuts(finder, vocabulary, batch, place)
    for place in range(batch.count):
        batch.cuts[place] = cut_of(batch.cuts[place])
        enter(&finder.tokens, batch.hashes[place], earliness_of(finder, batch.indices[place]))


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
    side.line = short_bucket(vocabulary, hashed)
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
    if likely(entry < BUCKET_ENTRIES):
        return side.line.indices[entry]
    if side.line.overflowed & side.overflow:
        return find_in_bucket(side.line + 1, side.key, hash_key(side.key, vocabulary.seeds))
    return NO_TOKEN


cdef inline void cut_tokens(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Cuts the open tokens where their batch says, and looks up the sides.

    Those that are cut into two orderly tokens are walking afterwards. The others stay open; who had
    no cut left does not.
    """
    cdef const uint32_t *starts = vocabulary.starts
    cdef const uint8_t *token_bytes = vocabulary.token_bytes
    cdef const uint8_t *token
    cdef uint32_t i, place, cut, left, right, length = batch.length, cut_count = 0
    cdef uint32_t open_count = 0, walking_count = 0
    for i in range(batch.open.count):
        place = batch.open.items[i]
        cut = batch.cuts[place]
        batch.left[place] = NO_TOKEN
        if cut:
            token = token_bytes + starts[batch.indices[place]]
            open_side(vocabulary, token, cut, &batch.lefts[cut_count])
            open_side(vocabulary, token + cut, length - cut, &batch.rights[cut_count])
            batch.cut.items[cut_count] = place
            cut_count += 1
    for i in range(cut_count):
        place = batch.cut.items[i]
        cut = batch.cuts[place]
        token = token_bytes + starts[batch.indices[place]]
        left = find_side(vocabulary, &batch.lefts[i], token, cut)
        right = find_side(vocabulary, &batch.rights[i], token + cut, length - cut)
        if (left != NO_TOKEN and right != NO_TOKEN and is_orderly(finder, left)
                and is_orderly(finder, right)):
            batch.left[place] = left
            batch.right[place] = right
            batch.walking.items[walking_count] = place
            walking_count += 1
        else:
            batch.open.items[open_count] = place
            open_count += 1
    batch.open.count = open_count
    batch.walking.count = walking_count


# ---- walks --------------------------------------------------------------------------------

cdef inline void step_back(
    const PartFinder *finder, Neighbours *walks, Neighbours *suspects
) noexcept nogil:
    """Undoes one merge of each walk, not from two bytes; those that arrive at two bytes leave.

    Args:
        suspects: those are added that may merge below their limit. Nearly always the filter alone
            says that the two neighbours merge later, if at all.
    """
    cdef const uint32_t *rights = finder.right
    cdef const uint32_t *lefts = finder.left
    cdef uint32_t i, left, right, before, after, undo_left, mask, undone, hashed, added, kept = 0
    for i in range(walks.count):
        left = walks.left[i]
        right = walks.right[i]
        before = rights[unmarked(left)]
        after = lefts[unmarked(right)]
        undo_left = computed(
            (left < BYTE_PART) & ((left > right) | (right >= BYTE_PART)))
        mask = 0 - undo_left
        undone = right ^ ((left ^ right) & mask)
        walks.left[i] = left ^ ((left ^ before) & mask)
        walks.right[i] = after ^ ((after ^ right) & mask)
        walks.limits[i] = undone + (1 - undo_left)
        hashed = hash_pair(finder, walks.left[i], walks.right[i])
        prefetch(finder.pairs.earliness + (hashed >> finder.pairs.shift))
        prefetch(rights + unmarked(walks.left[i]))
        prefetch(lefts + unmarked(walks.right[i]))
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
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Looks up what suspects merge into; tokens that they rule out lose their sides and are open.

    No suspects are left.
    """
    cdef Neighbours *suspects = &batch.suspects
    cdef uint32_t i, place, left, right, length, merged
    for i in range(suspects.count):
        prefetch(vocabulary.starts + unmarked(suspects.left[i]))
        prefetch(vocabulary.starts + unmarked(suspects.right[i]))
    for i in range(suspects.count):
        left = unmarked(suspects.left[i])
        right = unmarked(suspects.right[i])
        place = suspects.places[i]
        length = token_length(vocabulary, right)
        batch.ends[i] = vocabulary.starts[batch.indices[place]] + batch.cuts[place] + length
        length += token_length(vocabulary, left)
        open_side(vocabulary, vocabulary.token_bytes + batch.ends[i] - length, length,
                  &batch.lefts[i])
    for i in range(suspects.count):
        left = unmarked(suspects.left[i])
        right = unmarked(suspects.right[i])
        place = suspects.places[i]
        length = token_length(vocabulary, left) + token_length(vocabulary, right)
        merged = find_side(vocabulary, &batch.lefts[i],
                           vocabulary.token_bytes + batch.ends[i] - length, length)
        if (merged < suspects.limits[i] and unmarked(finder.left[merged]) == left
                and unmarked(finder.right[merged]) == right and batch.left[place] != NO_TOKEN):
            batch.left[place] = NO_TOKEN
            batch.open.items[batch.open.count] = place
            batch.open.count += 1
    suspects.count = 0


cdef inline void walk_back(
    const PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Walks back from the two sides of each walking token to its bytes.

    Those whose border a merge would have crossed lose their sides and are open.
    """
    cdef Neighbours *walks = &batch.walks
    cdef uint32_t byte = vocabulary.byte_indices[0]
    cdef uint32_t i, place
    if batch.length == 2:
        return
    walks.count = batch.walking.count
    for i in range(walks.count):
        place = batch.walking.items[i]
        walks.places[i] = place
        walks.left[i] = batch.left[place] | BYTE_PART * (batch.cuts[place] == 1)
        walks.right[i] = batch.right[place] | BYTE_PART * (batch.cuts[place] == batch.length - 1)
    for i in range(walks.count, walks.count + GATHERED):
        walks.left[i] = walks.right[i] = byte    # any token
    batch.suspects.count = 0
    while walks.count:
        if finder.gathers:
            step_back_by_eight(&finder.pairs, finder.pair_factors, <uint32_t>finder.scale,
                               finder.left, finder.right, walks, &batch.suspects)
        else:
            step_back(finder, walks, &batch.suspects)
        # Together, so that no look-up waits for another; there is room for those of one step.
        if batch.suspects.count >= BATCH_TOKENS or walks.count == 0:
            try_suspects(finder, vocabulary, batch)


cdef inline void find_parts(
    PartFinder *finder, const Vocabulary *vocabulary, Batch *batch
) noexcept nogil:
    """Finds the parts of tokens of one length; in `left` is NO_TOKEN where merging must tell.

    Preconditions: all shorter tokens have been in such a batch and their parts are recorded, and
    every byte is a token.
    """
    cdef uint32_t place
    cdef int _try
    batch.open.count = batch.count
    for place in range(batch.count):
        batch.open.items[place] = place
        prefetch(vocabulary.starts + batch.indices[place + 2 * COMING_TOKENS])
        prefetch(vocabulary.token_bytes + vocabulary.starts[batch.indices[place + COMING_TOKENS]])
    rate_all_cuts(finder, vocabulary, batch)
    for _try in range(TRIES):
        if batch.open.count == 0:
            break
        cut_tokens(finder, vocabulary, batch)
        walk_back(finder, vocabulary, batch)
        for place in range(batch.open.count):
            take_next_cut(batch, batch.open.items[place])
