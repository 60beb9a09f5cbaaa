/* A block of 64 characters from UTF-8 that stays where it is, by AVX-512 with VBMI2 and GFNI.
 *
 * Loses nowhere to decoding first; what is not valid, or above 0xFFFF, is left to the caller. */
#ifndef BPECORE_READ_VBMI2_H
#define BPECORE_READ_VBMI2_H

#include "blocks_vbmi2.h"
#include "utf8_vbmi2.h"

/* 64 bytes of UTF-8, with bits for those that go on with a character, begin one of two or three
 * bytes, or begin one of three. */
typedef struct {
    __m512i bytes;
    uint64_t inner, leads, threes;
} bpecore_utf8;

/* Loads 64 bytes, of which those from `left` on are zeros. */
BPECORE_VBMI2 static inline bpecore_utf8 bpecore_load_utf8(const uint8_t *text, size_t left) {
    bpecore_utf8 found;
    found.bytes = left >= 64 ? _mm512_loadu_si512(text)
                             : _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, (uint32_t)left), text);
    found.inner = _mm512_cmplt_epi8_mask(found.bytes, _mm512_set1_epi8((char)0xC0));
    found.leads = _mm512_cmpge_epu8_mask(found.bytes, _mm512_set1_epi8((char)0xC0));
    found.threes = _mm512_cmpge_epu8_mask(found.bytes, _mm512_set1_epi8((char)0xE0));
    return found;
}

/* The 64 characters at the front of some UTF-8, by the low and the high byte of each and the number
 * of its first byte. */
typedef struct {
    __m512i low, high, starts;
    size_t ends, begins; /* how many characters end, and begin, in the vectors so far */
    int invalid;
} bpecore_halves;

/* Returns `vector` with `more` from its element `count` on. */
BPECORE_VBMI2 static inline __m512i bpecore_joined(__m512i vector, __m512i more, size_t count) {
    __m512i places = _mm512_sub_epi8(_mm512_loadu_si512(bpecore_numbers),
                                     _mm512_set1_epi8((char)count));
    return _mm512_mask_permutexvar_epi8(vector, ~_bzhi_u64(~0ull, (uint32_t)count), places, more);
}

/* Adds the characters that end in `here`, or of which those that begin there, as far as bytes are
 * `used`. Both halves are made where the last byte of a character is, from it and the two before
 * it. `start` is the number of the first byte.
 *
 * `last` is the vector before; `next_begins` says whether a character begins after this one. */
BPECORE_VBMI2 static inline void bpecore_add_utf8(const bpecore_utf8 *last,
                                                  const bpecore_utf8 *here, uint64_t next_begins,
                                                  uint64_t used, size_t start,
                                                  bpecore_halves *all) {
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers), c = _mm512_set1_epi8((char)0xC0);
    __m512i before = _mm512_permutex2var_epi8(
        last->bytes, _mm512_add_epi8(numbers, _mm512_set1_epi8(63)), here->bytes);
    __m512i first = _mm512_permutex2var_epi8(
        last->bytes, _mm512_add_epi8(numbers, _mm512_set1_epi8(62)), here->bytes);
    __mmask64 inner = here->inner;
    __mmask64 thirds = (here->threes & used) << 2 | last->threes >> 62;
    uint64_t begins = ~here->inner & used;
    uint64_t ends = (~here->inner >> 1 | next_begins << 63) & used;
    /* Bits 0 to 5 of the last byte, and the lowest two of the one before. */
    __m512i low = _mm512_mask_mov_epi8(
        here->bytes, inner,
        _mm512_ternarylogic_epi32(c, _mm512_slli_epi16(before, 6), here->bytes, 0xCA));
    /* Bits 2 to 5 of the byte before, and the lowest four of the first of three. */
    __m512i high = _mm512_maskz_mov_epi8(
        inner, _mm512_ternarylogic_epi32(_mm512_set1_epi8(0x0F), _mm512_srli_epi16(before, 2),
                                         _mm512_maskz_mov_epi8(thirds, _mm512_slli_epi16(first, 4)),
                                         0xCA));
    uint64_t wrong = (here->inner & used) ^
                     ((here->leads & used) << 1 | last->leads >> 63 | thirds);
    wrong |= used & _mm512_cmpge_epu8_mask(here->bytes, _mm512_set1_epi8((char)0xF0));
    /* A character that this vector leaves unfinished. */
    wrong |= next_begins & ((here->leads & used) >> 63 | (here->threes & used) >> 62) & 1;
    all->invalid |= wrong != 0;
    all->low = bpecore_joined(all->low, _mm512_maskz_compress_epi8(ends, low), all->ends);
    all->high = bpecore_joined(all->high, _mm512_maskz_compress_epi8(ends, high), all->ends);
    all->starts = bpecore_joined(
        all->starts,
        _mm512_maskz_compress_epi8(begins,
                                   _mm512_add_epi8(numbers, _mm512_set1_epi8((char)start))),
        all->begins);
    all->ends += (size_t)__builtin_popcountll(ends);
    all->begins += (size_t)__builtin_popcountll(begins);
}

/* Returns the place of the bit of `bits` that has `count` bits below it; 64 if there is none. */
BPECORE_VBMI2 static inline size_t bpecore_nth_bit(uint64_t bits, size_t count) {
    return (size_t)_tzcnt_u64(_pdep_u64(1ull << (count & 63), bits));
}

