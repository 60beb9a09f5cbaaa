# Which two bytes of a piece certainly merge: where merging begins (merge/merge.pxd).
#
# Let two neighbouring bytes x and y of a piece make a token t. Only two things can prevent this
# merge: a part that ends before x takes x, or y takes a part that begins after it. The first needs
# a token whose two parts (vocab/tables.pxd) are something that ends in the byte before x, and x;
# the second a token of y and something that begins with the byte after y. So for each two bytes the
# table `byte_pairs` has, besides what they merge into, the earliest token that ends in them and has
# the second one as a part, and the earliest one that begins with them and has the first one as a
# part. If t is earlier than both tokens that its neighbours could bring about, x and y *certainly
# merge*. Two such merges never share a byte: each would have to be earlier than the other.
#
# They can be made at once, before all others. Let every token be later than its parts, bytes aside,
# as training makes them (`ordered` says so). Then a merge makes only later ones possible, so merges
# happen in the order of the tokens they make and, of equal tokens, from left to right. Let t be
# made before its turn. Everything that this makes possible is later than t, so until t's turn
# nothing differs; and at its turn x and y would still have been there.
#
# Half of all merges of a piece are certain, in every script, and the first look-ups of the others
# do not wait for each other (docs/decisions/merging.md). Space: 512 KB per vocabulary; a text
# in one alphabet touches some 30 KB of it. Loses where tokens are earlier than their parts: there,
# and while a vocabulary is being built, nothing is certain.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport NO_TOKEN
from engine.vocab.tables cimport INDEX_BITS, Vocabulary

cdef enum:
    # Fields of a word of `byte_pairs`, each as `earliness` says:
    MERGED_SHIFT = 64 - INDEX_BITS                 # what the two bytes merge into
    ENDING_SHIFT = MERGED_SHIFT - INDEX_BITS       # what ends in them and has the second as a part
    BEGINNING_SHIFT = ENDING_SHIFT - INDEX_BITS    # what begins with them and has the first as one


cdef inline uint32_t pair_of_bytes(const uint8_t *text) noexcept nogil:
    """Returns the place of the two bytes at `text` in `byte_pairs`."""
    return <uint32_t>text[0] << 8 | text[1]


cdef inline uint64_t earliness(uint64_t index) noexcept nogil:
    """Returns a number that is higher the earlier a token is; 0 for NO_TOKEN."""
    return NO_TOKEN - index


cdef inline uint32_t merged_of(uint64_t pair) noexcept nogil:
    """Returns the index of the token that two bytes merge into, or NO_TOKEN.

    Args:
        pair: their word of `byte_pairs`.
    """
    return NO_TOKEN - <uint32_t>(pair >> MERGED_SHIFT)


cdef inline uint32_t merge_of_bytes(
    const Vocabulary *vocabulary, const uint8_t *text
) noexcept nogil:
    """Returns the index of the token that the two bytes at `text` merge into, or NO_TOKEN."""
    return merged_of(vocabulary.byte_pairs[pair_of_bytes(text)])


cdef inline bint certainly_merges(
    const Vocabulary *vocabulary, uint64_t before, uint64_t pair, uint64_t after
) noexcept nogil:
    """Returns whether two neighbouring bytes of a piece certainly merge.

    Args:
        before: the word of the byte before them and the first byte; 0 at the piece's start.
        pair: their own word.
        after: the word of the second byte and the byte after them; 0 at the piece's end.
    """
    # Each of the two fields is shifted to the top of a word, and compared with all lower bits set.
    cdef uint64_t taking = before << (MERGED_SHIFT - ENDING_SHIFT)
    cdef uint64_t taken = after << (MERGED_SHIFT - BEGINNING_SHIFT)
    if taken > taking:
        taking = taken
    return (pair > (taking | ((<uint64_t>1 << MERGED_SHIFT) - 1))) & vocabulary.ordered
