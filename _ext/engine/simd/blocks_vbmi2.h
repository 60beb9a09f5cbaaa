/* A block of 64 characters by AVX-512 with VBMI2 and GFNI: kinds, words of bits, UTF-8, cuts.
 *
 * Bytes are looked up 64 at a time in tables of up to 256; only the filter of borders, which is
 * larger, is gathered from memory. Loses to plain loops nowhere; a block with a surrogate or a
 * character above 0xFFFF is left to them. */
#ifndef BPECORE_BLOCKS_VBMI2_H
#define BPECORE_BLOCKS_VBMI2_H

#include "blocks.h"
#include "borders.h"
#include "cpu.h"

/* Turns the kinds of a block into words of bits by transposing 8x8 matrices of bits.
 *
 * The affine instruction multiplies a matrix of 8 rows by a byte. Given the unit vectors as bytes,
 * it transposes the matrix, whose last byte is the first row. So the order of each 8 bytes is
 * reversed first, and the bytes of each word are brought together last. */
BPECORE_VBMI2 static inline void bpecore_store_masks(__m512i kinds, uint64_t *masks) {
    static const uint8_t columns[64] = {
        0, 8,  16, 24, 32, 40, 48, 56, 1, 9,  17, 25, 33, 41, 49, 57, 2, 10, 18, 26, 34, 42,
        50, 58, 3,  11, 19, 27, 35, 43, 51, 59, 4,  12, 20, 28, 36, 44, 52, 60, 5,  13, 21, 29,
        37, 45, 53, 61, 6,  14, 22, 30, 38, 46, 54, 62, 7,  15, 23, 31, 39, 47, 55, 63};
    __m512i units = _mm512_set1_epi64((long long)0x8040201008040201ull);
    __m512i reversed = _mm512_xor_si512(_mm512_loadu_si512(bpecore_numbers), _mm512_set1_epi8(7));
    kinds = _mm512_permutexvar_epi8(reversed, kinds);
    kinds = _mm512_gf2p8affine_epi64_epi8(units, kinds, 0);
    _mm512_storeu_si512(masks, _mm512_permutexvar_epi8(_mm512_loadu_si512(columns), kinds));
}

BPECORE_VBMI2 static void bpecore_masks_vbmi2(const uint8_t *source, size_t blocks, int from,
                                              uint64_t *masks) {
    __m512i low = _mm512_loadu_si512(bpecore_ascii_kind[from]);
    __m512i high = _mm512_loadu_si512(bpecore_ascii_kind[from] + 64);
    for (size_t block = 0; block < blocks; block++) {
        __m512i kinds = _mm512_loadu_si512(source + 64 * block);
        if (from != FROM_KINDS)
            kinds = _mm512_permutex2var_epi8(low, kinds, high);
        bpecore_store_masks(kinds, masks + 8 * block);
    }
}

/* Looks up the page of the first character in `mixed`, puts the kinds of all its characters into
 * `found`, and removes them from `mixed`. If `mixed` is empty, nothing changes.
 *
 * `high_bytes` are the bytes of `high`, and one more. */
BPECORE_VBMI2 static inline __m512i bpecore_kinds_of_page(__m512i found, __m512i low, __m512i high,
                                                          __mmask64 odd_pages,
                                                          const uint8_t *high_bytes,
                                                          const bpecore_character_tables *tables,
                                                          __mmask64 *mixed) {
    uint32_t place = (uint32_t)_tzcnt_u64(*mixed);
    uint32_t odd = (uint32_t)(odd_pages >> (place & 63) & 1);
    const uint8_t *kinds = tables->kinds + 128 * (2u * high_bytes[place] + odd);
    __mmask64 same = _mm512_mask_cmpeq_epi8_mask(*mixed & (odd_pages ^ ((uint64_t)odd - 1)), high,
                                                 _mm512_set1_epi8((char)high_bytes[place]));
    *mixed &= ~same;
    return _mm512_mask_mov_epi8(found, same,
                                _mm512_permutex2var_epi8(_mm512_loadu_si512(kinds), low,
                                                         _mm512_loadu_si512(kinds + 64)));
}

/* Returns the kinds of 64 characters below 0x10000, given as their low and high bytes; `other` is
 * the first one that is `not_ascii`.
 *
 * Often all that are not ASCII lie in one page of 128 characters: one alphabet, or quotes and
 * dashes. Otherwise most pages are of one kind, and each of the others costs a look-up. */
