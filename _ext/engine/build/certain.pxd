# Builds the table of bytes that certainly merge (merge/certain.pxd).

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from engine.base.types cimport NO_TOKEN
from engine.merge.certain cimport (
    BEGINNING_SHIFT, ENDING_SHIFT, MERGED_SHIFT, earliness, pair_of_bytes)
from engine.vocab.tables cimport Vocabulary


cdef inline void raise_field(uint64_t *word, uint32_t shift, uint64_t earlier) noexcept nogil:
    """Raises a field of a word to a value, unless it is higher already."""
    if (word[0] >> shift & NO_TOKEN) < earlier:
        word[0] = (word[0] & ~(<uint64_t>NO_TOKEN << shift)) | earlier << shift


cdef inline void record_byte_parts(
    Vocabulary *vocabulary, const uint8_t *token, uint32_t length, bint left_is_byte,
    bint right_is_byte, uint32_t index
) noexcept nogil:
    """Records a token of two bytes or more, given which of its two parts are bytes."""
    cdef uint64_t early = earliness(index)
    cdef uint64_t *first_two = vocabulary.byte_pairs + pair_of_bytes(token)
    cdef uint64_t *last_two = vocabulary.byte_pairs + pair_of_bytes(token + length - 2)
    if left_is_byte:
        raise_field(first_two, BEGINNING_SHIFT, early)
    if right_is_byte:
        raise_field(last_two, ENDING_SHIFT, early)
    if length == 2:
        raise_field(first_two, MERGED_SHIFT, early)
