# How many tokens each beginning of a growing piece has: BPE one byte at a time.
#
# For every beginning of n bytes the last token of its BPE and the number of its tokens are kept.
# The last token is the one token t that ends there and is compatible with the last token of the
# first n - |t| bytes (compatible.pxd); there is exactly one. So a guess that turns out to be
# compatible is right. A guess is what followed the same last token and byte before. If no guess is
# right, the tokens that end there are tried, longest first.
#
# Time: amortised constant per byte while the guesses are right; otherwise one look-up per length
# that a token with the same last two bytes has (about ten in text). Space: 8 bytes per byte of the
# piece. Where only the count of the whole piece matters, merge/merge.pxd is faster.
#
# A piece that is a token as a whole is that token, even if no merge makes it. The caller checks.

from libc.stdint cimport SIZE_MAX, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from engine.base.heap cimport ByteBuffer, grow
from engine.base.types cimport (
    NO_TOKEN, SHORT_PIECE, STATUS_MISSING_BYTE, STATUS_NO_MEMORY, STATUS_OK, check, highest_one)
from engine.growing.compatible cimport is_compatible_by_merging, is_compatible_ordered
from engine.growing.token_parts cimport LONGER, MASKED_LENGTH, TokenParts, has_parts
from engine.merge.queue cimport MergeMemory
from engine.vocab.tables cimport Vocabulary, find_long, find_short, load_key, token_length

cdef enum:
    GUESS_BITS = 10
    GUESSES = 1 << GUESS_BITS

cdef extern from *:
    """
    /* Odd, near 2^32 divided by the golden ratio. */
    #define BPECORE_GUESS_FACTOR 0x9E3779B1u
    #define BPECORE_MISSING 0x80000000u
    """
    const uint32_t GUESS_FACTOR "BPECORE_GUESS_FACTOR"
    # In a count: the vocabulary lacks some byte of the beginning.
    const uint32_t MISSING "BPECORE_MISSING"

cdef struct PrefixCounts:
    uint32_t *last       # owned: [n - 1], the last token of the first n bytes
    uint32_t *counts     # owned: [n - 1], the number of their tokens | MISSING
    size_t done          # the beginnings up to this many bytes are known
    size_t capacity      # bytes

cdef struct PrefixTables:
    const Vocabulary *vocabulary   # borrowed
    const TokenParts *parts        # borrowed
    uint32_t guesses[2 * GUESSES]  # index + 1 of the last two tokens that followed; 0: none yet
    ByteBuffer memory              # scratch of is_compatible_by_merging
    MergeMemory merging            # the same


cdef inline int grow_counts(PrefixCounts *counts, size_t capacity) noexcept nogil:
    """Makes room for `capacity` bytes; at least doubles. A failure changes nothing."""
    if capacity <= counts.capacity:
        return STATUS_OK
    if capacity < 2 * counts.capacity:
        capacity = 2 * counts.capacity
    if capacity < 32:
        capacity = 32
    if (capacity >= MISSING or capacity > SIZE_MAX // sizeof(uint32_t)
            or grow(<void **>&counts.last, capacity * sizeof(uint32_t)) != STATUS_OK
            or grow(<void **>&counts.counts, capacity * sizeof(uint32_t)) != STATUS_OK):
        return STATUS_NO_MEMORY
    counts.capacity = capacity
    return STATUS_OK