/* Reads up to 64 characters, which end within 192 bytes; returns their bytes.
 *
 * Whether two vectors are enough is easier to predict than the size of each character: of most
 * scripts, all blocks need as many. */
BPECORE_VBMI2 static inline size_t bpecore_read_halves(const uint8_t *text, size_t left,
                                                       bpecore_halves *all) {
    bpecore_utf8 none = {_mm512_setzero_si512(), 0, 0, 0};
    bpecore_utf8 a = bpecore_load_utf8(text, left);
    bpecore_utf8 b = bpecore_load_utf8(text + 64, left > 64 ? left - 64 : 0);
    size_t in_a = (size_t)__builtin_popcountll(~a.inner);
    size_t in_b = (size_t)__builtin_popcountll(~b.inner);
    bpecore_halves read = {none.bytes, none.bytes, none.bytes, 0, 0, 0};
    size_t size;
    if (in_a + in_b > 64 || left <= 128) {
        size = 64 + bpecore_nth_bit(~b.inner, 64 - in_a);
        if (size > left)
            size = left;
        bpecore_add_utf8(&none, &a, ~b.inner, _bzhi_u64(~0ull, (uint32_t)size), 0, &read);
        bpecore_add_utf8(&a, &b, 1, size > 64 ? _bzhi_u64(~0ull, (uint32_t)size - 64) : 0, 64,
                         &read);
    } else {
        bpecore_utf8 c = bpecore_load_utf8(text + 128, left - 128);
        size = 128 + bpecore_nth_bit(~c.inner, 64 - in_a - in_b);
        if (size > left)
            size = left;
        bpecore_add_utf8(&none, &a, ~b.inner, ~0ull, 0, &read);
        bpecore_add_utf8(&a, &b, ~c.inner, ~0ull, 64, &read);
        bpecore_add_utf8(&b, &c, 1, _bzhi_u64(~0ull, (uint32_t)size - 128), 128, &read);
        /* Fewer, with bytes left, are longer than three bytes each. */
        read.invalid |= read.ends < 64 && size < left;
    }
    *all = read;
    return size;
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
        cuts |= (uint64_t)(borders & ~bpecore_bridged_16(characters, previous, tables)) << 16 * i;
        previous = (uint32_t)_mm_extract_epi32(_mm512_extracti32x4_epi32(characters, 3), 3);
    }
    return cuts;
}

/* Returns the character of two or three bytes at a place, if it is valid. Its page is looked up while
 * the vectors are still computed. */
static inline uint32_t bpecore_character_of(const uint8_t *text) {
    uint32_t two = (text[0] & 0x1Fu) << 6 | (text[1] & 0x3Fu);
    uint32_t three = (text[0] & 0x0Fu) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu);
    return text[0] < 0xE0 ? two : three;
}

/* Reads up to 64 characters from UTF-8 of unknown validity. Returns their bytes; 0, with nothing
 * usable, if they are not valid or one is above 0xFFFF. Precondition: `block->bytes` is NULL. */
BPECORE_VBMI2 static size_t bpecore_read_block_vbmi2(const uint8_t *text, size_t left,
                                                     uint32_t previous,
                                                     const bpecore_character_tables *tables,
                                                     bpecore_block *block) {
    uint8_t lows[64], highs[64];
    size_t count, size, place;
    uint32_t other = 0;
    __m512i first, second;
    bpecore_halves all;
    __mmask64 not_ascii;
    if (left >= 64) {
        first = _mm512_loadu_si512(text);
        not_ascii = _mm512_movepi8_mask(first);
        if (!not_ascii) {
            bpecore_store_ascii(first, tables, block);
            block->characters = 64;
            block->last = text[63];
            return 64;
        }
        if (left >= 66)
            other = bpecore_character_of(text + _tzcnt_u64(not_ascii));
    }
    size = bpecore_read_halves(text, left, &all);
    count = all.ends;
    not_ascii = _mm512_movepi8_mask(all.low) | _mm512_test_epi8_mask(all.high, all.high);
    /* Of more bytes than its characters need are those that are overlong. */
    if (all.invalid || bpecore_any_surrogate(all.high) ||
        size != count + (size_t)__builtin_popcountll(not_ascii) +
                    (size_t)__builtin_popcountll(
                        _mm512_cmpge_epu8_mask(all.high, _mm512_set1_epi8(0x08))))
        return 0;
    _mm512_storeu_si512(lows, all.low);
    _mm512_storeu_si512(highs, all.high);
    first = _mm512_or_si512(
        _mm512_cvtepu8_epi16(_mm512_castsi512_si256(all.low)),
        _mm512_slli_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(all.high)), 8));
    second = _mm512_or_si512(
        _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(all.low, 1)),
        _mm512_slli_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(all.high, 1)), 8));
    if (left < 66) {
        place = (size_t)_tzcnt_u64(not_ascii | 1ull << 63);
        other = lows[place] | (uint32_t)highs[place] << 8;
    }
    block->cuts = bpecore_kinds_and_borders(first, second, all.low, all.high, not_ascii, other,
                                            previous, tables, block->masks);
    if (block->cuts)
        block->cuts = bpecore_cuts(first, second, block->cuts, previous, tables);
    _mm512_storeu_si512(block->places, all.starts);
    block->byte_count = (uint32_t)size;
    block->characters = (uint32_t)count;
    block->last = lows[count - 1] | (uint32_t)highs[count - 1] << 8;
    return size;
}

#endif
