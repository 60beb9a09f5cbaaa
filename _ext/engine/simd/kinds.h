/* 64 kinds of characters at a time become eight words of bits. What has a way of its own with
 * AVX-512 is in simd/kinds_vbmi2.h.
 *
 * Written once over the compiler's vectors and compiled for each instruction set; which one runs is
 * chosen when the module is imported. Where there are none, words of 64 bits do it. */
#ifndef BPECORE_BLOCKS_H
#define BPECORE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The kind of a character is one byte of bits; bpecore/pattern/families.py says the same. */
enum {
    KIND_UPPER = 1,       /* a letter that a lower one may follow in a piece */
    KIND_LOWER = 2,
    KIND_LETTER = 4,      /* a letter that may stand for both */
    KIND_NUMBER = 8,
    KIND_WHITE = 16,      /* white space that is neither a space nor a line end */
    KIND_SPACE = 32,
    KIND_LINE_END = 48,   /* white space and space at once */
    KIND_APOSTROPHE = 64,
    KIND_MARK = 128,      /* a combining mark, where it counts as a letter */
    KIND_SLASH = 192,     /* apostrophe and mark at once, and no letter */
    MIXED_KINDS = 255     /* no kind: several */
};

/* Hash factors of vocab/borders.pxd: odd, near 2^32 divided by the golden ratio, and by its square; of the
 * first, its lower half. */
#define BPECORE_CHARACTER_FACTOR 0x9E3779B1u
#define BPECORE_BORDER_FACTOR 0x61C8864Fu
#define BPECORE_FRAGMENT_FACTOR 0x79B1u

typedef void (*bpecore_mask_function)(const uint8_t *source, size_t blocks, int is_ascii,
                                      uint64_t *masks);
typedef int (*bpecore_pack_function)(const void *source, int width, uint8_t *out);
typedef size_t (*bpecore_place_function)(const uint64_t *words, size_t blocks,
                                         const uint32_t *block_starts, const uint8_t *places,
                                         size_t stride, uint32_t *out);

/* Tables that say of a character what its kind is and which borders tokens bridge: see
 * split/automaton.pxd and vocab/borders.pxd. */
typedef struct {
    const uint8_t *kinds;      /* [0x10000], by code point */
    const uint8_t *page_kinds; /* [512], the kind of 128 code points; MIXED_KINDS: several */
    const uint64_t *borders;
    uint32_t border_shift;
    const uint8_t *before_fragments; /* [256] */
    const uint8_t *after_fragments;  /* [256] */
    const uint8_t *fragment_left;    /* [64] */
    const uint8_t *fragment_right;   /* [64] */
} bpecore_character_tables;

/* Whether a table of flags has a character: both bits of a byte that its hash names. */
static inline int bpecore_is_flagged(const uint8_t *flags, uint32_t character) {
    uint32_t hash = character * BPECORE_FRAGMENT_FACTOR & 0xFFFF, byte = flags[hash >> 8];
    return (int)(byte >> (hash >> 5 & 7) & byte >> (hash >> 2 & 7) & 1);
}

/* Puts a character into a table of flags. */
static inline void bpecore_set_flag(uint8_t *flags, uint32_t character) {
    uint32_t hash = character * BPECORE_FRAGMENT_FACTOR & 0xFFFF;
    flags[hash >> 8] |= (uint8_t)(1u << (hash >> 5 & 7) | 1u << (hash >> 2 & 7));
}

/* Where a block of 64 characters goes, and what is found out about it. */
typedef struct {
    uint8_t *bytes;      /* UTF-8; room for 192 bytes and 48 more */
    uint8_t *places;     /* where each character begins in them */
    uint64_t *masks;     /* the eight words of their kinds */
    uint64_t cuts;       /* bits of characters before which a piece may be cut */
    uint32_t byte_count;
} bpecore_block;

typedef int (*bpecore_block_function)(const void *source, int width, uint32_t previous,
                                      const bpecore_character_tables *tables,
                                      bpecore_block *block);
typedef size_t (*bpecore_find_function)(const void *text, int width, size_t length,
                                        uint32_t character);

/* What the chosen instruction set does; if only the automaton splits, all but `find` are NULL. */
typedef struct {
    bpecore_find_function find;
    bpecore_mask_function masks;
    bpecore_pack_function pack_ascii;
    bpecore_place_function places;
    bpecore_block_function encode_block; /* may be NULL although the others are not */
} bpecore_vectors;

