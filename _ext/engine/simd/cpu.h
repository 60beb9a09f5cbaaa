/* The instruction set of the machine that runs.
 *
 * Each vector function is compiled for exactly the features of one list below, and is called only
 * where cpuid reports all of them and the operating system saves the registers: virtual machines
 * hide features one by one. A list also names what its features imply for GCC and Clang. cpuid is
 * read here because `__builtin_cpu_supports` answers no to everything with some compilers. */
#ifndef BPECORE_CPU_H
#define BPECORE_CPU_H

#include <stdint.h>

#include "engine/base/platform.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Registers of cpuid: the leaf and the letter. */
enum { BPECORE_LEAF_1C, BPECORE_LEAF_7B, BPECORE_LEAF_7C };

/* F(name, register, bit) for each feature, with S in between. */
#define BPECORE_AVX2_FEATURES(F, S)                                                                \
    F("sse3", BPECORE_LEAF_1C, 0) S F("ssse3", BPECORE_LEAF_1C, 9)                                 \
    S F("sse4.1", BPECORE_LEAF_1C, 19) S F("sse4.2", BPECORE_LEAF_1C, 20)                          \
    S F("popcnt", BPECORE_LEAF_1C, 23) S F("avx", BPECORE_LEAF_1C, 28)                             \
    S F("bmi", BPECORE_LEAF_7B, 3) S F("avx2", BPECORE_LEAF_7B, 5)
#define BPECORE_AVX512_FEATURES(F, S)                                                              \
    BPECORE_AVX2_FEATURES(F, S) S F("fma", BPECORE_LEAF_1C, 12) S F("f16c", BPECORE_LEAF_1C, 29)   \
    S F("avx512f", BPECORE_LEAF_7B, 16) S F("avx512bw", BPECORE_LEAF_7B, 30)                       \
    S F("avx512vl", BPECORE_LEAF_7B, 31)
#define BPECORE_VBMI2_FEATURES(F, S)                                                               \
    BPECORE_AVX512_FEATURES(F, S) S F("bmi2", BPECORE_LEAF_7B, 8)                                  \
    S F("avx512dq", BPECORE_LEAF_7B, 17) S F("avx512vbmi", BPECORE_LEAF_7C, 1)                     \
    S F("avx512vbmi2", BPECORE_LEAF_7C, 6) S F("gfni", BPECORE_LEAF_7C, 8)

#define BPECORE_FEATURE_NAME(name, leaf, bit) name
#define BPECORE_AVX2 __attribute__((target(BPECORE_AVX2_FEATURES(BPECORE_FEATURE_NAME, ","))))
#define BPECORE_AVX512 __attribute__((target(BPECORE_AVX512_FEATURES(BPECORE_FEATURE_NAME, ","))))
#define BPECORE_VBMI2 __attribute__((target(BPECORE_VBMI2_FEATURES(BPECORE_FEATURE_NAME, ","))))

/* Each level includes those before it; every x86-64 CPU has SSE2. */
enum { BPECORE_HAS_SSE2, BPECORE_HAS_AVX2, BPECORE_HAS_AVX512, BPECORE_HAS_VBMI2 };

/* Returns the highest level that the CPU and the operating system support. */
static int bpecore_cpu_level(void) {
    uint32_t leaves[3] = {0}, a, b, c, d, state, high;
    if (!__get_cpuid(1, &a, &b, &leaves[BPECORE_LEAF_1C], &d) ||
        !(leaves[BPECORE_LEAF_1C] >> 27 & 1)) /* OSXSAVE: xgetbv may be used */
        return BPECORE_HAS_SSE2;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        leaves[BPECORE_LEAF_7B] = b;
        leaves[BPECORE_LEAF_7C] = c;
    }
    __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
    state |= BPECORE_LATE_REGISTERS;
#define BPECORE_FEATURE_BIT(name, leaf, bit) (leaves[leaf] >> (bit)&1)
    if ((state & 0x06) != 0x06 || !(BPECORE_AVX2_FEATURES(BPECORE_FEATURE_BIT, &)))
        return BPECORE_HAS_SSE2;
    if ((state & 0xE6) != 0xE6 || !(BPECORE_AVX512_FEATURES(BPECORE_FEATURE_BIT, &)))
        return BPECORE_HAS_AVX2;
    return BPECORE_VBMI2_FEATURES(BPECORE_FEATURE_BIT, &) ? BPECORE_HAS_VBMI2 : BPECORE_HAS_AVX512;
}
#endif

#endif
