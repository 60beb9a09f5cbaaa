# The state of finding the parts of tokens (build/parts.pxd): rank filters, the parts found so far,
# and a group of tokens of one length that take each step together.

from libc.stdint cimport INT32_MAX, uint8_t, uint32_t, uint64_t

from engine.base.heap cimport allocate, release
from engine.base.mappings cimport allocate_table, release_table
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, has_bit, set_bit
from engine.build.sides cimport Side
from engine.simd.vectors cimport BYTE_PART, NEIGHBOURS, Neighbours, RankFilter
from engine.vocab.tables cimport Vocabulary, token_length

cdef enum:
    GROUP_TOKENS = 256    # small groups lose: the last steps of a walk are made by few tokens
    TOKENS_AHEAD = 32     # how far ahead bytes of tokens are prefetched; their starts, twice as far
    RATED_LENGTH = 64     # bytes of the longest token whose cuts are rated

cdef struct Places:
    uint32_t count
    uint32_t items[GROUP_TOKENS]          # places in a group

cdef struct TokenGroup:
    uint32_t length                       # bytes of each token
    uint32_t count                        # tokens
    const uint32_t *indices               # [count + 2 * TOKENS_AHEAD], the tokens, then later ones
    uint32_t left[GROUP_TOKENS]           # the parts; NO_TOKEN where no cut passed the test
    uint32_t right[GROUP_TOKENS]
    uint32_t cuts[GROUP_TOKENS]           # bytes of the left side being tried; 0: no cut is left
    uint32_t ratings[RATED_LENGTH][GROUP_TOKENS]   # by bytes of the left side: rating << 8 | these;
    #                                                0: impossible, or already tried
    uint32_t hashes[GROUP_TOKENS]         # of each whole token
    Places open                           # tokens whose parts are not found yet
    Places walking                        # tokens whose sides are being tested
    Places cut                            # tokens being cut; its `count` is unused
    Side lefts[NEIGHBOURS]                # look-ups in progress
    Side rights[GROUP_TOKENS]
    uint32_t ends[NEIGHBOURS]             # where suspects end in token_bytes
    Neighbours walks
    Neighbours suspects

cdef struct PartFinder:
    RankFilter tokens     # tokens of up to RATED_LENGTH bytes, by a rolling hash of their bytes
    RankFilter pairs      # pairs that merge
    uint64_t scale        # see `earliness_of`
    uint32_t factor       # of the rolling hash; odd
    uint32_t powers[RATED_LENGTH + 1]   # of the factor
    uint32_t pair_factors[2]   # of a pair's hash; odd
    bint gathers          # whether eight tokens take a step at a time
    uint32_t *left        # [token_count], the parts found so far, with BYTE_PART set for bytes;
    uint32_t *right       # NO_TOKEN for tokens that no merge produces; a byte is its own part
    uint64_t *orderly     # a bit per token
    TokenGroup *group     # owned
    uint64_t *memory      # owned: holds all these arrays, in huge pages if they are large
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
    """Hashes two parts, with BYTE_PART set for bytes."""
    return left * finder.pair_factors[0] + right * finder.pair_factors[1]


cdef inline bint is_orderly(const PartFinder *finder, uint32_t index) noexcept nogil:
    """Returns whether a token is known to be orderly. Precondition: it is a token."""
    return has_bit(finder.orderly, index)


cdef inline uint32_t with_byte_flag(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    """Returns a token's index, with BYTE_PART set if the token is a byte."""
    if index >= vocabulary.token_count:
        return index
    return index | BYTE_PART * (token_length(vocabulary, index) == 1)


cdef inline uint32_t index_of_part(uint32_t part) noexcept nogil:
    return part & ~BYTE_PART


cdef inline int allocate_finder(PartFinder *finder, size_t token_count) noexcept nogil:
    cdef size_t filter_words = 8, words = token_count // 64 + 1
    cdef uint32_t shift = 32 - 6
    while 8 * filter_words < 4 * token_count:
        filter_words *= 2
        shift -= 1
    finder.memory_words = 2 * filter_words + words + token_count
    finder.group = NULL
    finder.memory = <uint64_t *>allocate_table(finder.memory_words, sizeof(uint64_t))
    if finder.memory == NULL:
        return STATUS_NO_MEMORY
    finder.tokens.shift = finder.pairs.shift = shift
    finder.tokens.earliness = <uint8_t *>finder.memory
    finder.pairs.earliness = <uint8_t *>(finder.memory + filter_words)
    finder.orderly = finder.memory + 2 * filter_words
    finder.left = <uint32_t *>(finder.orderly + words)
    finder.right = finder.left + token_count
    finder.group = <TokenGroup *>allocate(1, sizeof(TokenGroup))
    return STATUS_OK if finder.group != NULL else STATUS_NO_MEMORY


cdef inline int open_finder(
    PartFinder *finder, const Vocabulary *vocabulary, bint gathers
) noexcept nogil:
    """Prepares for a vocabulary whose token tables are built. `close_finder` must follow, also
    after a failure.

    Args:
        gathers: whether the processor can take eight tokens at a time (AVX2).
    """
    cdef uint32_t index, byte, power, token_count = vocabulary.token_count
    # The indices of gathers are signed.
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
            set_bit(finder.orderly, index)
            enter(&finder.tokens, (byte + 1) * finder.factor, earliness_of(finder, index))
    return STATUS_OK


cdef inline void close_finder(PartFinder *finder) noexcept nogil:
    release_table(finder.memory, finder.memory_words, sizeof(uint64_t))
    release(finder.group)


cdef inline void record_parts(
    PartFinder *finder, uint32_t left, uint32_t right, uint32_t merged
) noexcept nogil:
    """Records a token's parts, with BYTE_PART set for bytes.

    Args:
        left: NO_TOKEN if no merge produces the token.
    """
    finder.left[merged] = left
    finder.right[merged] = right
    if left == NO_TOKEN:
        return
    enter(&finder.pairs, hash_pair(finder, left, right), earliness_of(finder, merged))
    left = index_of_part(left)
    right = index_of_part(right)
    # Stand-ins for missing bytes have indices above all tokens, so above `merged`.
    if (left < merged and right < merged and is_orderly(finder, left)
            and is_orderly(finder, right)):
        set_bit(finder.orderly, merged)
