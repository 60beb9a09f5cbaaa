/* Two steps of build/parts.pxd for eight tokens at a time, by AVX2: rating cuts, and walking back.
 *
 * build/parts.pxd has both for one token, with the same results. A step reads from anywhere in
 * memory, so vectors gather: the eight reads wait together, and each instruction around them serves
 * eight tokens. */
#ifndef BPECORE_PARTS_AVX2_H
#define BPECORE_PARTS_AVX2_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

enum {
    BPECORE_GATHERED = 8,         /* tokens per vector */
    BPECORE_GATHERED_LENGTH = 32, /* bytes of the longest tokens that are rated here */
    BPECORE_NEIGHBOURS = 544      /* pairs of neighbours: two groups of tokens, and slack */
};

/* The highest bit of a part says that it is a single byte. */
#define BPECORE_BYTE_PART 0x80000000u

/* A filter that maps a hash to the earliness of the earliest token or pair with that hash. */
typedef struct {
    uint8_t *earliness; /* three bytes after its end are readable */
    uint32_t shift;     /* 32 minus the binary logarithm of its size */
} bpecore_rank_filter;

/* Tokens of one length whose cuts are rated. */
typedef struct {
    const uint8_t *token_bytes; /* three bytes after each token are readable */
    const uint32_t *starts;     /* of the tokens' bytes */
    const uint32_t *indices;    /* of the tokens */
    uint32_t length;            /* in bytes */
    const uint32_t *powers;     /* of the hash's factor, from the 0th on */
    size_t stride;              /* from the ratings of one cut to those of the next */
} bpecore_rated_tokens;

/* Pairs of neighbours at the borders of tokens; the same index in each array describes one pair. */
typedef struct {
    uint32_t count;
    uint32_t places[BPECORE_NEIGHBOURS]; /* of the tokens in their group */
    uint32_t left[BPECORE_NEIGHBOURS];   /* a part, with BPECORE_BYTE_PART if it is a byte */
    uint32_t right[BPECORE_NEIGHBOURS];
    uint32_t limits[BPECORE_NEIGHBOURS]; /* merging into a token below this would have come first */
} bpecore_neighbours;

#if defined(__x86_64__)

/* For each set of eight lanes, their numbers in ascending order. */
#define BPECORE_LANES_OF(m)                                                                        \
    (BPECORE_LANE(m, 0) | BPECORE_LANE(m, 1) | BPECORE_LANE(m, 2) | BPECORE_LANE(m, 3)             \
     | BPECORE_LANE(m, 4) | BPECORE_LANE(m, 5) | BPECORE_LANE(m, 6) | BPECORE_LANE(m, 7))
#define BPECORE_LANE(m, i)                                                                         \
    (((m) >> (i)&1) ? (uint64_t)(i) << 8 * __builtin_popcount((m) & ((1 << (i)) - 1)) : 0)
#define BPECORE_LANES_4(m)                                                                         \
    BPECORE_LANES_OF(m), BPECORE_LANES_OF((m) + 1), BPECORE_LANES_OF((m) + 2),                     \
        BPECORE_LANES_OF((m) + 3)
#define BPECORE_LANES_16(m)                                                                        \
    BPECORE_LANES_4(m), BPECORE_LANES_4((m) + 4), BPECORE_LANES_4((m) + 8),                        \
        BPECORE_LANES_4((m) + 12)
#define BPECORE_LANES_64(m)                                                                        \
    BPECORE_LANES_16(m), BPECORE_LANES_16((m) + 16), BPECORE_LANES_16((m) + 32),                   \
        BPECORE_LANES_16((m) + 48)
static const uint64_t bpecore_lanes[256] = {BPECORE_LANES_64(0), BPECORE_LANES_64(64),
                                            BPECORE_LANES_64(128), BPECORE_LANES_64(192)};