/* The kinds of 64 ASCII characters, by comparisons that every vector unit has. */
#define BPECORE_ASCII_KINDS(V, SV, bytes, kinds)                                                   \
    do {                                                                                           \
        SV signed_bytes = (SV)(bytes);                                                             \
        SV folded = signed_bytes | 0x20;                                                           \
        SV letter = (folded > 'a' - 1) & (folded < 'z' + 1);                                       \
        SV lower = (signed_bytes & 0x20) != 0;                                                     \
        SV line_end = (signed_bytes == '\n') | (signed_bytes == '\r');                             \
        SV slash = signed_bytes == '/';                                                            \
        kinds = (V)((letter & ((lower & KIND_LOWER) | (~lower & KIND_UPPER)))                      \
                    | ((signed_bytes > '0' - 1) & (signed_bytes < '9' + 1) & KIND_NUMBER)          \
                    | ((signed_bytes > 8) & (signed_bytes < 14) & KIND_WHITE)                      \
                    | (((signed_bytes == ' ') | line_end) & KIND_SPACE)                            \
                    | ((signed_bytes == '\'') & KIND_APOSTROPHE)                                   \
                    | (slash & (int8_t)KIND_SLASH));                                               \
    } while (0)

/* The same by look-up. */
static const uint8_t bpecore_ascii_kind[128] = {
    ['A' ... 'Z'] = KIND_UPPER, ['a' ... 'z'] = KIND_LOWER, ['0' ... '9'] = KIND_NUMBER,
    ['\t'] = KIND_WHITE,        ['\v'] = KIND_WHITE,        ['\f'] = KIND_WHITE,
    ['\n'] = KIND_LINE_END,     ['\r'] = KIND_LINE_END,     [' '] = KIND_SPACE,
    ['\''] = KIND_APOSTROPHE,   ['/'] = KIND_SLASH};

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

#define BPECORE_PACK_FUNCTION(NAME, TARGET)                                                        \
    TARGET static int NAME(const void *source, int width, uint8_t *out) {                          \
        if (width == 1)                                                                            \
            BPECORE_PACK_LOOP(uint8_t);                                                            \
        if (width == 2)                                                                            \
            BPECORE_PACK_LOOP(uint16_t);                                                           \
        BPECORE_PACK_LOOP(uint32_t);                                                               \
    }

/* The places of a block's characters where each is a byte. */
static const uint8_t bpecore_numbers[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* Writes the places of the words' bits: where the block starts, and what its table of `places` says
 * of the bit; the tables lie `stride` bytes apart. Returns how many there are. Eight at a time,
 * without asking how many are left, so up to 8 too many are written. */
#define BPECORE_PLACE_FUNCTION(NAME, TARGET)                                                       \
    TARGET static size_t NAME(const uint64_t *words, size_t blocks, const uint32_t *block_starts,  \
                              const uint8_t *places, size_t stride, uint32_t *out) {               \
        uint32_t *first = out;                                                                     \
        for (size_t block = 0; block < blocks; block++, places += stride) {                        \
            uint64_t word = words[block];                                                          \
            uint32_t start = block_starts[block];                                                  \
            uint32_t *end = out + __builtin_popcountll(word);                                      \
            for (; out < end; out += 8)                                                            \
                for (int i = 0; i < 8; i++) {                                                      \
                    /* The highest bit: C does not say how many zeros 0 has. */                    \
                    out[i] = start + places[__builtin_ctzll(word | 1ull << 63)];                   \
                    word &= word - 1;                                                              \
                }                                                                                  \
            out = end;                                                                             \
        }                                                                                          \
        return (size_t)(out - first);                                                              \
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

#define BPECORE_FIND_FUNCTION(NAME, TARGET)                                                        \
    TARGET static size_t NAME(const void *text, int width, size_t length, uint32_t character) {    \
        if (width == 4)                                                                            \
            BPECORE_FIND_LOOP(uint32_t);                                                           \
        if (character > 0xFFFF)                                                                    \
            return length;                                                                         \
        BPECORE_FIND_LOOP(uint16_t);                                                               \
    }

BPECORE_FIND_FUNCTION(bpecore_find_plain, )

#define BPECORE_MASK_FUNCTION(NAME, TARGET, WIDTH, TOP_BITS)                                       \
    TARGET static void NAME(const uint8_t *source, size_t blocks, int is_ascii,                    \
                            uint64_t *masks) {                                                     \
        typedef uint8_t V __attribute__((vector_size(WIDTH)));                                     \
        typedef int8_t SV __attribute__((vector_size(WIDTH)));                                     \
        for (size_t block = 0; block < blocks; block++) {                                          \
            uint64_t words[8] = {0};                                                               \
            for (int part = 0; part < 64 / WIDTH; part++) {                                        \
                V bytes, kinds;                                                                    \
                memcpy(&bytes, source + 64 * block + WIDTH * part, WIDTH);                         \
                if (is_ascii)                                                                      \
                    BPECORE_ASCII_KINDS(V, SV, bytes, kinds);                                      \
                else                                                                               \
                    kinds = bytes;                                                                 \
                for (int bit = 7; bit >= 0; bit--) {                                               \
                    words[bit] |= TOP_BITS(kinds) << (WIDTH * part);                               \
                    kinds += kinds;                                                                \
                }                                                                                  \
            }                                                                                      \
            memcpy(masks + 8 * block, words, sizeof words);                                        \
        }                                                                                          \
    }

/* The same without vectors: eight kinds are a matrix of 8x8 bits, which is transposed by exchanging
 * ever larger parts (H. S. Warren, Hacker's Delight, section 7-3). */
static void bpecore_masks_plain(const uint8_t *source, size_t blocks, int is_ascii,
                                uint64_t *masks) {
    for (size_t block = 0; block < blocks; block++, source += 64, masks += 8) {
        uint64_t words[8] = {0};
        for (int group = 0; group < 8; group++) {
            uint64_t kinds = 0, changed;
            if (is_ascii)
                for (int i = 0; i < 8; i++)
                    kinds |= (uint64_t)bpecore_ascii_kind[source[8 * group + i]] << 8 * i;
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

BPECORE_PACK_FUNCTION(bpecore_pack_plain, )
BPECORE_PLACE_FUNCTION(bpecore_places_plain, )

/* What every machine has; `none` leaves all splitting to the automaton. */
static const bpecore_vectors bpecore_plain = {bpecore_find_plain, bpecore_masks_plain,
                                              bpecore_pack_plain, bpecore_places_plain, NULL};
static const bpecore_vectors bpecore_none = {bpecore_find_plain, NULL, NULL, NULL, NULL};

/* The kinds of 16 ASCII characters. */
static inline void bpecore_ascii_kinds(const uint8_t *text, uint8_t *out) {
    typedef uint8_t V __attribute__((vector_size(16)));
    typedef int8_t SV __attribute__((vector_size(16)));
    V bytes, kinds;
    memcpy(&bytes, text, 16);
    BPECORE_ASCII_KINDS(V, SV, bytes, kinds);
    memcpy(out, &kinds, 16);
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Returns a bit for each of eight words that equals another. */
static inline uint32_t bpecore_equal_words(const uint32_t *words, uint32_t word) {
    __m128i wanted = _mm_set1_epi32((int)word);
    __m128i low = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)words), wanted);
    __m128i high = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)words + 1), wanted);
    __m128i both = _mm_packs_epi32(low, high);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(both, both)) & 0xFF;
}

