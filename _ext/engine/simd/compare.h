/* Comparisons of the words and keys of a hash bucket, all at once and without a branch. */
#ifndef BPECORE_COMPARE_H
#define BPECORE_COMPARE_H

#include <string.h>

#include "cpu.h"

#if defined(__x86_64__)
/* Returns a bit for each of eight words that equals `word`. */
static inline uint32_t bpecore_equal_words(const uint32_t *words, uint32_t word) {
    __m128i wanted = _mm_set1_epi32((int)word);
    __m128i low = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)words), wanted);
    __m128i high = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)words + 1), wanted);
    __m128i both = _mm_packs_epi32(low, high);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(both, both)) & 0xFF;
}

/* Returns which of three 16-byte keys equals `key`, 0 to 2, or 3 if none does. */
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

/* Returns whether two 16-byte keys equal two others, ignoring the highest bit of each. */
static inline int bpecore_equal_pieces(const void *first, const void *its, const void *second,
                                       const void *other) {
    __m128i different = _mm_or_si128(
        _mm_xor_si128(_mm_loadu_si128(first), _mm_loadu_si128(its)),
        _mm_xor_si128(_mm_loadu_si128(second), _mm_loadu_si128(other)));
    different = _mm_and_si128(different, _mm_set_epi32(0x7FFFFFFF, -1, -1, -1));
    return _mm_movemask_epi8(_mm_cmpeq_epi32(different, _mm_setzero_si128())) == 0xFFFF;
}

/* Returns the lesser of each two words. */
static inline __m128i bpecore_lesser(__m128i a, __m128i b) {
    __m128i first = _mm_cmplt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(first, a), _mm_andnot_si128(first, b));
}

/* Returns the least of some words, 16 or a multiple. */
static inline int32_t bpecore_least_word(const int32_t *words, size_t count) {
    const __m128i *four = (const __m128i *)words;
    __m128i least = _mm_loadu_si128(four);
    for (size_t i = 0; i < count / 4; i += 4) {
        __m128i a = bpecore_lesser(_mm_loadu_si128(four + i), _mm_loadu_si128(four + i + 1));
        __m128i b = bpecore_lesser(_mm_loadu_si128(four + i + 2), _mm_loadu_si128(four + i + 3));
        least = bpecore_lesser(least, bpecore_lesser(a, b));
    }
    least = bpecore_lesser(least, _mm_shuffle_epi32(least, _MM_SHUFFLE(1, 0, 3, 2)));
    least = bpecore_lesser(least, _mm_shuffle_epi32(least, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(least);
}
#else
/* The same in plain C, which the compiler vectorises. */
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

static inline int32_t bpecore_least_word(const int32_t *words, size_t count) {
    int32_t least = words[0];
    for (size_t i = 0; i < count; i++)
        least = words[i] < least ? words[i] : least;
    return least;
}
#endif

#endif