cdef inline uint32_t length_of(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    """Returns the length in bytes of a token; a stand-in for a missing byte has one."""
    if index >= vocabulary.token_count:
        return 1
    return token_length(vocabulary, index)


cdef inline int fits(
    PrefixTables *tables, const PrefixCounts *counts, size_t before, uint32_t token, bint *answer
) noexcept nogil:
    """Finds whether a token may follow the BPE of the first `before` bytes."""
    if before == 0:
        answer[0] = True
        return STATUS_OK
    if tables.vocabulary.ordered:
        answer[0] = is_compatible_ordered(
            tables.vocabulary, tables.parts, counts.last[before - 1], token)
        return STATUS_OK
    return is_compatible_by_merging(tables.vocabulary, &tables.memory, &tables.merging,
                                    counts.last[before - 1], token, answer)


cdef inline uint32_t token_before(
    const PrefixTables *tables, const uint8_t *piece, size_t end, size_t length
) noexcept nogil:
    """Returns the token of `length` bytes that ends before byte `end`.

    Args:
        length: at least 2.

    Returns:
        NO_TOKEN if there is none, or no merge makes it.
    """
    cdef uint32_t index
    if length <= SHORT_PIECE:
        index = find_short(tables.vocabulary, load_key(piece + end - length, length))
    else:
        index = find_long(tables.vocabulary, piece + end - length, length)
    return index if has_parts(tables.vocabulary, tables.parts, index) else <uint32_t>NO_TOKEN


cdef inline int find_last_token(
    PrefixTables *tables, const PrefixCounts *counts, const uint8_t *piece, size_t end,
    uint32_t *token
) noexcept nogil:
    """Finds the last token of the first `end` bytes among all that end there."""
    cdef uint64_t lengths = 0
    cdef uint32_t i, length
    cdef bint right
    cdef int status
    if end >= 2:
        lengths = tables.parts.lengths[piece[end - 2] | <uint32_t>piece[end - 1] << 8]
    if lengths >> LONGER:
        for i in range(tables.parts.long_count):
            length = tables.parts.long_lengths[i]
            if length > end:
                continue
            token[0] = token_before(tables, piece, end, length)
            if token[0] != NO_TOKEN:
                status = fits(tables, counts, end - length, token[0], &right)
                if status != STATUS_OK or right:
                    return status
    lengths &= (<uint64_t>1 << LONGER) - 1
    if end < MASKED_LENGTH:
        lengths &= (<uint64_t>2 << end) - 1
    while lengths:
        length = <uint32_t>highest_one(lengths)
        lengths ^= <uint64_t>1 << length
        token[0] = token_before(tables, piece, end, length)
        if token[0] != NO_TOKEN:
            status = fits(tables, counts, end - length, token[0], &right)
            if status != STATUS_OK or right:
                return status
    # Exactly one token fits, so it is that of the byte.
    token[0] = tables.vocabulary.byte_indices[piece[end - 1]]
    return STATUS_OK


cdef inline int try_guess(
    PrefixTables *tables, const PrefixCounts *counts, const uint8_t *piece, size_t end,
    uint32_t token, bint *right
) noexcept nogil:
    """Finds whether a token is the last of the first `end` bytes."""
    cdef const Vocabulary *vocabulary = tables.vocabulary
    cdef size_t size = length_of(vocabulary, token)
    right[0] = False
    if size == 1:
        if token != vocabulary.byte_indices[piece[end - 1]]:
            return STATUS_OK
    elif size > end or memcmp(piece + end - size,
                              vocabulary.token_bytes + vocabulary.starts[token], size) != 0:
        return STATUS_OK
    return fits(tables, counts, end - size, token, right)


cdef inline int guess_last_token(
    PrefixTables *tables, const PrefixCounts *counts, const uint8_t *piece, size_t end,
    uint32_t *token
) noexcept nogil:
    """Finds the last token of the first `end` bytes, by guesses first; remembers it as a guess."""
    cdef uint32_t before = counts.last[end - 2] if end > 1 else <uint32_t>NO_TOKEN
    cdef uint32_t place = (
        ((before << 8) ^ before ^ piece[end - 1]) * GUESS_FACTOR) >> (32 - GUESS_BITS)
    cdef uint32_t *guesses = tables.guesses + 2 * place
    cdef bint right = False
    cdef int i, status
    for i in range(2):
        if guesses[i]:
            token[0] = guesses[i] - 1
            status = try_guess(tables, counts, piece, end, token[0], &right)
            if status != STATUS_OK or right:
                return status
    status = find_last_token(tables, counts, piece, end, token)
    guesses[1] = guesses[0]
    guesses[0] = token[0] + 1
    return status


cdef inline int extend_counts(
    PrefixTables *tables, PrefixCounts *counts, const uint8_t *piece, size_t length
) noexcept nogil:
    """Counts the beginnings of a piece up to `length` bytes.

    Args:
        piece: its bytes; LOAD_SLACK more are readable after them.
    """
    cdef size_t n, size
    cdef uint32_t token = NO_TOKEN
    cdef int status = grow_counts(counts, length)
    while status == STATUS_OK and counts.done < length:
        n = counts.done + 1
        status = guess_last_token(tables, counts, piece, n, &token)
        if status == STATUS_OK:
            size = length_of(tables.vocabulary, token)
            check(size <= n)
            counts.last[n - 1] = token
            counts.counts[n - 1] = 1 + (counts.counts[n - 1 - size] if size < n else 0)
            if token >= tables.vocabulary.token_count:
                counts.counts[n - 1] |= MISSING
            counts.done = n
    return status


cdef inline int first_missing_byte(
    const Vocabulary *vocabulary, const PrefixCounts *counts, size_t length
) noexcept nogil:
    """Returns the status for the first byte of a beginning that the vocabulary lacks.

    Precondition: there is one.
    """
    cdef int status = STATUS_OK
    while length:
        if counts.last[length - 1] >= vocabulary.token_count:
            status = STATUS_MISSING_BYTE + <int>(counts.last[length - 1] - vocabulary.token_count)
        length -= length_of(vocabulary, counts.last[length - 1])
    return status