BPECORE_VBMI2 static inline __m512i bpecore_kinds_of(__m512i low, __m512i high,
                                                     __mmask64 not_ascii, uint32_t other,
                                                     const bpecore_character_tables *tables) {
    __mmask64 odd_pages = _mm512_movepi8_mask(low);
    __mmask64 upper_half = _mm512_movepi8_mask(high);
    __mmask64 odd_quarters = _mm512_test_epi8_mask(high, _mm512_set1_epi8(0x40));
    /* The page within its quarter of the code points; the look-up ignores bits above the 7th. */
    __m512i pages = _mm512_mask_sub_epi8(_mm512_add_epi8(high, high), odd_pages,
                                         _mm512_add_epi8(high, high), _mm512_set1_epi8(-1));
    __m512i kinds[4], found;
    __mmask64 same_page = _mm512_cmpeq_epi8_mask(high, _mm512_set1_epi8((char)(other >> 8))) &
                          (other & 0x80 ? odd_pages : ~odd_pages);
    __mmask64 mixed;
    uint8_t high_bytes[65];
    if (!(not_ascii & ~same_page)) {
        const uint8_t *page = tables->kinds + (other & ~0x7Fu);
        return _mm512_mask_mov_epi8(
            _mm512_permutex2var_epi8(_mm512_loadu_si512(tables->kinds), low,
                                     _mm512_loadu_si512(tables->kinds + 64)),
            not_ascii,
            _mm512_permutex2var_epi8(_mm512_loadu_si512(page), low,
                                     _mm512_loadu_si512(page + 64)));
    }
    for (int quarter = 0; quarter < 4; quarter++)
        kinds[quarter] = _mm512_permutex2var_epi8(
            _mm512_loadu_si512(tables->page_kinds + 128 * quarter), pages,
            _mm512_loadu_si512(tables->page_kinds + 128 * quarter + 64));
    found = _mm512_mask_mov_epi8(_mm512_mask_mov_epi8(kinds[0], odd_quarters, kinds[1]), upper_half,
                                 _mm512_mask_mov_epi8(kinds[2], odd_quarters, kinds[3]));
    /* ASCII is in a page of its own, whose place needs no search. */
    found = _mm512_mask_mov_epi8(_mm512_permutex2var_epi8(_mm512_loadu_si512(tables->kinds), low,
                                                          _mm512_loadu_si512(tables->kinds + 64)),
                                 not_ascii, found);
    mixed = _mm512_mask_cmpeq_epi8_mask(not_ascii, found, _mm512_set1_epi8((char)MIXED_KINDS));
    _mm512_storeu_si512(high_bytes, high);
    high_bytes[64] = 0;
    /* Twice without a branch: whether a block has one such page or two is unpredictable. */
    found = bpecore_kinds_of_page(found, low, high, odd_pages, high_bytes, tables, &mixed);
    do
        found = bpecore_kinds_of_page(found, low, high, odd_pages, high_bytes, tables, &mixed);
    while (mixed);
    return found;
}

/* Writes 16 characters below 0x10000 as UTF-8, and `start` plus the place where each begins.
 * Returns the number of bytes. */
BPECORE_VBMI2 static inline uint32_t bpecore_encode_16(__m512i characters, uint8_t start,
                                                       uint8_t *bytes, uint8_t *places) {
    __m512i last = _mm512_or_si512(_mm512_and_si512(characters, _mm512_set1_epi32(0x3F)),
                                   _mm512_set1_epi32(0x80));
    __m512i second = _mm512_or_si512(
        _mm512_and_si512(_mm512_srli_epi32(characters, 6), _mm512_set1_epi32(0x3F)),
        _mm512_set1_epi32(0x80));
    __m512i two = _mm512_or_si512(
        _mm512_or_si512(_mm512_srli_epi32(characters, 6), _mm512_set1_epi32(0xC0)),
        _mm512_slli_epi32(last, 8));
    __m512i three = _mm512_or_si512(
        _mm512_or_si512(_mm512_srli_epi32(characters, 12), _mm512_set1_epi32(0xE0)),
        _mm512_or_si512(_mm512_slli_epi32(second, 8), _mm512_slli_epi32(last, 16)));
    __mmask16 is_two = _mm512_cmpgt_epu32_mask(characters, _mm512_set1_epi32(0x7F));
    __mmask16 is_three = _mm512_cmpgt_epu32_mask(characters, _mm512_set1_epi32(0x7FF));
    __m512i word =
        _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(characters, is_two, two), is_three, three);
    uint64_t valid = 0x1111111111111111ull | _pdep_u64(is_two, 0x2222222222222222ull) |
                     _pdep_u64(is_three, 0x4444444444444444ull);
    __m512i begins = _mm512_maskz_compress_epi8(_pext_u64(0x1111111111111111ull, valid),
                                                _mm512_loadu_si512(bpecore_numbers));
    _mm512_storeu_si512(bytes, _mm512_maskz_compress_epi8(valid, word));
    _mm_storeu_si128((__m128i *)places, _mm_add_epi8(_mm512_castsi512_si128(begins),
                                                     _mm_set1_epi8((char)start)));
    return (uint32_t)__builtin_popcountll(valid);
}

