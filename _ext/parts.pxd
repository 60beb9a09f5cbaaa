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
# Candidates (l, r) are looked up in a table of bits first, which fits a second-level cache; so are
# pairs. Tokens of more than 15 bytes, and those for which no orderly candidate stands the test,
# are merged. Time: a few look-ups a token, against three a byte. Space: 512 KB, and 9 bytes a
# token.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from memory cimport allocate, allocate_zeroed, release
from types cimport NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, multiply_fold, prefetch
from vocab cimport (INDEX_BITS, Key, Vocabulary, find_merge, find_short, hash_key, load_key,
                    place_of)

cdef enum:
    BITS_LOGARITHM = 21      # of a table of bits
    CANDIDATE_TOKENS = 32    # tokens whose candidates are looked for before they are tested

cdef struct Candidate:
    Key left
    Key right

cdef struct Candidates:
    Candidate items[CANDIDATE_TOKENS * SHORT_PIECE]
    uint32_t ends[CANDIDATE_TOKENS]     # where each token's candidates end

cdef struct PartFinder:
    uint64_t *token_bits    # owned: 2^BITS_LOGARITHM bits, set for the hash of each short token
    uint64_t *pair_bits     # owned: the same for pairs
    uint32_t *left          # owned: [token_count], the parts of each orderly token so far
    uint32_t *right         # owned
    uint8_t *orderly        # owned: [token_count]


cdef inline bint has_bit(const uint64_t *bits, uint64_t hashed) noexcept nogil:
    hashed >>= 64 - BITS_LOGARITHM
    return bits[hashed >> 6] >> (hashed & 63) & 1


cdef inline void set_bit(uint64_t *bits, uint64_t hashed) noexcept nogil:
    hashed >>= 64 - BITS_LOGARITHM
    bits[hashed >> 6] |= <uint64_t>1 << (hashed & 63)


cdef inline uint64_t hash_pair(
    const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    return multiply_fold((<uint64_t>left << INDEX_BITS | right) ^ vocabulary.seeds[0],
                         vocabulary.seeds[1])


cdef inline void close_finder(PartFinder *finder) noexcept nogil:
    release(finder.token_bits)
    release(finder.pair_bits)
    release(finder.left)
    release(finder.right)
    release(finder.orderly)


cdef inline int open_finder(PartFinder *finder, const Vocabulary *vocabulary) noexcept nogil:
    """Prepares for a vocabulary whose lines are built. After a failure it must be closed too."""
    cdef size_t words = (<size_t>1 << BITS_LOGARITHM) // 64
    cdef uint32_t index, length
    cdef const uint8_t *token
    finder.token_bits = <uint64_t *>allocate_zeroed(words, sizeof(uint64_t))
    finder.pair_bits = <uint64_t *>allocate_zeroed(words, sizeof(uint64_t))
    finder.left = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    finder.right = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    finder.orderly = <uint8_t *>allocate_zeroed(vocabulary.token_count, 1)
    if (finder.token_bits == NULL or finder.pair_bits == NULL or finder.left == NULL
            or finder.right == NULL or finder.orderly == NULL):
        return STATUS_NO_MEMORY
    for index in range(vocabulary.token_count):
        token = vocabulary.token_bytes + vocabulary.starts[index]
        length = vocabulary.starts[index + 1] - vocabulary.starts[index]
        if length == 1:
            finder.orderly[index] = 1
            finder.left[index] = index
            finder.right[index] = index
        if 0 < length <= SHORT_PIECE:
            set_bit(finder.token_bits, hash_key(load_key(token, length), vocabulary.seeds))
    return STATUS_OK


cdef inline void record_parts(
    PartFinder *finder, const Vocabulary *vocabulary, uint32_t left, uint32_t right,
    uint32_t merged
) noexcept nogil:
    """Takes note of a token's parts."""
    set_bit(finder.pair_bits, hash_pair(vocabulary, left, right))
    # Behind the tokens: a byte that is none.
    if left >= vocabulary.token_count or right >= vocabulary.token_count:
        return
    if left < merged and right < merged and finder.orderly[left] and finder.orderly[right]:
        finder.orderly[merged] = 1
        finder.left[merged] = left
        finder.right[merged] = right


cdef inline void collect_candidates(
    const PartFinder *finder, const Vocabulary *vocabulary, const uint32_t *indices,
    uint32_t count, Candidates *candidates
) noexcept nogil:
    """Collects the candidates of up to CANDIDATE_TOKENS tokens of 2 to 15 bytes."""
    cdef uint32_t i, cut, length, found = 0
    cdef const uint8_t *token
    cdef Key left, right
    cdef uint64_t left_hash, right_hash
    for i in range(count):
        token = vocabulary.token_bytes + vocabulary.starts[indices[i]]
        length = vocabulary.starts[indices[i] + 1] - vocabulary.starts[indices[i]]
        for cut in range(1, length):
            left = load_key(token, cut)
            left_hash = hash_key(left, vocabulary.seeds)
            if not has_bit(finder.token_bits, left_hash):
                continue
            right = load_key(token + cut, length - cut)
            right_hash = hash_key(right, vocabulary.seeds)
            if has_bit(finder.token_bits, right_hash):
                candidates.items[found].left = left
                candidates.items[found].right = right
                found += 1
                prefetch(vocabulary.lines + place_of(left_hash, vocabulary.line_count))
                prefetch(vocabulary.lines + place_of(right_hash, vocabulary.line_count))
        candidates.ends[i] = found


cdef inline bint would_merge(
    const PartFinder *finder, const Vocabulary *vocabulary, uint32_t left, uint32_t right,
    uint32_t limit
) noexcept nogil:
    """Whether two neighbours merge into a token below a limit."""
    return (has_bit(finder.pair_bits, hash_pair(vocabulary, left, right))
            and find_merge(vocabulary, left, right) < limit)


cdef inline bint stays_apart(
    const PartFinder *finder, const Vocabulary *vocabulary, uint32_t left, uint32_t right
) noexcept nogil:
    """Whether no merge crosses the border of two orderly tokens before both are made."""
    cdef uint32_t limit
    while True:
        # A byte is its own part: nothing is left to undo on its side.
        if finder.right[left] != left and (left > right or finder.left[right] == right):
            limit = left
            left = finder.right[left]
        elif finder.left[right] != right:
            limit = right + 1
            right = finder.left[right]
        else:
            return True
        if would_merge(finder, vocabulary, left, right, limit):
            return False


cdef inline bint find_parts(
    const PartFinder *finder, const Vocabulary *vocabulary, const Candidate *candidates,
    uint32_t count, uint32_t *left, uint32_t *right
) noexcept nogil:
    """Tests a token's candidates; returns whether one of them is its parts.

    Precondition: the parts of all shorter tokens are known.
    """
    cdef uint32_t i
    for i in range(count):
        left[0] = find_short(vocabulary, candidates[i].left)
        if left[0] == NO_TOKEN or not finder.orderly[left[0]]:
            continue
        right[0] = find_short(vocabulary, candidates[i].right)
        if right[0] == NO_TOKEN or not finder.orderly[right[0]]:
            continue
        if stays_apart(finder, vocabulary, left[0], right[0]):
            return True
    return False
