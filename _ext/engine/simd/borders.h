/* Hashes and flags of characters for the borders that tokens bridge: see vocab/borders.pxd. */
#ifndef BPECORE_BORDERS_H
#define BPECORE_BORDERS_H

#include <stdint.h>

/* Odd factors near 2^32 divided by the golden ratio and by its square; the last is the lower half
 * of the first. */
#define BPECORE_CHARACTER_FACTOR 0x9E3779B1u
#define BPECORE_BORDER_FACTOR 0x61C8864Fu
#define BPECORE_FRAGMENT_FACTOR 0x79B1u

/* A table of flags is a filter of 256 bytes that sets two bits of one byte per character. The upper
 * half of a 16-bit hash selects the byte, because vectors look up 64 such bytes at a time. */

/* Returns whether a table of flags may have a character; false positives are possible. */
static inline int bpecore_is_flagged(const uint8_t *flags, uint32_t character) {
    uint32_t hash = character * BPECORE_FRAGMENT_FACTOR & 0xFFFF, byte = flags[hash >> 8];
    return (int)(byte >> (hash >> 5 & 7) & byte >> (hash >> 2 & 7) & 1);
}

/* Puts a character into a table of flags. */
static inline void bpecore_set_flag(uint8_t *flags, uint32_t character) {
    uint32_t hash = character * BPECORE_FRAGMENT_FACTOR & 0xFFFF;
    flags[hash >> 8] |= (uint8_t)(1u << (hash >> 5 & 7) | 1u << (hash >> 2 & 7));
}

#endif
