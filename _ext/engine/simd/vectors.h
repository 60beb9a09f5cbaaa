/* The instruction sets, and the choice of one by its name. */
#ifndef BPECORE_VECTORS_H
#define BPECORE_VECTORS_H

#include "blocks.h"
#include "borders.h"
#include "compare.h"
#include "cpu.h"

BPECORE_INSTRUCTION_SET(plain, , bpecore_masks_plain)

#if defined(__x86_64__)
#include "blocks_vbmi2.h"
#include "read_vbmi2.h"
#include "utf8_vbmi2.h"

#define BPECORE_TOP_BITS_16(v) ((uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)(v)))
#define BPECORE_TOP_BITS_32(v) ((uint64_t)(uint32_t)_mm256_movemask_epi8((__m256i)(v)))
#define BPECORE_TOP_BITS_64(v) ((uint64_t)_mm512_movepi8_mask((__m512i)(v)))

BPECORE_MASK_FUNCTION(bpecore_masks_sse2, , 16, BPECORE_TOP_BITS_16)
BPECORE_MASK_FUNCTION(bpecore_masks_avx2, BPECORE_AVX2, 32, BPECORE_TOP_BITS_32)
BPECORE_MASK_FUNCTION(bpecore_masks_avx512, BPECORE_AVX512, 64, BPECORE_TOP_BITS_64)
BPECORE_INSTRUCTION_SET(sse2, , bpecore_masks_sse2)
BPECORE_INSTRUCTION_SET(avx2, BPECORE_AVX2, bpecore_masks_avx2)
BPECORE_INSTRUCTION_SET(avx512, BPECORE_AVX512, bpecore_masks_avx512)
static const bpecore_vectors bpecore_vbmi2 = {bpecore_find_avx512, bpecore_masks_vbmi2,
                                              bpecore_pack_avx512, bpecore_places_vbmi2,
                                              bpecore_encode_block_vbmi2, bpecore_read_block_vbmi2,
                                              bpecore_decode_vbmi2, bpecore_is_ascii_vbmi2};

#elif defined(__aarch64__)
#include <arm_neon.h>

static inline uint64_t bpecore_top_bits_neon(uint8x16_t v) {
    static const int8_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
    uint8x16_t bits = vshlq_u8(vshrq_n_u8(v, 7), vld1q_s8(places));
    return (uint64_t)vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}
#define BPECORE_TOP_BITS_NEON(v) bpecore_top_bits_neon((uint8x16_t)(v))

BPECORE_MASK_FUNCTION(bpecore_masks_neon, , 16, BPECORE_TOP_BITS_NEON)
BPECORE_INSTRUCTION_SET(neon, , bpecore_masks_neon)
#endif

/* Returns the functions of an instruction set; only `find` if the machine does not have it, or for
 * any other name. "off" means plain C. */
static bpecore_vectors bpecore_vectors_named(const char *name) {
    static const bpecore_vectors none = {bpecore_find_plain};
#if defined(__x86_64__)
    int level = bpecore_cpu_level();
    if (strcmp(name, "sse2") == 0)
        return bpecore_sse2;
    if (strcmp(name, "avx2") == 0 && level >= BPECORE_HAS_AVX2)
        return bpecore_avx2;
    if (strcmp(name, "avx512") == 0 && level >= BPECORE_HAS_AVX512)
        return level >= BPECORE_HAS_VBMI2 ? bpecore_vbmi2 : bpecore_avx512;
#elif defined(__aarch64__)
    if (strcmp(name, "neon") == 0)
        return bpecore_neon;
#endif
    return strcmp(name, "off") == 0 ? bpecore_plain : none;
}

#endif
