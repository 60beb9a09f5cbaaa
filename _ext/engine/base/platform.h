/* What differs between compilers and operating systems. Nothing else in the engine does, except for
 * instruction sets (engine/simd).
 *
 * Compilers are GCC and Clang; on Windows MinGW's GCC, zig, and clang-cl, which has Microsoft's
 * headers but the extensions used here. The other two files offer the same functions: on memory,
 * files, the clock, threads and signals. */
#ifndef BPECORE_PLATFORM_H
#define BPECORE_PLATFORM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) && !defined(__clang__)
#error "bpecore needs GCC or Clang; with Microsoft's build tools it is compiled by clang-cl."
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bpecore needs a little-endian machine: it reads bytes as words with the first byte lowest."
#endif
#if __SIZEOF_POINTER__ != 8 || !defined(__SIZEOF_INT128__)
#error "bpecore needs a 64-bit machine: it multiplies 64-bit words and maps large tables."
#endif

/* ---- the compiler ---- */

#define BPECORE_RARE __attribute__((noinline, cold))
#define bpecore_check(condition) assert(condition)
#define bpecore_likely(condition) __builtin_expect(!!(condition), 1)
#define bpecore_unlikely(condition) __builtin_expect(!!(condition), 0)
#define bpecore_prefetch(address) __builtin_prefetch(address)
#define bpecore_count_ones(word) __builtin_popcountll(word)
#define bpecore_lowest_one(word) __builtin_ctzll(word)
#define bpecore_lowest_one_of_32(word) __builtin_ctz(word)
#define bpecore_highest_one(word) (63 - __builtin_clzll(word))
#define bpecore_computed(value)                                                                    \
    ({                                                                                             \
        __typeof__(value) bpecore_value = (value);                                                 \
        __asm__("" : "+r"(bpecore_value));                                                         \
        bpecore_value;                                                                             \
    })

/* Copies 16 bytes by a load and a store. Clang would join a memcpy of 16 bytes with one of any length
 * on the other branch, and call the library's memcpy for both. */
static inline void bpecore_copy_16(void *out, const void *from) {
#if defined(__clang__)
    __builtin_memcpy_inline(out, from, 16);
#else
    memcpy(out, from, 16);
#endif
}

static inline uint64_t bpecore_multiply_fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* ---- atomics; docs/memory-order.md argues each use ---- */

#define bpecore_load_relaxed(place) __atomic_load_n(place, __ATOMIC_RELAXED)
#define bpecore_load_acquire(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define bpecore_load_ordered(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define bpecore_store_relaxed(place, value) __atomic_store_n(place, value, __ATOMIC_RELAXED)
#define bpecore_store_release(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)
#define bpecore_store_ordered(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#define bpecore_add_relaxed(place, amount) __atomic_fetch_add(place, amount, __ATOMIC_RELAXED)
#define bpecore_add_ordered(place, amount) __atomic_fetch_add(place, amount, __ATOMIC_SEQ_CST)
#define bpecore_exchange_acquire(place, value) __atomic_exchange_n(place, value, __ATOMIC_ACQUIRE)

/* Puts a value into a place that holds 0 and releases what was written before; returns whether the
 * place did hold 0. */
#define bpecore_fill_release(place, value)                                                         \
    ({                                                                                             \
        __typeof__(*(place)) bpecore_empty = 0;                                                    \
        __atomic_compare_exchange_n(place, &bpecore_empty, value, 0, __ATOMIC_RELEASE,             \
                                    __ATOMIC_RELAXED);                                             \
    })

#ifdef _WIN32
#include "platform_windows.h"
#else
#include "platform_posix.h"
#endif

#endif
