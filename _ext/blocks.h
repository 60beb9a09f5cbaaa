/* The intrinsics of encoding: 64 kinds of characters at a time become eight words of bits. Those
 * of building vocabularies are in part_vectors.h.
 *
 * Written once over the compiler's vectors and compiled for each instruction set; which one runs is
 * chosen when the module is imported. Where there are none, words of 64 bits do it. */
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
    KIND_SLASH = 192,     /* apostrophe and mark at once, and no letter */
    MIXED_KINDS = 255     /* no kind: several */
};

typedef void (*bpecore_mask_function)(const uint8_t *source, size_t blocks, int is_ascii,
                                      uint64_t *masks);
typedef int (*bpecore_pack_function)(const void *source, int width, uint8_t *out);
typedef size_t (*bpecore_place_function)(const uint64_t *words, size_t blocks,
                                         const uint32_t *block_starts, const uint8_t *places,
                                         size_t stride, uint32_t *out);

/* Tables that say of a character what its kind is and which borders tokens bridge: see
 * automaton.pxd and cuts.pxd. */
typedef struct {
    const uint8_t *kinds;          /* [0x10000], by code point */
    const uint8_t *page_kinds;     /* [512], the kind of 128 code points; MIXED_KINDS: several */
    const uint64_t *borders;
    uint32_t border_shift;
    const uint8_t *border_flags;   /* [4096 + 3] */
    const uint8_t *fragment_left;  /* [64] */
    const uint8_t *fragment_right; /* [64] */
} bpecore_character_tables;

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

#define BPECORE_VBMI2                                                                              \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,gfni,bmi,bmi2,popcnt")))

/* Words of bits by transposing 8x8 matrices of bits.
 *
 * The affine instruction multiplies a matrix of 8 rows with a byte; given the unit vectors as bytes
 * it transposes the matrix, whose last byte is the first row: so each 8 bytes are turned round
 * first, and the words' bytes are brought together last. */
BPECORE_VBMI2 static inline void bpecore_store_masks(__m512i kinds, uint64_t *masks) {
    static const uint8_t turned[64] = {
        7,  6,  5,  4,  3,  2,  1,  0,  15, 14, 13, 12, 11, 10, 9,  8,  23, 22, 21, 20, 19, 18,
        17, 16, 31, 30, 29, 28, 27, 26, 25, 24, 39, 38, 37, 36, 35, 34, 33, 32, 47, 46, 45, 44,
        43, 42, 41, 40, 55, 54, 53, 52, 51, 50, 49, 48, 63, 62, 61, 60, 59, 58, 57, 56};
    static const uint8_t columns[64] = {
        0, 8,  16, 24, 32, 40, 48, 56, 1, 9,  17, 25, 33, 41, 49, 57, 2, 10, 18, 26, 34, 42,
        50, 58, 3,  11, 19, 27, 35, 43, 51, 59, 4,  12, 20, 28, 36, 44, 52, 60, 5,  13, 21, 29,
        37, 45, 53, 61, 6,  14, 22, 30, 38, 46, 54, 62, 7,  15, 23, 31, 39, 47, 55, 63};
    __m512i units = _mm512_set1_epi64((long long)0x8040201008040201ull);
    kinds = _mm512_permutexvar_epi8(_mm512_loadu_si512(turned), kinds);
    kinds = _mm512_gf2p8affine_epi64_epi8(units, kinds, 0);
    _mm512_storeu_si512(masks, _mm512_permutexvar_epi8(_mm512_loadu_si512(columns), kinds));
}

BPECORE_VBMI2 static void bpecore_masks_vbmi2(const uint8_t *source, size_t blocks, int is_ascii,
                                              uint64_t *masks) {
    __m512i low = _mm512_loadu_si512(bpecore_ascii_kind);
    __m512i high = _mm512_loadu_si512(bpecore_ascii_kind + 64);
    for (size_t block = 0; block < blocks; block++) {
        __m512i kinds = _mm512_loadu_si512(source + 64 * block);
        if (is_ascii)
            kinds = _mm512_permutex2var_epi8(low, kinds, high);
        bpecore_store_masks(kinds, masks + 8 * block);
    }
}

/* The kinds of 64 characters below 0x10000, given as their low and high bytes.
 *
 * Most pages of 128 characters are of one kind. Of the others each that occurs costs a look-up: one
 * or two in most blocks, for the letters of an alphabet and for ASCII. */
