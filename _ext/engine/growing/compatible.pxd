# Decides which two tokens are *compatible*: BPE of their joint bytes is those two tokens.
#
# A sequence of tokens is the BPE of its bytes if and only if all neighbours are compatible
# (docs/decisions/growing-counts.md has the proof). So the last token of a growing piece follows
# from what is known of its shorter beginnings: see prefix_counts.pxd.
#
# In an *ordered* vocabulary every token has a higher rank than its parts. Then BPE merges in the
# order of rank, on each side of the joint between the two tokens separately, until a merge crosses
# it. At any time the joint has a token of the left one's right edge before it, and one of the right
# one's left edge after it. This walks them back in time, splitting the one that was made later
# first. A merge across the joint happens if its rank is lower than that of the merge that used up
# its left side, and not higher than that of the merge that used up its right side: of equal ranks
# the leftmost merges first. Time: one look-up of a pair per level of the two trees.
#
# In other vocabularies the joint bytes are merged. Reference: github/rust-gems, crates/bpe, README.

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t
from libc.string cimport memcpy

from engine.base.interrupt cimport Interrupt, set_interrupt
from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, check
from engine.growing.token_parts cimport TokenParts, has_parts
from engine.merge.merge cimport merge_parts
from engine.merge.queue cimport MergeMemory
from engine.vocab.tables cimport Vocabulary, find_merge, token_length


cdef inline bint is_compatible_ordered(
    const Vocabulary *vocabulary, const TokenParts *parts, uint32_t left, uint32_t right
) noexcept nogil:
    """Returns whether two tokens are compatible in an ordered vocabulary."""
    cdef uint32_t left_taken = UINT32_MAX, right_taken = UINT32_MAX, merged
    cdef bint left_splits, right_splits
    while True:
        merged = find_merge(vocabulary, left, right)
        if merged != NO_TOKEN and merged < left_taken and merged <= right_taken:
            return False
        left_splits = has_parts(vocabulary, parts, left)
        right_splits = has_parts(vocabulary, parts, right)
        if left_splits and (not right_splits or left >= right):
            left_taken = left
            left = parts.right[left]
        elif right_splits:
            right_taken = right
            right = parts.left[right]
        else:
            return True


cdef inline size_t copy_token(
    const Vocabulary *vocabulary, uint32_t index, uint8_t *out
) noexcept nogil:
    """Writes the bytes of a token, or the byte that a stand-in is for; returns their number."""
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
    """Decides whether two tokens of any vocabulary are compatible by merging their joint bytes.

    Args:
        memory, merging: scratch memory.
        compatible: receives the answer.
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