/* Returns the earliness of eight hashes in the lowest byte of each lane; the rest is undefined. */
BPECORE_AVX2 static inline __m256i bpecore_gather_earliness(const bpecore_rank_filter *filter,
                                                               __m256i hashes) {
    __m256i places = _mm256_srl_epi32(hashes, _mm_cvtsi32_si128((int)filter->shift));
    return _mm256_i32gather_epi32((const int *)filter->earliness, places, 1);
}

/* Rates the cuts of the eight tokens from `place` on, as `rate_cuts` does.
 *
 * ratings: receive, for each cut and token, its rating << 8 | the cut.
 * best, whole: receive the highest of them, and the hash, for each token. */
BPECORE_AVX2 static void bpecore_rate_cuts(const bpecore_rank_filter *filter,
                                           const bpecore_rated_tokens *tokens, uint32_t place,
                                           uint32_t *ratings, uint32_t *best, uint32_t *whole) {
    uint32_t length = tokens->length;
    __m256i hashes[BPECORE_GATHERED_LENGTH], hash = _mm256_setzero_si256();
    __m256i text = hash, highest = hash;
    __m256i byte_mask = _mm256_set1_epi32(0xFF), one = _mm256_set1_epi32(1);
    __m256i factors = _mm256_set1_epi32((int)tokens->powers[1]);
    __m256i indices = _mm256_loadu_si256((const __m256i *)(tokens->indices + place));
    __m256i from = _mm256_i32gather_epi32((const int *)tokens->starts, indices, 4);
    ratings += place;
    for (uint32_t cut = 0; cut < length; cut++) {
        text = cut & 3 ? _mm256_srli_epi32(text, 8)
                       : _mm256_i32gather_epi32((const int *)(tokens->token_bytes + cut), from, 1);
        hashes[cut] = hash;
        hash = _mm256_add_epi32(hash, _mm256_add_epi32(_mm256_and_si256(text, byte_mask), one));
        hash = _mm256_mullo_epi32(hash, factors);
    }
    for (uint32_t cut = 1; cut < length; cut++) {
        __m256i power = _mm256_set1_epi32((int)tokens->powers[length - cut]);
        __m256i before = _mm256_mullo_epi32(hashes[cut], power);
        __m256i left = bpecore_gather_earliness(filter, hashes[cut]);
        __m256i right = bpecore_gather_earliness(filter, _mm256_sub_epi32(hash, before));
        __m256i later = _mm256_and_si256(_mm256_min_epu8(left, right), byte_mask);
        __m256i rated = _mm256_or_si256(_mm256_slli_epi32(later, 8), _mm256_set1_epi32((int)cut));
        _mm256_storeu_si256((__m256i *)(ratings + cut * tokens->stride), rated);
        highest = _mm256_max_epi32(highest, rated);
    }
    _mm256_storeu_si256((__m256i *)(best + place), highest);
    _mm256_storeu_si256((__m256i *)(whole + place), hash);
}

/* Writes the pairs of neighbours of the given lanes from index `number` on, and junk up to the
 * eighth. */
BPECORE_AVX2 static inline void bpecore_add_neighbours(bpecore_neighbours *neighbours,
                                                       uint32_t number, __m256i place, __m256i left,
                                                       __m256i right, __m256i limit,
                                                       uint32_t lanes) {
    __m128i bytes = _mm_cvtsi64_si128((long long)bpecore_lanes[lanes]);
    __m256i order = _mm256_cvtepu8_epi32(bytes);
    _mm256_storeu_si256((__m256i *)(neighbours->places + number),
                        _mm256_permutevar8x32_epi32(place, order));
    _mm256_storeu_si256((__m256i *)(neighbours->left + number),
                        _mm256_permutevar8x32_epi32(left, order));
    _mm256_storeu_si256((__m256i *)(neighbours->right + number),
                        _mm256_permutevar8x32_epi32(right, order));
    _mm256_storeu_si256((__m256i *)(neighbours->limits + number),
                        _mm256_permutevar8x32_epi32(limit, order));
}

