# A checksum of 64 bits that finds damage at the speed of memory. It does not resist forgery.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from engine.base.types cimport multiply_fold
from engine.vocab.tables cimport load_word

cdef enum:
    CHECKSUM_BLOCK = 64    # bytes that are added at a time

cdef extern from *:
    """
    /* Odd words without a pattern: the fractional digits of pi. */
    static const uint64_t bpecore_checksum_keys[8] = {
        0x243F6A8885A308D3ull, 0x13198A2E03707345ull, 0xA4093822299F31D1ull,
        0x082EFA98EC4E6C89ull, 0x452821E638D01377ull, 0xBE5466CF34E90C6Dull,
        0xC0AC29B7C97C50DDull, 0x3F84D5B5B5470917ull};
    """
    const uint64_t[8] CHECKSUM_KEYS "bpecore_checksum_keys"

cdef struct Checksum:
    uint64_t lanes[4]
    uint64_t length     # bytes so far


cdef inline void start_checksum(Checksum *state, uint64_t seed) noexcept nogil:
    cdef int lane
    for lane in range(4):
        state.lanes[lane] = seed ^ CHECKSUM_KEYS[lane]
    state.length = 0


cdef inline void add_block(Checksum *state, const uint8_t *block) noexcept nogil:
    """Adds 64 bytes: four chains side by side, each with a 128-bit product per 16 bytes."""
    cdef int lane
    for lane in range(4):
        state.lanes[lane] = multiply_fold(
            state.lanes[lane] ^ load_word(block + 16 * lane),
            CHECKSUM_KEYS[4 + lane] ^ load_word(block + 16 * lane + 8))


cdef inline void add_bytes(Checksum *state, const void *data, size_t size) noexcept nogil:
    """Adds bytes, padded with zeros to whole blocks."""
    cdef const uint8_t *byte = <const uint8_t *>data
    cdef uint8_t rest[CHECKSUM_BLOCK]
    state.length += size
    while size >= CHECKSUM_BLOCK:
        add_block(state, byte)
        byte += CHECKSUM_BLOCK
        size -= CHECKSUM_BLOCK
    if size:
        memset(rest, 0, CHECKSUM_BLOCK)
        memcpy(rest, byte, size)
        add_block(state, rest)


cdef inline uint64_t finish_checksum(const Checksum *state) noexcept nogil:
    cdef uint64_t result = state.length ^ CHECKSUM_KEYS[0]
    cdef int lane
    for lane in range(4):
        result = multiply_fold(result ^ state.lanes[lane], CHECKSUM_KEYS[4 + lane])
    return result


cdef inline uint64_t checksum_bytes(const void *data, size_t size, uint64_t seed) noexcept nogil:
    cdef Checksum state
    start_checksum(&state, seed)
    add_bytes(&state, data, size)
    return finish_checksum(&state)