/* Returns which of 64 characters a table of flags has, given each one's place in it and bits. */
BPECORE_VBMI2 static inline __mmask64 bpecore_flagged(__m512i places, __m512i bits,
                                                      const uint8_t *flags) {
    __m512i found = _mm512_permutex2var_epi8(_mm512_loadu_si512(flags), places,
                                             _mm512_loadu_si512(flags + 64));
    __m512i upper = _mm512_permutex2var_epi8(_mm512_loadu_si512(flags + 128), places,
                                             _mm512_loadu_si512(flags + 192));
    found = _mm512_mask_mov_epi8(found, _mm512_movepi8_mask(places), upper);
    return _mm512_cmpeq_epi8_mask(_mm512_and_si512(found, bits), bits);
}

/* Returns which of 64 borders, each before a character, may be bridged by tokens with a fragment of
 * a character: the part of `is_bridged` (vocab/borders.pxd) that looks at characters one by one.
 *
 * `first` and `second` hold 32 characters each; `low` and `high` hold the bytes of all. */
BPECORE_VBMI2 static inline __mmask64 bpecore_bridged_by_fragments(
    __m512i first, __m512i second, __m512i low, __m512i high, __mmask64 not_ascii,
    uint32_t previous, const bpecore_character_tables *tables) {
    const __m512i single_bits = _mm512_set1_epi64((long long)0x8040201008040201ull);
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers);
    __m512i evens = _mm512_add_epi8(numbers, numbers);
    __m512i odds = _mm512_or_si512(evens, _mm512_set1_epi8(1));
    __m512i seven = _mm512_set1_epi8(7), one = _mm512_set1_epi8(1);
    __m512i factor = _mm512_set1_epi16((short)BPECORE_FRAGMENT_FACTOR);
    __m512i first_hashes = _mm512_mullo_epi16(first, factor);
    __m512i second_hashes = _mm512_mullo_epi16(second, factor);
    __m512i places = _mm512_permutex2var_epi8(first_hashes, odds, second_hashes);
    __m512i low_hashes = _mm512_permutex2var_epi8(first_hashes, evens, second_hashes);
    __m512i bits = _mm512_or_si512(
        _mm512_shuffle_epi8(single_bits,
                            _mm512_and_si512(_mm512_srli_epi16(low_hashes, 5), seven)),
        _mm512_shuffle_epi8(single_bits,
                            _mm512_and_si512(_mm512_srli_epi16(low_hashes, 2), seven)));
    /* The first byte of each character in UTF-8, without the lowest and the highest bit. */
    __m512i half = _mm512_and_si512(_mm512_srli_epi16(low, 1), _mm512_set1_epi8(0x3F));
    __m512i two = _mm512_or_si512(
        _mm512_add_epi8(high, high),
        _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 7), one), _mm512_set1_epi8(0x20)));
    __m512i three = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(high, 5), seven),
                                    _mm512_set1_epi8(0x30));
    __m512i lead = _mm512_mask_mov_epi8(
        _mm512_mask_mov_epi8(half, not_ascii, two),
        _mm512_cmpge_epu8_mask(high, _mm512_set1_epi8(0x08)), three);
    __mmask64 left = _mm512_test_epi8_mask(
        _mm512_permutexvar_epi8(low, _mm512_loadu_si512(tables->fragment_left)), one);
    __mmask64 right = _mm512_test_epi8_mask(
        _mm512_permutexvar_epi8(lead, _mm512_loadu_si512(tables->fragment_right)), one);
    __mmask64 before = bpecore_flagged(places, bits, tables->before_fragments);
    return (before << 1 | bpecore_is_flagged(tables->before_fragments, previous)) |
           bpecore_flagged(places, bits, tables->after_fragments) |
           ((left << 1 | tables->fragment_left[previous & 63]) & right);
}