BPECORE_VBMI2 static inline __m512i bpecore_kinds_of(__m512i low, __m512i high,
                                                     const bpecore_character_tables *tables) {
    __mmask64 odd_pages = _mm512_movepi8_mask(low);
    __mmask64 upper_half = _mm512_movepi8_mask(high);
    __mmask64 odd_quarters = _mm512_test_epi8_mask(high, _mm512_set1_epi8(0x40));
    /* The page in its quarter of the code points: what is above 7 bits is not looked at. */
    __m512i pages = _mm512_mask_sub_epi8(_mm512_add_epi8(high, high), odd_pages,
                                         _mm512_add_epi8(high, high), _mm512_set1_epi8(-1));
    __m512i kinds[4], found;
    __mmask64 mixed;
    uint8_t high_bytes[64];
    for (int quarter = 0; quarter < 4; quarter++)
        kinds[quarter] = _mm512_permutex2var_epi8(
            _mm512_loadu_si512(tables->page_kinds + 128 * quarter), pages,
            _mm512_loadu_si512(tables->page_kinds + 128 * quarter + 64));
    found = _mm512_mask_mov_epi8(_mm512_mask_mov_epi8(kinds[0], odd_quarters, kinds[1]), upper_half,
                                 _mm512_mask_mov_epi8(kinds[2], odd_quarters, kinds[3]));
    mixed = _mm512_cmpeq_epi8_mask(found, _mm512_set1_epi8((char)MIXED_KINDS));
    _mm512_storeu_si512(high_bytes, high);
    while (mixed) {
        int place = __builtin_ctzll(mixed);
        uint32_t page = 2u * high_bytes[place] + (uint32_t)(odd_pages >> place & 1);
        const uint8_t *kinds_of_page = tables->kinds + 128 * page;
        __mmask64 same = _mm512_mask_cmpeq_epi8_mask(
            mixed & (page & 1 ? odd_pages : ~odd_pages), high,
            _mm512_set1_epi8((char)high_bytes[place]));
        found = _mm512_mask_mov_epi8(
            found, same,
            _mm512_permutex2var_epi8(_mm512_loadu_si512(kinds_of_page), low,
                                     _mm512_loadu_si512(kinds_of_page + 64)));
        mixed &= ~same;
    }
    return found;
}

/* Writes 16 characters below 0x10000 as UTF-8 and where each begins, `start` added; returns the
 * bytes that each has in its 32 bits. */
BPECORE_VBMI2 static inline __m512i bpecore_encode_16(__m512i characters, uint8_t start,
                                                      uint8_t *bytes, uint8_t *places,
                                                      uint32_t *byte_count) {
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
    *byte_count = (uint32_t)__builtin_popcountll(valid);
    return word;
}

/* Which of 16 borders, each before a character, tokens may bridge: cuts.pxd's is_bridged.
 * `words` are the characters' bytes. */
BPECORE_VBMI2 static inline uint32_t bpecore_bridged_16(__m512i characters, __m512i words,
                                                        uint32_t previous,
                                                        const bpecore_character_tables *tables) {
    __m512i before = _mm512_alignr_epi32(characters, _mm512_set1_epi32((int)previous), 15);
    __m512i hashes = _mm512_mullo_epi32(characters, _mm512_set1_epi32((int)0x9E3779B1u));
    __m512i previous_hashes = _mm512_mullo_epi32(before, _mm512_set1_epi32((int)0x9E3779B1u));
    __m512i bits = _mm512_srlv_epi32(
        _mm512_mullo_epi32(_mm512_xor_si512(_mm512_rol_epi32(previous_hashes, 11), hashes),
                           _mm512_set1_epi32((int)0x61C8864Fu)),
        _mm512_set1_epi32((int)tables->border_shift));
    __m512i bridged_words =
        _mm512_i32gather_epi32(_mm512_srli_epi32(bits, 5), tables->borders, 4);
    __m512i flags = _mm512_i32gather_epi32(_mm512_srli_epi32(hashes, 20), tables->border_flags, 1);
    uint32_t bridged = _mm512_test_epi32_mask(
        _mm512_srlv_epi32(bridged_words, _mm512_and_si512(bits, _mm512_set1_epi32(31))),
        _mm512_set1_epi32(1));
    bridged |= _mm512_test_epi32_mask(flags, _mm512_set1_epi32(2));
    bridged |= (uint32_t)_mm512_test_epi32_mask(flags, _mm512_set1_epi32(1)) << 1;
    bridged |= tables->border_flags[(previous * 0x9E3779B1u) >> 20] & 1;
    bridged |= _mm512_test_epi32_mask(
        _mm512_and_si512(
            _mm512_permutexvar_epi8(before, _mm512_loadu_si512(tables->fragment_left)),
            _mm512_permutexvar_epi8(_mm512_srli_epi32(words, 1),
                                    _mm512_loadu_si512(tables->fragment_right))),
        _mm512_set1_epi32(0xFF));
    return bridged & 0xFFFF;
}

