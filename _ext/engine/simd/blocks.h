/* What splitting does with blocks of 64 characters: packing, words of kinds, places, searching.
 *
 * Written once in plain C and over the compiler's vectors, and compiled for each instruction set by
 * BPECORE_INSTRUCTION_SET; words of 64 bits do the same work without vectors. */
#ifndef BPECORE_BLOCKS_H
#define BPECORE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kinds.h"

/* The kinds of characters (split/automaton.pxd) and the borders that tokens bridge
 * (vocab/borders.pxd). */
typedef struct {
    const uint8_t *kinds;      /* [0x10000], by code point, ASCII characters included */
    const uint8_t *page_kinds; /* [512], the kind of 128 code points each, or MIXED_KINDS */
    const uint64_t *borders;
    uint32_t border_shift;
    const uint8_t *before_fragments; /* [256] */
    const uint8_t *after_fragments;  /* [256] */
    const uint8_t *fragment_left;    /* [64] */
    const uint8_t *fragment_right;   /* [64] */
} bpecore_character_tables;

/* Where a block of 64 characters is written, and what is found out about it. */
typedef struct {
    uint8_t *bytes;      /* UTF-8; room for 192 bytes and 48 more; NULL = it is there already */
    uint8_t *places;     /* where each character begins in them */
    uint64_t *masks;     /* the eight words of their kinds */
    uint64_t cuts;       /* bits of the characters before which a piece may be cut */
    uint32_t byte_count;
    uint32_t characters; /* how many were read, and the last of them: of `read_block` alone */
    uint32_t last;
} bpecore_block;

/* The functions of one instruction set; if the automaton splits everything, all but `find` are
 * NULL. What each does is written at the functions below. */
typedef struct {
    size_t (*find)(const void *text, int width, size_t length, uint32_t character);
    void (*masks)(const uint8_t *source, size_t blocks, int from, uint64_t *masks);
    int (*pack_ascii)(const void *source, int width, uint8_t *out);
    size_t (*places)(const uint64_t *words, size_t blocks, const uint32_t *block_starts,
                     const uint8_t *places, size_t stride, uint32_t *out);
    /* Encodes 64 characters; returns 0 if one is a surrogate or above 0xFFFF. May be NULL. */
    int (*encode_block)(const void *source, int width, uint32_t previous,
                        const bpecore_character_tables *tables, bpecore_block *block);
    /* Reads a block from UTF-8; returns its bytes, or 0 if it cannot. May be NULL. */
    size_t (*read_block)(const uint8_t *text, size_t left, uint32_t previous,
                         const bpecore_character_tables *tables, bpecore_block *block);
    /* These two do what utf8_vbmi2.h says. May be NULL. */
    size_t (*decode)(const uint8_t *text, size_t length, uint16_t *out, size_t *decoded);
    int (*is_ascii)(const uint8_t *text, size_t length);
} bpecore_vectors;

