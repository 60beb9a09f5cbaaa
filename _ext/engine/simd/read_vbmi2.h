/* A block of 64 characters from UTF-8 that stays where it is, by AVX-512 with VBMI2 and GFNI.
 *
 * Loses nowhere to decoding first; what is not valid, or above 0xFFFF, is left to the caller. */
#ifndef BPECORE_READ_VBMI2_H
#define BPECORE_READ_VBMI2_H

#include "blocks_vbmi2.h"
#include "utf8_vbmi2.h"

/* Characters by the low and the high byte of each and the number of its first byte. */
typedef struct {
    __m512i low, high, starts;
    uint64_t begins; /* a bit for each first byte */
} bpecore_halves;

/* Decodes the first `size` of 64 bytes, which end with a character. Returns how many characters
 * they are, or 0 if they are not valid or have one above 0xFFFF; surrogates are not looked for.
 *
 * Both halves are made where the last byte of a character is, from it and the two before it. */
BPECORE_VBMI2 static inline size_t bpecore_split_64(__m512i bytes, size_t size,
                                                    bpecore_halves *found) {
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers), c = _mm512_set1_epi8((char)0xC0);
    __mmask64 inner = _mm512_cmplt_epi8_mask(bytes, c);
    __mmask64 leads = _mm512_cmpge_epu8_mask(bytes, c);
    __mmask64 threes = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xE0));
    uint64_t used = ~0ull >> (64 - size), ends;
    __m512i before = _mm512_permutexvar_epi8(_mm512_sub_epi8(numbers, _mm512_set1_epi8(1)), bytes);
    __m512i first = _mm512_permutexvar_epi8(_mm512_sub_epi8(numbers, _mm512_set1_epi8(2)), bytes);
    __m512i low, high;
    __mmask64 thirds = threes << 2;
    if (_mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xF0)) |
        _mm512_mask_cmplt_epu8_mask(leads, bytes, _mm512_set1_epi8((char)0xC2)))
        return 0;
    if ((inner & used) != (((leads & used) << 1) | ((threes & used) << 2)))
        return 0;
    /* Bits 0 to 5 of the last byte, and the lowest two of the one before. */
    low = _mm512_ternarylogic_epi32(c, _mm512_slli_epi16(before, 6), bytes, 0xCA);
    low = _mm512_mask_mov_epi8(bytes, inner, low);
    /* Bits 2 to 5 of the byte before, and the lowest four of the first of three. */
    first = _mm512_maskz_mov_epi8(thirds, _mm512_slli_epi16(first, 4));
    high = _mm512_ternarylogic_epi32(_mm512_set1_epi8(0x0F), _mm512_srli_epi16(before, 2), first,
                                     0xCA);
    high = _mm512_maskz_mov_epi8(inner, high);
    if (_mm512_mask_cmplt_epu8_mask(thirds & used, high, _mm512_set1_epi8(0x08)))
        return 0;
    ends = ((~inner >> 1) & used) | 1ull << (size - 1);
    found->begins = ~inner & used;
    found->low = _mm512_maskz_compress_epi8(ends, low);
    found->high = _mm512_maskz_compress_epi8(ends, high);
    found->starts = _mm512_maskz_compress_epi8(found->begins, numbers);
    return (size_t)__builtin_popcountll(ends);
}

/* Returns `vector` with `more` from its element `count` on, which is below 64. */
BPECORE_VBMI2 static inline __m512i bpecore_joined(__m512i vector, __m512i more, size_t count) {
    __m512i places = _mm512_sub_epi8(_mm512_loadu_si512(bpecore_numbers),
                                     _mm512_set1_epi8((char)count));
    return _mm512_mask_permutexvar_epi8(vector, ~0ull << count, places, more);
}

/* Returns the borders, out of those that may be cut as far as fragments are concerned, that no
 * token bridges. */