/* Undoes one merge of each walk, as `step_back` does.
 *
 * pair_factors: hash factors of the left and the right token of a pair.
 * scale: 2^32 times what one index adds to the earliness.
 * walks: none is at a pair of bytes; the vector of the last one is filled up with tokens.
 * suspects: receives the pairs that may merge below their limit; has room for all walks and one
 *     vector more. */
BPECORE_AVX2 static void
bpecore_step_back(const bpecore_rank_filter *filter, const uint32_t *pair_factors, uint32_t scale,
                  const uint32_t *lefts, const uint32_t *rights, bpecore_neighbours *walks,
                  bpecore_neighbours *suspects) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i left_factor = _mm256_set1_epi32((int)pair_factors[0]);
    const __m256i right_factor = _mm256_set1_epi32((int)pair_factors[1]);
    const __m256i indices = _mm256_set1_epi32(~BPECORE_BYTE_PART);
    const __m256i scales = _mm256_set1_epi64x(scale), last = _mm256_set1_epi32(255);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walks->count; i += BPECORE_GATHERED) {
        __m256i left = _mm256_loadu_si256((const __m256i *)(walks->left + i));
        __m256i right = _mm256_loadu_si256((const __m256i *)(walks->right + i));
        __m256i place = _mm256_loadu_si256((const __m256i *)(walks->places + i));
        __m256i before =
            _mm256_i32gather_epi32((const int *)rights, _mm256_and_si256(left, indices), 4);
        __m256i after =
            _mm256_i32gather_epi32((const int *)lefts, _mm256_and_si256(right, indices), 4);
        __m256i left_byte = _mm256_srai_epi32(left, 31);
        __m256i right_byte = _mm256_srai_epi32(right, 31);
        __m256i undo_left = _mm256_andnot_si256(
            left_byte, _mm256_or_si256(_mm256_cmpgt_epi32(left, right), right_byte));
        __m256i undone = _mm256_blendv_epi8(right, left, undo_left);
        __m256i next_left = _mm256_blendv_epi8(left, before, undo_left);
        __m256i next_right = _mm256_blendv_epi8(after, right, undo_left);
        __m256i hashes = _mm256_add_epi32(_mm256_mullo_epi32(next_left, left_factor),
                                          _mm256_mullo_epi32(next_right, right_factor));
        __m256i is_end = _mm256_srai_epi32(_mm256_and_si256(next_left, next_right), 31);
        __m256i earliness = _mm256_and_si256(bpecore_gather_earliness(filter, hashes), last);
        __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(undone, scales), 32);
        __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(undone, 32), scales);
        __m256i lateness = _mm256_blend_epi32(even, odd, 0xAA);
        __m256i is_suspect = _mm256_cmpgt_epi32(_mm256_add_epi32(earliness, lateness),
                                                _mm256_set1_epi32(254));
        __m256i is_walk = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(walks->count - i)), lanes);
        __m256i goes_on = _mm256_andnot_si256(is_end, is_walk);
        __m256i limit = _mm256_add_epi32(_mm256_add_epi32(undone, undo_left), _mm256_set1_epi32(1));
        uint32_t keep = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(goes_on));
        uint32_t suspect = (uint32_t)_mm256_movemask_ps(
            _mm256_castsi256_ps(_mm256_and_si256(is_suspect, is_walk)));
        bpecore_add_neighbours(walks, kept, place, next_left, next_right, limit, keep);
        kept += (uint32_t)__builtin_popcount(keep);
        bpecore_add_neighbours(suspects, suspects->count, place, next_left, next_right, limit,
                               suspect);
        suspects->count += (uint32_t)__builtin_popcount(suspect);
    }
    walks->count = kept;
}

#else

/* Never called, because no machine of this kind chooses AVX2. */
#define bpecore_rate_cuts(filter, tokens, place, ratings, best, whole) ((void)(tokens))
#define bpecore_step_back(filter, factors, scale, lefts, rights, walks, suspects) ((void)(walks))
#endif

#endif
