# The vector functions of one instruction set, and the tables and blocks that they work on.
#
# Which set runs is chosen when the extension is imported (api/process/simd.pxi); an engine has a
# copy of the choice. Without any, words of 64 bits do the same work.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "engine/simd/kinds.h" nogil:
    ctypedef struct CharacterTables "bpecore_character_tables":
        const uint8_t *kinds
        const uint8_t *page_kinds
        const uint64_t *borders
        uint32_t border_shift
        const uint8_t *before_fragments
        const uint8_t *after_fragments
        const uint8_t *fragment_left
        const uint8_t *fragment_right
    ctypedef struct Block "bpecore_block":
        uint8_t *bytes
        uint8_t *places
        uint64_t *masks
        uint64_t cuts
        uint32_t byte_count
    ctypedef struct Vectors "bpecore_vectors":
        # Returns the first place of a character among some of 2 or 4 bytes, or `length`.
        size_t (*find)(const void *text, int width, size_t length,
                       uint32_t character) noexcept nogil
        # Turns kinds, or ASCII characters, into words of bits; NULL = there are no vectors.
        void (*masks)(const uint8_t *source, size_t blocks, bint is_ascii,
                      uint64_t *masks) noexcept nogil
        # Writes 64 characters as bytes; returns whether all were ASCII.
        bint (*pack_ascii)(const void *source, int width, uint8_t *out) noexcept nogil
        # Writes the places of the words' bits, and up to 16 more; returns how many there are. A
        # block's table of `places` says where a bit's character begins in it.
        size_t (*places)(const uint64_t *words, size_t blocks, const uint32_t *block_starts,
                         const uint8_t *places, size_t stride, uint32_t *out) noexcept nogil
        # Encodes 64 characters; False if one is a surrogate or above 0xFFFF. May be NULL.
        bint (*encode_block)(const void *source, int width, uint32_t previous,
                             const CharacterTables *tables, Block *block) noexcept nogil
    enum:
        MIXED_KINDS    # stands for a page of characters of several kinds
    # Where each of 64 ASCII characters begins in its block: the numbers from 0 on.
    const uint8_t[64] ASCII_PLACES "bpecore_numbers"
    # Writes the kinds of 16 ASCII characters.
    void ascii_kinds "bpecore_ascii_kinds" (const uint8_t *text, uint8_t *kinds) noexcept
    Vectors vectors_named "bpecore_vectors_named" (const char *name) noexcept