/* Returns which of three keys of 16 bytes equals another, 0 to 2; 3 if none does. */
static inline uint32_t bpecore_equal_key(const void *keys, const void *key) {
    const __m128i *each = keys;
    __m128i wanted = _mm_loadu_si128(key), none = _mm_setzero_si128();
    __m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(each), wanted);
    __m128i middle = _mm_cmpeq_epi32(_mm_loadu_si128(each + 1), wanted);
    __m128i high = _mm_cmpeq_epi32(_mm_loadu_si128(each + 2), wanted);
    __m128i all = _mm_packs_epi16(_mm_packs_epi32(low, middle), _mm_packs_epi32(high, none));
    uint32_t quarters = (uint32_t)_mm_movemask_epi8(all);
    uint32_t halves = quarters & quarters >> 1;
    return (uint32_t)__builtin_ctz((halves & halves >> 2 & 0x111) | 0x1000) >> 2;
}

/* Whether two keys of 16 bytes equal two others, but for the highest bit of each. */
static inline int bpecore_equal_pieces(const void *first, const void *its, const void *second,
                                       const void *other) {
    __m128i different = _mm_or_si128(
        _mm_xor_si128(_mm_loadu_si128(first), _mm_loadu_si128(its)),
        _mm_xor_si128(_mm_loadu_si128(second), _mm_loadu_si128(other)));
    different = _mm_and_si128(different, _mm_set_epi32(0x7FFFFFFF, -1, -1, -1));
    return _mm_movemask_epi8(_mm_cmpeq_epi32(different, _mm_setzero_si128())) == 0xFFFF;
}
#else
/* The same, for the compiler to turn into vector instructions. */
static inline uint32_t bpecore_equal_words(const uint32_t *words, uint32_t word) {
    uint32_t equal = 0;
    for (int i = 0; i < 8; i++)
        equal |= (uint32_t)(words[i] == word) << i;
    return equal;
}

static inline uint32_t bpecore_equal_key(const void *keys, const void *key) {
    uint64_t each[6], wanted[2];
    uint32_t equal = 8;
    memcpy(each, keys, sizeof(each));
    memcpy(wanted, key, sizeof(wanted));
    for (int i = 0; i < 3; i++)
        equal |= (uint32_t)(((each[2 * i] ^ wanted[0]) | (each[2 * i + 1] ^ wanted[1])) == 0) << i;
    return (uint32_t)__builtin_ctz(equal);
}