/* Returns which of 16 borders, each before a character, tokens with both characters may bridge. */
BPECORE_VBMI2 static inline uint32_t bpecore_bridged_16(__m512i characters, uint32_t previous,
                                                        const bpecore_character_tables *tables) {
    __m512i hashes =
        _mm512_mullo_epi32(characters, _mm512_set1_epi32((int)BPECORE_CHARACTER_FACTOR));
    __m512i previous_hashes = _mm512_alignr_epi32(
        hashes, _mm512_set1_epi32((int)(previous * BPECORE_CHARACTER_FACTOR)), 15);
    __m512i bits = _mm512_srlv_epi32(
        _mm512_mullo_epi32(_mm512_xor_si512(_mm512_rol_epi32(previous_hashes, 11), hashes),
                           _mm512_set1_epi32((int)BPECORE_BORDER_FACTOR)),
        _mm512_set1_epi32((int)tables->border_shift));
    __m512i words = _mm512_i32gather_epi32(_mm512_srli_epi32(bits, 5), tables->borders, 4);
    return _mm512_test_epi32_mask(
        _mm512_srlv_epi32(words, _mm512_and_si512(bits, _mm512_set1_epi32(31))),
        _mm512_set1_epi32(1));
}

/* Finishes a block of 64 ASCII characters. */
BPECORE_VBMI2 static inline void bpecore_store_ascii(__m512i characters,
                                                     const bpecore_character_tables *tables,
                                                     bpecore_block *block) {
    if (block->bytes)
        _mm512_storeu_si512(block->bytes, characters);
    _mm512_storeu_si512(block->places, _mm512_loadu_si512(bpecore_numbers));
    bpecore_store_masks(
        _mm512_permutex2var_epi8(_mm512_loadu_si512(tables->kinds), characters,
                                 _mm512_loadu_si512(tables->kinds + 64)),
        block->masks);
    block->cuts = 0;
    block->byte_count = 64;
}

/* Finds the kinds of 64 characters below 0x10000, not all ASCII, and returns the borders that may be
 * cut as far as fragments are concerned. `first` and `second` hold 32 characters each, `low` and
 * `high` the bytes of all; `other` is the first one that is `not_ascii`. */
BPECORE_VBMI2 static inline __mmask64 bpecore_kinds_and_borders(
    __m512i first, __m512i second, __m512i low, __m512i high, __mmask64 not_ascii, uint32_t other,
    uint32_t previous, const bpecore_character_tables *tables, uint64_t *masks) {
    __mmask64 cuttable;
    bpecore_store_masks(bpecore_kinds_of(low, high, not_ascii, other, tables), masks);
    /* `is_cuttable` of vocab/borders.pxd, also for the border after such a character. */
    cuttable = _mm512_cmpge_epu8_mask(high, _mm512_set1_epi8(0x08)) &
               _mm512_cmpge_epu8_mask(_mm512_sub_epi8(high, _mm512_set1_epi8(0x20)),
                                      _mm512_set1_epi8(0x0E));
    cuttable |= cuttable << 1 | (previous >= 0x800 && previous - 0x2000 >= 0xE00);
    if (cuttable)
        cuttable &= ~bpecore_bridged_by_fragments(first, second, low, high, not_ascii, previous,
                                                  tables);
    return cuttable;
}

/* Returns whether one of 64 characters, given as their high bytes, is a surrogate. */
BPECORE_VBMI2 static inline int bpecore_any_surrogate(__m512i high) {
    return _mm512_cmpeq_epi8_mask(_mm512_and_si512(high, _mm512_set1_epi8((char)0xF8)),
                                  _mm512_set1_epi8((char)0xD8)) != 0;
}

/* Writes 64 characters below 0x10000 as UTF-8, the place where each begins, and their cuts.
 *
 * `first` and `second` hold 32 characters each. `cuttable` has a bit for each border that may be
 * cut as far as fragments are concerned. */
BPECORE_VBMI2 static inline void bpecore_encode_groups(__m512i first, __m512i second,
                                                       __mmask64 not_ascii, __mmask64 cuttable,
                                                       uint32_t previous,
                                                       const bpecore_character_tables *tables,
                                                       bpecore_block *block) {
    uint32_t done = 0;
    block->cuts = 0;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m512i half = i < 2 ? first : second;
        __m512i characters = _mm512_cvtepu16_epi32(i & 1 ? _mm512_extracti64x4_epi64(half, 1)
                                                         : _mm512_castsi512_si256(half));
        uint32_t borders = (uint32_t)(cuttable >> 16 * i) & 0xFFFF, byte_count = 16;
        if ((uint32_t)(not_ascii >> 16 * i) & 0xFFFF) {
            byte_count = bpecore_encode_16(characters, (uint8_t)done, block->bytes + done,
                                           block->places + 16 * i);
        } else {
            _mm_storeu_si128((__m128i *)(block->bytes + done), _mm512_cvtepi32_epi8(characters));
            _mm_storeu_si128((__m128i *)(block->places + 16 * i),
                             _mm_add_epi8(_mm_loadu_si128((const __m128i *)bpecore_numbers),
                                          _mm_set1_epi8((char)done)));
        }
        if (borders)
            block->cuts |= (uint64_t)(borders & ~bpecore_bridged_16(characters, previous, tables))
                           << 16 * i;
        previous = (uint32_t)_mm_extract_epi32(_mm512_extracti32x4_epi32(characters, 3), 3);
        done += byte_count;
    }
    block->byte_count = done;
}