/* The places of a block's characters where each is a byte. */
static const uint8_t bpecore_numbers[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

#define BPECORE_INLINE static inline __attribute__((always_inline))

/* Writes 64 characters of 1, 2 or 4 bytes as bytes; returns whether all were ASCII. */
#define BPECORE_PACK_LOOP(TYPE)                                                                    \
    do {                                                                                           \
        const TYPE *characters = source;                                                           \
        TYPE seen = 0;                                                                             \
        for (int i = 0; i < 64; i++) {                                                             \
            seen |= characters[i];                                                                 \
            out[i] = (uint8_t)characters[i];                                                       \
        }                                                                                          \
        return seen < 0x80;                                                                        \
    } while (0)

BPECORE_INLINE int bpecore_pack(const void *source, int width, uint8_t *out) {
    if (width == 1)
        BPECORE_PACK_LOOP(uint8_t);
    if (width == 2)
        BPECORE_PACK_LOOP(uint16_t);
    BPECORE_PACK_LOOP(uint32_t);
}

/* Writes the places of the words' bits: the start of a bit's block plus its entry in the block's
 * table of `places`; the tables are `stride` bytes apart. Returns how many there are. Writes eight
 * at a time without checking how many are left, so up to 8 too many. */
BPECORE_INLINE size_t bpecore_places(const uint64_t *words, size_t blocks,
                                     const uint32_t *block_starts, const uint8_t *places,
                                     size_t stride, uint32_t *out) {
    uint32_t *first = out;
    for (size_t block = 0; block < blocks; block++, places += stride) {
        uint64_t word = words[block];
        uint32_t start = block_starts[block];
        uint32_t *end = out + __builtin_popcountll(word);
        for (; out < end; out += 8)
            for (int i = 0; i < 8; i++) {
                /* The highest bit is added because C leaves the zeros of 0 undefined. */
                out[i] = start + places[__builtin_ctzll(word | 1ull << 63)];
                word &= word - 1;
            }
        out = end;
    }
    return (size_t)(out - first);
}

/* Returns the first place of a character among characters of 2 or 4 bytes, or `length`. */
#define BPECORE_FIND_LOOP(TYPE)                                                                    \
    do {                                                                                           \
        const TYPE *characters = text;                                                             \
        TYPE wanted = (TYPE)character;                                                             \
        size_t place = 0;                                                                          \
        for (; place + 64 <= length; place += 64) {                                                \
            TYPE found = 0;                                                                        \
            for (int i = 0; i < 64; i++)                                                           \
                found |= (TYPE) - (characters[place + i] == wanted);                               \
            if (found)                                                                             \
                break;                                                                             \
        }                                                                                          \
        while (place < length && characters[place] != wanted)                                      \
            place++;                                                                               \
        return place;                                                                              \
    } while (0)

BPECORE_INLINE size_t bpecore_find(const void *text, int width, size_t length,
                                   uint32_t character) {
    if (width == 4)
        BPECORE_FIND_LOOP(uint32_t);
    if (character > 0xFFFF)
        return length;
    BPECORE_FIND_LOOP(uint16_t);
}

/* Turns the kinds of blocks, or ASCII characters, into eight words of bits per block. Eight kinds
 * are a matrix of 8x8 bits, which is transposed by exchanging ever larger parts (H. S. Warren,
 * Hacker's Delight, section 7-3). */
static void bpecore_masks_plain(const uint8_t *source, size_t blocks, int from, uint64_t *masks) {
    for (size_t block = 0; block < blocks; block++, source += 64, masks += 8) {
        uint64_t words[8] = {0};
        for (int group = 0; group < 8; group++) {
            uint64_t kinds = 0, changed;
            if (from != FROM_KINDS)
                for (int i = 0; i < 8; i++)
                    kinds |= (uint64_t)bpecore_ascii_kind[from][source[8 * group + i]] << 8 * i;
            else
                memcpy(&kinds, source + 8 * group, 8);
            changed = (kinds ^ kinds >> 7) & 0x00AA00AA00AA00AAull;
            kinds ^= changed ^ changed << 7;
            changed = (kinds ^ kinds >> 14) & 0x0000CCCC0000CCCCull;
            kinds ^= changed ^ changed << 14;
            changed = (kinds ^ kinds >> 28) & 0x00000000F0F0F0F0ull;
            kinds ^= changed ^ changed << 28;
            for (int bit = 0; bit < 8; bit++)
                words[bit] |= (kinds >> 8 * bit & 0xFF) << 8 * group;
        }
        memcpy(masks, words, sizeof words);
    }
}

/* The same with vectors of WIDTH bytes; TOP_BITS gathers the highest bits of their bytes. */
#define BPECORE_MASK_FUNCTION(NAME, TARGET, WIDTH, TOP_BITS)                                       \
    TARGET BPECORE_INLINE void NAME##_from(const uint8_t *source, size_t blocks, int from,         \
                                           uint64_t *masks) {                                      \
        typedef uint8_t V __attribute__((vector_size(WIDTH)));                                     \
        typedef int8_t SV __attribute__((vector_size(WIDTH)));                                     \
        for (size_t block = 0; block < blocks; block++) {                                          \
            uint64_t words[8] = {0};                                                               \
            for (int part = 0; part < 64 / WIDTH; part++) {                                        \
                V bytes, kinds;                                                                    \
                memcpy(&bytes, source + 64 * block + WIDTH * part, WIDTH);                         \
                if (from != FROM_KINDS)                                                            \
                    BPECORE_ASCII_KINDS(V, SV, bytes, from == FROM_ASCII_CONTROLS, kinds);         \
                else                                                                               \
                    kinds = bytes;                                                                 \
                for (int bit = 7; bit >= 0; bit--) {                                               \
                    words[bit] |= TOP_BITS(kinds) << (WIDTH * part);                               \
                    kinds += kinds;                                                                \
                }                                                                                  \
            }                                                                                      \
            memcpy(masks + 8 * block, words, sizeof words);                                        \
        }                                                                                          \
    }                                                                                              \
    TARGET static void NAME(const uint8_t *source, size_t blocks, int from, uint64_t *masks) {     \
        if (from == FROM_ASCII)                                                                    \
            NAME##_from(source, blocks, FROM_ASCII, masks);                                        \
        else if (from == FROM_KINDS)                                                               \
            NAME##_from(source, blocks, FROM_KINDS, masks);                                        \
        else                                                                                       \
            NAME##_from(source, blocks, FROM_ASCII_CONTROLS, masks);                               \
    }

/* Compiles the functions above for a TARGET, and collects them with MASKS as bpecore_SET. */
#define BPECORE_INSTRUCTION_SET(SET, TARGET, MASKS)                                                \
    TARGET static size_t bpecore_find_##SET(const void *text, int width, size_t length,            \
                                            uint32_t character) {                                  \
        return bpecore_find(text, width, length, character);                                       \
    }                                                                                              \
    TARGET static int bpecore_pack_##SET(const void *source, int width, uint8_t *out) {            \
        return bpecore_pack(source, width, out);                                                   \
    }                                                                                              \
    TARGET static size_t bpecore_places_##SET(const uint64_t *words, size_t blocks,                \
                                              const uint32_t *block_starts, const uint8_t *places, \
                                              size_t stride, uint32_t *out) {                      \
        return bpecore_places(words, blocks, block_starts, places, stride, out);                   \
    }                                                                                              \
    static const bpecore_vectors bpecore_##SET = {bpecore_find_##SET, MASKS, bpecore_pack_##SET,   \
                                                  bpecore_places_##SET, NULL, NULL, NULL, NULL};

#endif