BPECORE_VBMI2 static inline uint64_t bpecore_cuts(__m512i first, __m512i second,
                                                  __mmask64 cuttable, uint32_t previous,
                                                  const bpecore_character_tables *tables) {
    uint64_t cuts = 0;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m512i half = i < 2 ? first : second;
        __m512i characters = _mm512_cvtepu16_epi32(i & 1 ? _mm512_extracti64x4_epi64(half, 1)
                                                         : _mm512_castsi512_si256(half));
        uint32_t borders = (uint32_t)(cuttable >> 16 * i) & 0xFFFF;
        if (borders)
            cuts |= (uint64_t)(borders & ~bpecore_bridged_16(characters, previous, tables))
                    << 16 * i;
        previous = (uint32_t)_mm_extract_epi32(_mm512_extracti32x4_epi32(characters, 3), 3);
    }
    return cuts;
}

/* Reads up to 64 characters from UTF-8 of unknown validity. Returns their bytes; 0, with nothing
 * usable, if they are not valid or one is above 0xFFFF. Precondition: `block->bytes` is NULL. */
BPECORE_VBMI2 static size_t bpecore_read_block_vbmi2(const uint8_t *text, size_t left,
                                                     uint32_t previous,
                                                     const bpecore_character_tables *tables,
                                                     bpecore_block *block) {
    uint8_t lows[64], highs[64];
    size_t count = 0, place = 0, other;
    __m512i first, second;
    bpecore_halves all = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), 0};
    __mmask64 not_ascii;
    if (left >= 64) {
        first = _mm512_loadu_si512(text);
        if (!_mm512_movepi8_mask(first)) {
            bpecore_store_ascii(first, tables, block);
            block->characters = 64;
            block->last = text[63];
            return 64;
        }
    }
    do {
        size_t rest = left - place, size = rest, added;
        bpecore_halves more;
        __m512i bytes;
        if (rest >= 64) {
            bytes = _mm512_loadu_si512(text + place);
            size = bpecore_whole_size(text + place);
        } else {
            bytes = _mm512_maskz_loadu_epi8(~0ull >> (64 - rest), text + place);
        }
        added = bpecore_split_64(bytes, size, &more);
        if (added == 0)
            return 0;
        all.low = bpecore_joined(all.low, more.low, count);
        all.high = bpecore_joined(all.high, more.high, count);
        all.starts = bpecore_joined(
            all.starts, _mm512_add_epi8(more.starts, _mm512_set1_epi8((char)place)), count);
        /* The place of the 65th character, or that after all. */
        if (count + added > 64)
            size = (size_t)_tzcnt_u64(_pdep_u64(1ull << (64 - count), more.begins));
        count += added;
        place += size;
    } while (count < 64 && place < left);
    if (count > 64)
        count = 64;
    if (bpecore_any_surrogate(all.high))
        return 0;
    _mm512_storeu_si512(lows, all.low);
    _mm512_storeu_si512(highs, all.high);
    not_ascii = _mm512_movepi8_mask(all.low) | _mm512_test_epi8_mask(all.high, all.high);
    first = _mm512_or_si512(
        _mm512_cvtepu8_epi16(_mm512_castsi512_si256(all.low)),
        _mm512_slli_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(all.high)), 8));
    second = _mm512_or_si512(
        _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(all.low, 1)),
        _mm512_slli_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(all.high, 1)), 8));
    other = (size_t)_tzcnt_u64(not_ascii | 1ull << 63);
    block->cuts = bpecore_kinds_and_borders(first, second, all.low, all.high, not_ascii,
                                            lows[other] | (uint32_t)highs[other] << 8, previous,
                                            tables, block->masks);
    if (block->cuts)
        block->cuts = bpecore_cuts(first, second, block->cuts, previous, tables);
    _mm512_storeu_si512(block->places, all.starts);
    block->byte_count = (uint32_t)place;
    block->characters = (uint32_t)count;
    block->last = lows[count - 1] | (uint32_t)highs[count - 1] << 8;
    return place;
}

#endif