/* Encodes a block. Returns 0, with nothing usable, if one of its characters is a surrogate or above
 * 0xFFFF. */
BPECORE_VBMI2 static int bpecore_encode_block_vbmi2(const void *source, int width,
                                                    uint32_t previous,
                                                    const bpecore_character_tables *tables,
                                                    bpecore_block *block) {
    /* Indices of every second byte of two vectors, and of every fourth. */
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers);
    __m512i twos = _mm512_add_epi8(numbers, numbers), fours = _mm512_add_epi8(twos, twos);
    /* 32 characters of 16 bits each; then the low bytes of all, and the high bytes. */
    __m512i first, second, low, high;
    __mmask64 not_ascii, cuttable;
    size_t place;
    uint32_t other;
    if (width == 1) {
        low = _mm512_loadu_si512(source);
        not_ascii = _mm512_movepi8_mask(low);
        first = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(low));
        second = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(low, 1));
        high = _mm512_setzero_si512();
    } else {
        if (width == 2) {
            first = _mm512_loadu_si512(source);
            second = _mm512_loadu_si512((const __m512i *)source + 1);
        } else {
            __m512i a = _mm512_loadu_si512(source);
            __m512i b = _mm512_loadu_si512((const __m512i *)source + 1);
            __m512i c = _mm512_loadu_si512((const __m512i *)source + 2);
            __m512i d = _mm512_loadu_si512((const __m512i *)source + 3);
            __m512i any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
            __m512i pairs = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(twos));
            if (!_mm512_test_epi32_mask(any, _mm512_set1_epi32(~0x7F))) {
                low = _mm512_inserti64x4(
                    _mm512_permutex2var_epi8(a, fours, b),
                    _mm512_castsi512_si256(_mm512_permutex2var_epi8(c, fours, d)), 1);
                bpecore_store_ascii(low, tables, block);
                return 1;
            }
            if (_mm512_test_epi32_mask(any, _mm512_set1_epi32(~0xFFFF)))
                return 0;
            first = _mm512_permutex2var_epi16(a, pairs, b);
            second = _mm512_permutex2var_epi16(c, pairs, d);
        }
        low = _mm512_permutex2var_epi8(first, twos, second);
        high = _mm512_permutex2var_epi8(
            first, _mm512_or_si512(twos, _mm512_set1_epi8(1)), second);
        not_ascii = _mm512_movepi8_mask(low) | _mm512_test_epi8_mask(high, high);
    }
    if (!not_ascii) {
        bpecore_store_ascii(low, tables, block);
        return 1;
    }
    if (bpecore_any_surrogate(high))
        return 0;
    place = (size_t)_tzcnt_u64(not_ascii);
    other = width == 1   ? ((const uint8_t *)source)[place]
            : width == 2 ? ((const uint16_t *)source)[place]
                         : ((const uint32_t *)source)[place];
    cuttable = bpecore_kinds_and_borders(first, second, low, high, not_ascii, other, previous,
                                         tables, block->masks);
    bpecore_encode_groups(first, second, not_ascii, cuttable, previous, tables, block);
    return 1;
}

/* Does what bpecore_places does, by compressing a block's table; writes 16 at a time. */
BPECORE_VBMI2 static size_t bpecore_places_vbmi2(const uint64_t *words, size_t blocks,
                                                 const uint32_t *block_starts,
                                                 const uint8_t *places, size_t stride,
                                                 uint32_t *out) {
    uint32_t *first = out;
    for (size_t block = 0; block < blocks; block++, places += stride) {
        __m512i chosen = _mm512_maskz_compress_epi8(words[block], _mm512_loadu_si512(places));
        __m512i start = _mm512_set1_epi32((int)block_starts[block]);
        uint32_t *end = out + __builtin_popcountll(words[block]);
        for (; out < end; out += 16) {
            _mm512_storeu_si512(
                out, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(chosen))));
            chosen = _mm512_alignr_epi32(_mm512_setzero_si512(), chosen, 4);
        }
        out = end;
    }
    return (size_t)(out - first);
}

#endif