static inline int bpecore_equal_pieces(const void *first, const void *its, const void *second,
                                       const void *other) {
    uint64_t a[2], b[2], c[2], d[2];
    memcpy(a, first, sizeof(a));
    memcpy(b, its, sizeof(b));
    memcpy(c, second, sizeof(c));
    memcpy(d, other, sizeof(d));
    return ((a[0] ^ b[0]) | (c[0] ^ d[0]) | ((a[1] ^ b[1]) | (c[1] ^ d[1])) << 1) == 0;
}
#endif

#if defined(__x86_64__)

#define BPECORE_TOP_BITS_16(v) ((uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)(v)))
#define BPECORE_TOP_BITS_32(v) ((uint64_t)(uint32_t)_mm256_movemask_epi8((__m256i)(v)))
#define BPECORE_TOP_BITS_64(v) ((uint64_t)_mm512_movepi8_mask((__m512i)(v)))

#define BPECORE_AVX2 __attribute__((target("avx2,bmi,popcnt")))
#define BPECORE_AVX512 __attribute__((target("avx512bw,avx512vl")))

BPECORE_MASK_FUNCTION(bpecore_masks_sse2, , 16, BPECORE_TOP_BITS_16)
BPECORE_MASK_FUNCTION(bpecore_masks_avx2, BPECORE_AVX2, 32, BPECORE_TOP_BITS_32)
BPECORE_MASK_FUNCTION(bpecore_masks_avx512, BPECORE_AVX512, 64, BPECORE_TOP_BITS_64)
BPECORE_PACK_FUNCTION(bpecore_pack_sse2, )
BPECORE_PACK_FUNCTION(bpecore_pack_avx2, BPECORE_AVX2)
BPECORE_PACK_FUNCTION(bpecore_pack_avx512, BPECORE_AVX512)
BPECORE_PLACE_FUNCTION(bpecore_places_sse2, )
BPECORE_PLACE_FUNCTION(bpecore_places_avx2, BPECORE_AVX2)
BPECORE_FIND_FUNCTION(bpecore_find_avx2, BPECORE_AVX2)
BPECORE_FIND_FUNCTION(bpecore_find_avx512, BPECORE_AVX512)

#include "kinds_vbmi2.h"

static bpecore_vectors bpecore_vectors_named(const char *name) {
    bpecore_vectors sse2 = {bpecore_find_plain, bpecore_masks_sse2, bpecore_pack_sse2,
                            bpecore_places_sse2, NULL};
    bpecore_vectors avx2 = {bpecore_find_avx2, bpecore_masks_avx2, bpecore_pack_avx2,
                            bpecore_places_avx2, NULL};
    bpecore_vectors avx512 = {bpecore_find_avx512, bpecore_masks_avx512, bpecore_pack_avx512,
                              bpecore_places_avx2, NULL};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi2")) {
        avx512.masks = bpecore_masks_vbmi2;
        avx512.places = bpecore_places_vbmi2;
        avx512.encode_block = bpecore_encode_block_vbmi2;
    }
    if (strcmp(name, "sse2") == 0)
        return sse2;
    if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2"))
        return avx2;
    if (strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return avx512;
    return strcmp(name, "off") == 0 ? bpecore_plain : bpecore_none;
}

#elif defined(__aarch64__)
#include <arm_neon.h>

static inline uint64_t bpecore_top_bits_neon(uint8x16_t v) {
    static const int8_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
    uint8x16_t bits = vshlq_u8(vshrq_n_u8(v, 7), vld1q_s8(places));
    return (uint64_t)vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}
#define BPECORE_TOP_BITS_NEON(v) bpecore_top_bits_neon((uint8x16_t)(v))

BPECORE_MASK_FUNCTION(bpecore_masks_neon, , 16, BPECORE_TOP_BITS_NEON)
BPECORE_PACK_FUNCTION(bpecore_pack_neon, )
BPECORE_PLACE_FUNCTION(bpecore_places_neon, )

static bpecore_vectors bpecore_vectors_named(const char *name) {
    bpecore_vectors neon = {bpecore_find_plain, bpecore_masks_neon, bpecore_pack_neon,
                            bpecore_places_neon, NULL};
    if (strcmp(name, "neon") == 0)
        return neon;
    return strcmp(name, "off") == 0 ? bpecore_plain : bpecore_none;
}

#else

static bpecore_vectors bpecore_vectors_named(const char *name) {
    return strcmp(name, "off") == 0 ? bpecore_plain : bpecore_none;
}

#endif

#endif
