# The two parts that merge into each token, and which tokens may stand side by side.
#
# Two tokens a, b are *compatible* if BPE of their joint bytes is [a, b]. The whole of BPE hangs on
# that relation: a sequence of tokens is the BPE of its joint bytes if and only if all neighbours
# are compatible (proof in docs/streaming.md). So the last token of a growing piece can be found
# from what is known of its shorter beginnings: see growing/prefix_counts.pxd.
#
# Compatibility without merging. In an *ordered* vocabulary each token ranks behind its parts, so
# that BPE makes its merges in the order of rank, on each side of the border by itself until a
# merge crosses it. At any time the parts at the border are one of the right edge of a's tree and
# one of the left edge of b's. They are walked backwards in time: the one made later is taken apart
# first. A crossing merge c of parts x, y happens if c ranks before the merge that takes x away,
# and not behind the one that takes y away (of equal rank the left one comes first). Time: a look-up
# of a pair for each level of the two trees. Other vocabularies merge the joint bytes instead.
#
# Also here: by the last two bytes of a text, which lengths its last token may have.
#
# Space: 8 bytes a token, and half a MB. Built when the first growing text asks for it, then read by
# all threads. Reference for the relation: github/rust-gems, crates/bpe, README.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from engine.base.interrupt cimport Interrupt, set_interrupt
from engine.base.memory cimport ByteBuffer, allocate, allocate_zeroed, grow_bytes, release
from engine.merge.merge cimport merge_parts
from engine.merge.queue cimport MergeMemory
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, check
from engine.vocab.tables cimport (
    NO_PAIR, PAIR_LINE, PAIR_PROBE_LIMIT, Pair, PairLine, Vocabulary, find_merge, pair_at,
    token_length)

cdef enum:
    MASKED_LENGTH = 62     # bytes of the longest token that has a bit of its own
    LONGER = 63            # the bit of all longer tokens

cdef struct TokenParts:
    uint32_t *left          # owned: [token_count], NO_TOKEN = merging does not make it
    uint32_t *right         # owned: [token_count]
    uint64_t *lengths       # owned: [first | second << 8], bits of the lengths of two bytes and
    #                         more of the tokens that end in these two bytes
    uint32_t *long_lengths  # owned: lengths above MASKED_LENGTH, descending
    uint32_t long_count


cdef inline void free_token_parts(TokenParts *parts) noexcept nogil:
    release(parts.left)
    release(parts.right)
    release(parts.lengths)
    release(parts.long_lengths)
    memset(parts, 0, sizeof(TokenParts))


cdef inline bint has_parts(
    const Vocabulary *vocabulary, const TokenParts *parts, uint32_t index
) noexcept nogil:
    """Whether merging makes the token; False for bytes, and for stand-ins of missing ones."""
    return index < vocabulary.token_count and parts.left[index] != NO_TOKEN