/* Finishes a block of 64 ASCII characters. */
BPECORE_VBMI2 static inline void bpecore_store_ascii(__m512i characters, bpecore_block *block) {
    _mm512_storeu_si512(block->bytes, characters);
    _mm512_storeu_si512(block->places, _mm512_loadu_si512(bpecore_numbers));
    bpecore_store_masks(
        _mm512_permutex2var_epi8(_mm512_loadu_si512(bpecore_ascii_kind), characters,
                                 _mm512_loadu_si512(bpecore_ascii_kind + 64)),
        block->masks);
    block->cuts = 0;
    block->byte_count = 64;
}

/* Writes 64 characters below 0x10000 as UTF-8, where each begins, and their cuts.
 *
 * `first` and `second` hold 32 characters each, `not_ascii` says which of all are not; `cuttable`
 * which borders may be cut. */
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
        __m512i words = characters;
        if ((uint32_t)(not_ascii >> 16 * i) & 0xFFFF) {
            words = bpecore_encode_16(characters, (uint8_t)done, block->bytes + done,
                                      block->places + 16 * i, &byte_count);
        } else {
            _mm_storeu_si128((__m128i *)(block->bytes + done), _mm512_cvtepi32_epi8(characters));
            _mm_storeu_si128((__m128i *)(block->places + 16 * i),
                             _mm_add_epi8(_mm_loadu_si128((const __m128i *)bpecore_numbers),
                                          _mm_set1_epi8((char)done)));
        }
        if (borders)
            block->cuts |= (uint64_t)(borders & ~bpecore_bridged_16(characters, words, previous,
                                                                    tables))
                           << 16 * i;
        previous = (uint32_t)_mm_extract_epi32(_mm512_extracti32x4_epi32(characters, 3), 3);
        done += byte_count;
    }
    block->byte_count = done;
}

/* Encodes a block. Returns 0 if one of its characters is a surrogate or above 0xFFFF: then nothing
 * is usable. */
BPECORE_VBMI2 static int bpecore_encode_block_vbmi2(const void *source, int width,
                                                    uint32_t previous,
                                                    const bpecore_character_tables *tables,
                                                    bpecore_block *block) {
    /* Every second byte of two vectors; every fourth, in the lower half. */
    __m512i numbers = _mm512_loadu_si512(bpecore_numbers);
    __m512i twos = _mm512_add_epi8(numbers, numbers), fours = _mm512_add_epi8(twos, twos);
    /* Characters of 16 bits, 32 each; of all, the low bytes and the high bytes. */
    __m512i first, second, low, high;
    __mmask64 not_ascii, cuttable;
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
                bpecore_store_ascii(low, block);
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
        bpecore_store_ascii(low, block);
        return 1;
    }
    if (_mm512_cmpeq_epi8_mask(_mm512_and_si512(high, _mm512_set1_epi8((char)0xF8)),
                               _mm512_set1_epi8((char)0xD8)))
        return 0;
    bpecore_store_masks(bpecore_kinds_of(low, high, tables), block->masks);
    /* cuts.pxd's is_cuttable, and the border behind such a character. */
    cuttable = _mm512_cmpge_epu8_mask(high, _mm512_set1_epi8(0x08)) &
               _mm512_cmpge_epu8_mask(_mm512_sub_epi8(high, _mm512_set1_epi8(0x20)),
                                      _mm512_set1_epi8(0x0E));
    cuttable |= cuttable << 1 | (previous >= 0x800 && previous - 0x2000 >= 0xE00);
    bpecore_encode_groups(first, second, not_ascii, cuttable, previous, tables, block);
    return 1;
}

/* As the other place functions, by compressing a block's table; 16 at a time. */
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
