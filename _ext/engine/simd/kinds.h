/* The kinds of characters that the rules of the split families distinguish, and those of ASCII. */
#ifndef BPECORE_KINDS_H
#define BPECORE_KINDS_H

#include <stdint.h>
#include <string.h>

/* A kind is one byte of bits; bpecore/_pattern/families.py has the same numbers. */
enum {
    KIND_UPPER = 1,       /* a letter that a lower one may follow in a piece */
    KIND_LOWER = 2,
    KIND_LETTER = 4,      /* a letter that can take the place of either */
    KIND_NUMBER = 8,
    KIND_WHITE = 16,      /* white space other than a space or a line end */
    KIND_SPACE = 32,
    KIND_LINE_END = 48,   /* both the bits of white space and of a space */
    KIND_APOSTROPHE = 64,
    KIND_MARK = 128,      /* a combining mark, where it counts as a letter */
    KIND_SLASH = 192,     /* the bits of an apostrophe and of a mark, and not a letter's */
    KIND_ODD = 3,         /* always in doubt, where a member of the family has such characters */
    KIND_SCRIPT = 12,     /* a letter of a script that is split by itself; 15 is odd as well */
    MIXED_KINDS = 255     /* not a kind: several kinds */
};

/* What words of bits are made from. */
enum {
    FROM_KINDS = 0,
    FROM_ASCII = 1,          /* ASCII characters */
    FROM_ASCII_CONTROLS = 2  /* the same, where control characters are odd */
};

#define BPECORE_ASCII_KIND_TABLE(CONTROL)                                                          \
    {['A' ... 'Z'] = KIND_UPPER, ['a' ... 'z'] = KIND_LOWER, ['0' ... '9'] = KIND_NUMBER,          \
     ['\t'] = KIND_WHITE,        ['\v'] = KIND_WHITE,        ['\f'] = KIND_WHITE,                  \
     ['\n'] = KIND_LINE_END,     ['\r'] = KIND_LINE_END,     [' '] = KIND_SPACE,                   \
     ['\''] = KIND_APOSTROPHE,   ['/'] = KIND_SLASH,         [0 ... 8] = CONTROL,                  \
     [14 ... 31] = CONTROL,      [127] = CONTROL}

/* The kinds of ASCII characters, by what words of bits are made from. */
static const uint8_t bpecore_ascii_kind[3][128] = {
    [FROM_ASCII] = BPECORE_ASCII_KIND_TABLE(0),
    [FROM_ASCII_CONTROLS] = BPECORE_ASCII_KIND_TABLE(KIND_ODD)};

/* The same for a vector of characters, by comparisons that every vector unit has. */
#define BPECORE_ASCII_KINDS(V, SV, bytes, controls, kinds)                                                  \
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
        if (controls)                                                                              \
            kinds |= (V)((signed_bytes < 9) | ((signed_bytes > 13) & (signed_bytes < 32))          \
                         | (signed_bytes == 127)) & KIND_ODD;                                      \
    } while (0)

/* Writes the kinds of 16 ASCII characters; `controls`: control characters are odd. */
static inline void bpecore_ascii_kinds(const uint8_t *text, int controls, uint8_t *out) {
    typedef uint8_t V __attribute__((vector_size(16)));
    typedef int8_t SV __attribute__((vector_size(16)));
    V bytes, kinds;
    memcpy(&bytes, text, 16);
    BPECORE_ASCII_KINDS(V, SV, bytes, controls, kinds);
    memcpy(out, &kinds, 16);
}

#endif