cdef inline void fill_parts(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    cdef const PairLine *line = vocabulary.pair_lines
    cdef uint64_t i
    cdef uint32_t index
    cdef int place
    cdef Pair pair
    for index in range(vocabulary.token_count):
        parts.left[index] = NO_TOKEN
        parts.right[index] = NO_TOKEN
    for i in range(vocabulary.pair_line_count + PAIR_PROBE_LIMIT):
        for place in range(PAIR_LINE):
            if line[i].merged[place] == NO_PAIR:
                break
            pair = pair_at(line + i, place)
            parts.left[pair.merged] = pair.left
            parts.right[pair.merged] = pair.right


cdef inline int fill_lengths(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    cdef uint8_t *seen = <uint8_t *>allocate_zeroed(<size_t>vocabulary.longest_token + 1, 1)
    cdef const uint8_t *end      # its last two bytes
    cdef uint32_t index, length
    cdef uint32_t count = 0
    if seen == NULL:
        return STATUS_NO_MEMORY
    for index in range(vocabulary.token_count):
        if parts.left[index] == NO_TOKEN:
            continue
        length = token_length(vocabulary, index)
        end = vocabulary.token_bytes + vocabulary.starts[index + 1] - 2
        if length > MASKED_LENGTH:
            count += not seen[length]
            seen[length] = 1
        parts.lengths[end[0] | <uint32_t>end[1] << 8] |= (
            <uint64_t>1 << (LONGER if length > MASKED_LENGTH else length))
    parts.long_lengths = <uint32_t *>allocate(count, sizeof(uint32_t))
    if parts.long_lengths != NULL:
        for length in range(vocabulary.longest_token, MASKED_LENGTH, -1):
            if seen[length]:
                parts.long_lengths[parts.long_count] = length
                parts.long_count += 1
    release(seen)
    return STATUS_OK if parts.long_lengths != NULL else STATUS_NO_MEMORY


cdef inline int build_token_parts(const Vocabulary *vocabulary, TokenParts *parts) noexcept nogil:
    """Builds the tables of a finished vocabulary. On a failure they stay owned by the struct."""
    memset(parts, 0, sizeof(TokenParts))
    parts.left = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    parts.right = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    parts.lengths = <uint64_t *>allocate_zeroed(0x10000, sizeof(uint64_t))
    if parts.left == NULL or parts.right == NULL or parts.lengths == NULL:
        return STATUS_NO_MEMORY
    fill_parts(vocabulary, parts)
    return fill_lengths(vocabulary, parts)


cdef inline bint is_compatible_ordered(
    const Vocabulary *vocabulary, const TokenParts *parts, uint32_t left, uint32_t right
) noexcept nogil:
    """Whether BPE leaves two tokens side by side, in an ordered vocabulary."""
    cdef uint32_t left_taken = UINT32_MAX, right_taken = UINT32_MAX, merged
    cdef bint left_apart, right_apart
    while True:
        merged = find_merge(vocabulary, left, right)
        if merged != NO_TOKEN and merged < left_taken and merged <= right_taken:
            return False
        left_apart = has_parts(vocabulary, parts, left)
        right_apart = has_parts(vocabulary, parts, right)
        if left_apart and (not right_apart or left >= right):
            left_taken = left
            left = parts.right[left]
        elif right_apart:
            right_taken = right
            right = parts.left[right]
        else:
            return True


cdef inline size_t copy_token(
    const Vocabulary *vocabulary, uint32_t index, uint8_t *out
) noexcept nogil:
    """Writes the bytes of a token, or of the stand-in of a missing byte; returns their number."""
    cdef size_t length = 1
    if index < vocabulary.token_count:
        length = token_length(vocabulary, index)
        memcpy(out, vocabulary.token_bytes + vocabulary.starts[index], length)
    else:
        out[0] = <uint8_t>(index - vocabulary.token_count)
    return length


cdef inline int is_compatible_by_merging(
    const Vocabulary *vocabulary, ByteBuffer *memory, MergeMemory *merging, uint32_t left,
    uint32_t right, bint *compatible
) noexcept nogil:
    """Whether BPE leaves two tokens side by side, found out by merging their joint bytes.

    Args:
        memory, merging: scratch memory.
    """
    cdef size_t room = 2 * <size_t>vocabulary.longest_token + 2
    cdef size_t length, count
    cdef uint8_t *joint
    cdef uint32_t *out
    cdef Interrupt interrupt
    cdef int status
    if grow_bytes(memory, 5 * room) != STATUS_OK:
        return STATUS_NO_MEMORY
    out = <uint32_t *>memory.data
    joint = memory.data + 4 * room
    length = copy_token(vocabulary, left, joint)
    length += copy_token(vocabulary, right, joint + length)
    check(length <= room)
    set_interrupt(&interrupt, False, NULL)
    status = merge_parts(vocabulary, merging, &interrupt, joint, length, out, &count)
    if status != STATUS_OK:
        return status
    compatible[0] = count == 2 and out[0] == left and out[1] == right
    return STATUS_OK
