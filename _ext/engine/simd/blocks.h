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

/* How special tokens begin: their first characters, which are only kept if they are at most 8; and
 * the range of their second ones, from `next` to `next` + `span`. */
typedef struct {
    uint32_t characters[8], count, next, span;
} bpecore_beginnings;

/* The functions of one instruction set; if the automaton splits everything, all but `find` are
 * NULL. What each does is written at the functions below. */
typedef struct {
    size_t (*find)(const void *text, int width, size_t length, size_t readable,
                   const bpecore_beginnings *of, uint64_t *found);
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

/* Returns a bit for each of 64 characters that is one of N and followed by one from `next` to `next`
 * + `span`. Most blocks have none, which is seen first. */
#define BPECORE_FIND_BLOCK(TYPE, N)                                                                \
    BPECORE_INLINE uint64_t bpecore_find_##TYPE##_##N(const TYPE *block, const TYPE *wanted,       \
                                                      TYPE next, TYPE span) {                      \
        TYPE any = 0;                                                                              \
        uint8_t bytes[64];                                                                         \
        uint64_t bits = 0, eight;                                                                  \
        for (int i = 0; i < 64; i++) {                                                             \
            TYPE one = 0;                                                                          \
            for (int n = 0; n < N; n++)                                                            \
                one |= (TYPE) - (block[i] == wanted[n]);                                           \
            any |= one & (TYPE) - ((TYPE)(block[i + 1] - next) <= span);                           \
        }                                                                                          \
        if (!any)                                                                                  \
            return 0;                                                                              \
        for (int i = 0; i < 64; i++) {                                                             \
            TYPE one = 0;                                                                          \
            for (int n = 0; n < N; n++)                                                            \
                one |= block[i] == wanted[n];                                                      \
            bytes[i] = (uint8_t)(one & ((TYPE)(block[i + 1] - next) <= span));                     \
        }                                                                                          \
        for (int i = 0; i < 64; i += 8) {                                                          \
            /* Eight bytes of 0 or 1 become bits of the product's highest byte. */                 \
            memcpy(&eight, bytes + i, sizeof eight);                                               \
            bits |= (eight * 0x0102040810204080 >> 56) << i;                                       \
        }                                                                                          \
        return bits;                                                                               \
    }                                                                                              \
    BPECORE_INLINE size_t bpecore_find_all_##TYPE##_##N(const TYPE *text, size_t length,           \
                                                        size_t readable, const TYPE *wanted,       \
                                                        TYPE next, TYPE span, uint64_t *found) {   \
        size_t place = 0;                                                                          \
        for (; place + 64 <= length && place + 64 < readable; place += 64) {                       \
            *found = bpecore_find_##TYPE##_##N(text + place, wanted, next, span);                  \
            if (*found)                                                                            \
                return place;                                                                      \
        }                                                                                          \
        size_t left = length - place, copied = readable - place < 65 ? readable - place : 65;      \
        *found = 0;                                                                                \
        if (left) {                                                                                \
            TYPE rest[65] = {0};                                                                   \
            memcpy(rest, text + place, copied * sizeof(TYPE));                                     \
            *found = bpecore_find_##TYPE##_##N(rest, wanted, next, span) & ~0ull >> (64 - left);   \
        }                                                                                          \
        return *found ? place : length;                                                            \
    }

/* What does not fit TYPE is not in the text. */
#define BPECORE_FIND(TYPE)                                                                         \
    BPECORE_FIND_BLOCK(TYPE, 1)                                                                    \
    BPECORE_FIND_BLOCK(TYPE, 2)                                                                    \
    BPECORE_FIND_BLOCK(TYPE, 8)                                                                    \
    BPECORE_INLINE size_t bpecore_find_##TYPE(const void *text, size_t length, size_t readable,    \
                                              const bpecore_beginnings *of, uint64_t *found) {     \
        TYPE wanted[8], most = (TYPE)~0u, next = (TYPE)of->next, span = most - next;               \
        uint32_t fitting = 0;                                                                      \
        for (uint32_t i = 0; i < of->count; i++)                                                   \
            if (of->characters[i] <= most)                                                         \
                wanted[fitting++] = (TYPE)of->characters[i];                                       \
        for (uint32_t i = fitting; fitting && i < 8; i++)                                          \
            wanted[i] = wanted[0];                                                                 \
        if (of->span < span)                                                                       \
            span = (TYPE)of->span;                                                                 \
        *found = 0;                                                                                \
        if (fitting == 0 || of->next > most)                                                       \
            return length;                                                                         \
        if (fitting == 1)                                                                          \
            return bpecore_find_all_##TYPE##_1(text, length, readable, wanted, next, span, found); \
        if (fitting == 2)                                                                          \
            return bpecore_find_all_##TYPE##_2(text, length, readable, wanted, next, span, found); \
        return bpecore_find_all_##TYPE##_8(text, length, readable, wanted, next, span, found);     \
    }

BPECORE_FIND(uint8_t)
BPECORE_FIND(uint16_t)
BPECORE_FIND(uint32_t)

/* Returns where the first block of 64 characters is in which a special token may begin, or `length`;
 * `found` receives a bit for each place. Reads up to `readable` characters. */
BPECORE_INLINE size_t bpecore_find(const void *text, int width, size_t length, size_t readable,
                                   const bpecore_beginnings *of, uint64_t *found) {
    if (width == 4)
        return bpecore_find_uint32_t(text, length, readable, of, found);
    if (width == 2)
        return bpecore_find_uint16_t(text, length, readable, of, found);
    return bpecore_find_uint8_t(text, length, readable, of, found);
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
                                            size_t readable, const bpecore_beginnings *of,         \
                                            uint64_t *found) {                                     \
        return bpecore_find(text, width, length, readable, of, found);                             \
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
