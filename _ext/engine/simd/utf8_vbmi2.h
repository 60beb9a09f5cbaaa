/* UTF-8 to characters of 16 bits, 64 bytes at a time, by AVX-512 with VBMI2. */
#ifndef BPECORE_UTF8_VBMI2_H
#define BPECORE_UTF8_VBMI2_H

#include "blocks.h"
#include "cpu.h"

/* Stores 64 bytes as characters. */
BPECORE_VBMI2 static inline void bpecore_widen(__m512i bytes, uint16_t *out) {
    _mm512_storeu_si512(out, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes)));
    _mm512_storeu_si512(out + 32, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes, 1)));
}

/* Returns how many of 64 bytes are those of whole characters, if they are valid and have none above
 * 0xFFFF. From single bytes, so that the next 64 need not wait for the vectors. */
static inline size_t bpecore_whole_size(const uint8_t *text) {
    return 64 - (text[63] >= 0xC0 ? 1 : 2 * (text[62] >= 0xE0));
}

/* Decodes the first `size` of 64 bytes, which end with a character. Returns how many characters
 * they are, or 0 if they are not valid or have one above 0xFFFF.
 *
 * A character is computed from its last three bytes, which are fetched by the place of its end. */
BPECORE_VBMI2 static inline size_t bpecore_decode_64(__m512i bytes, __mmask64 not_ascii,
                                                     size_t size, uint16_t *out) {
    __mmask64 inner = _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(-64));
    __mmask64 threes = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xE0));
    __mmask64 twos = not_ascii & ~inner & ~threes;
    uint64_t ends, used = ~0ull >> (64 - size), two, three;
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers);
    __m512i places, last, second, third;
    if (_mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xF0)) |
        (twos & _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8((char)0xC2))))
        return 0;
    twos &= used;
    threes &= used;
    if ((inner & used) != ((twos | threes) << 1 | threes << 2))
        return 0;
    ends = ((~inner >> 1) & used) | 1ull << (size - 1);
    two = _pext_u64(twos << 1, ends);
    three = _pext_u64(threes << 2, ends);
    places = _mm512_maskz_compress_epi8(ends, numbers);
    last = _mm512_and_si512(_mm512_permutexvar_epi8(places, bytes), _mm512_set1_epi8(0x7F));
    places = _mm512_add_epi8(places, _mm512_set1_epi8(-1));
    second = _mm512_and_si512(_mm512_maskz_permutexvar_epi8(two | three, places, bytes),
                              _mm512_set1_epi8(0x3F));
    places = _mm512_add_epi8(places, _mm512_set1_epi8(-1));
    third = _mm512_and_si512(_mm512_maskz_permutexvar_epi8(three, places, bytes),
                             _mm512_set1_epi8(0x0F));
    /* Three bytes for what needs two, or a surrogate. */
    if ((_mm512_mask_cmpeq_epi8_mask(three, third, _mm512_setzero_si512()) &
         _mm512_cmplt_epu8_mask(second, _mm512_set1_epi8(0x20))) |
        (_mm512_mask_cmpeq_epi8_mask(three, third, _mm512_set1_epi8(0x0D)) &
         _mm512_cmpge_epu8_mask(second, _mm512_set1_epi8(0x20))))
        return 0;
    for (int half = 0; half < 2; half++) {
#define BPECORE_HALF(v)                                                                            \
    _mm512_cvtepu8_epi16(half ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v))
        _mm512_storeu_si512(out + 32 * half,
                            _mm512_or_si512(_mm512_or_si512(BPECORE_HALF(last),
                                                            _mm512_slli_epi16(BPECORE_HALF(second),
                                                                              6)),
                                            _mm512_slli_epi16(BPECORE_HALF(third), 12)));
#undef BPECORE_HALF
    }
    return (size_t)__builtin_popcountll(ends);
}

/* Returns whether all bytes are below 0x80. */
BPECORE_VBMI2 static int bpecore_is_ascii_vbmi2(const uint8_t *text, size_t length) {
    __m512i seen;
    size_t place = 0;
    for (; length - place >= 256; place += 256) {
        seen = _mm512_or_si512(_mm512_or_si512(_mm512_loadu_si512(text + place),
                                               _mm512_loadu_si512(text + place + 64)),
                               _mm512_or_si512(_mm512_loadu_si512(text + place + 128),
                                               _mm512_loadu_si512(text + place + 192)));
        if (_mm512_movepi8_mask(seen))
            return 0;
    }
    seen = _mm512_setzero_si512();
    for (; length - place >= 64; place += 64)
        seen = _mm512_or_si512(seen, _mm512_loadu_si512(text + place));
    if (length > place)
        seen = _mm512_or_si512(
            seen, _mm512_maskz_loadu_epi8(~0ull >> (64 - (length - place)), text + place));
    return !_mm512_movepi8_mask(seen);
}

/* Decodes text as long as it is valid and has no character above 0xFFFF. Returns how many
 * characters were written, and may write 64 more; `decoded` receives their bytes. The bytes that
 * the last 64 lack are read as zeros. */
BPECORE_VBMI2 static size_t bpecore_decode_vbmi2(const uint8_t *text, size_t length, uint16_t *out,
                                                 size_t *decoded) {
    uint16_t *first = out;
    size_t place = 0, missing = 0;
    while (place < length) {
        size_t left = length - place, size = 64, count = 64;
        __mmask64 not_ascii;
        __m512i bytes;
        if (left >= 64) {
            bytes = _mm512_loadu_si512(text + place);
        } else {
            bytes = _mm512_maskz_loadu_epi8(~0ull >> (64 - left), text + place);
            missing = 64 - left;
        }
        not_ascii = _mm512_movepi8_mask(bytes);
        if (not_ascii) {
            if (left >= 64)
                size = bpecore_whole_size(text + place);
            count = bpecore_decode_64(bytes, not_ascii, size, out);
            if (count == 0) {
                missing = 0;
                break;
            }
        } else {
            bpecore_widen(bytes, out);
        }
        out += count;
        place += size;
    }
    *decoded = place - missing;
    return (size_t)(out - first) - missing;
}

#endif
