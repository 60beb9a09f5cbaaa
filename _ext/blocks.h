/* The one place with intrinsics: 64 kinds of characters at a time become eight words of bits.
 *
 * Written once over the compiler's vectors and compiled for each instruction set; which one runs is
 * chosen when the module is imported. Without vectors a table of multiplications does it. */
#ifndef BPECORE_BLOCKS_H
#define BPECORE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The kind of a character is one byte of bits; kinds.py says the same in Python. */
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
    KIND_SLASH = 192      /* apostrophe and mark at once, and no letter */
};

typedef void (*bpecore_mask_function)(const uint8_t *source, size_t blocks, int is_ascii,
                                      uint64_t *masks);
typedef int (*bpecore_pack_function)(const void *source, int width, uint8_t *out);
typedef size_t (*bpecore_place_function)(const uint64_t *words, size_t blocks,
                                         const uint32_t *block_starts, uint32_t *out);

/* What the chosen instruction set does; all NULL without one. */
typedef struct {
    bpecore_mask_function masks;
    bpecore_pack_function pack_ascii;
    bpecore_place_function places;
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

/* Writes the places of the words' bits, each with its block's start added; returns how many there
 * are. Eight at a time, without asking how many are left, so up to 8 too many are written. */
#define BPECORE_PLACE_FUNCTION(NAME, TARGET)                                                       \
    TARGET static size_t NAME(const uint64_t *words, size_t blocks, const uint32_t *block_starts,  \
                              uint32_t *out) {                                                     \
        uint32_t *first = out;                                                                     \
        for (size_t block = 0; block < blocks; block++) {                                          \
            uint64_t word = words[block];                                                          \
            uint32_t start = block_starts[block];                                                  \
            uint32_t *end = out + __builtin_popcountll(word);                                      \
            for (; out < end; out += 8)                                                            \
                for (int i = 0; i < 8; i++) {                                                      \
                    /* The highest bit: C does not say how many zeros 0 has. */                    \
                    out[i] = start + (uint32_t)__builtin_ctzll(word | 1ull << 63);                 \
                    word &= word - 1;                                                              \
                }                                                                                  \
            out = end;                                                                             \
        }                                                                                          \
        return (size_t)(out - first);                                                              \
    }

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

/* As above, by compressing the numbers 0 to 63; 16 at a time. */
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,popcnt"))) static size_t
bpecore_places_vbmi2(const uint64_t *words, size_t blocks, const uint32_t *block_starts,
                     uint32_t *out) {
    static const uint8_t numbers[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i all = _mm512_loadu_si512(numbers);
    uint32_t *first = out;
    for (size_t block = 0; block < blocks; block++) {
        __m512i places = _mm512_maskz_compress_epi8(words[block], all);
        __m512i start = _mm512_set1_epi32((int)block_starts[block]);
        uint32_t *end = out + __builtin_popcountll(words[block]);
        for (; out < end; out += 16) {
            _mm512_storeu_si512(
                out, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places))));
            places = _mm512_alignr_epi32(_mm512_setzero_si512(), places, 4);
        }
        out = end;
    }
    return (size_t)(out - first);
}

static bpecore_vectors bpecore_vectors_named(const char *name) {
    bpecore_vectors none = {NULL, NULL, NULL};
    bpecore_vectors sse2 = {bpecore_masks_sse2, bpecore_pack_sse2, bpecore_places_sse2};
    bpecore_vectors avx2 = {bpecore_masks_avx2, bpecore_pack_avx2, bpecore_places_avx2};
    bpecore_vectors avx512 = {bpecore_masks_avx512, bpecore_pack_avx512, bpecore_places_avx2};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vbmi2"))
        avx512.places = bpecore_places_vbmi2;
    if (strcmp(name, "sse2") == 0)
        return sse2;
    if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2"))
        return avx2;
    if (strcmp(name, "avx512") == 0 && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return avx512;
    return none;
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
    bpecore_vectors none = {NULL, NULL, NULL};
    bpecore_vectors neon = {bpecore_masks_neon, bpecore_pack_neon, bpecore_places_neon};
    return strcmp(name, "neon") == 0 ? neon : none;
}

#else

static bpecore_vectors bpecore_vectors_named(const char *name) {
    bpecore_vectors none = {NULL, NULL, NULL};
    (void)name;
    return none;
}

#endif

#endif
