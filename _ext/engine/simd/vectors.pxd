# What the C headers of this room offer: vector functions, and the tables and blocks they work on.
#
# Which instruction set runs is chosen when the extension is imported (api/process/simd.pxi), and
# each engine has a copy of the choice. Plain C does the same work on words of 64 bits.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "engine/simd/vectors.h" nogil:
    ctypedef struct CharacterTables "bpecore_character_tables":
        const uint8_t *kinds
        const uint8_t *page_kinds
        const uint64_t *borders
        uint32_t border_shift
        const uint8_t *before_fragments
        const uint8_t *after_fragments
        const uint8_t *fragment_left
        const uint8_t *fragment_right
    ctypedef struct Block "bpecore_block":
        uint8_t *bytes
        uint8_t *places
        uint64_t *masks
        uint64_t cuts
        uint32_t byte_count
        uint32_t characters
        uint32_t last
    ctypedef struct Beginnings "bpecore_beginnings":
        # How special tokens begin
        uint32_t characters[8]    # the first ones, if there are at most 8
        uint32_t count            # of first characters
        uint32_t next             # the lowest second character; 0 if a token has none
        uint32_t span             # up to the highest one
    ctypedef struct Vectors "bpecore_vectors":
        # Returns where, among `length` characters of 1, 2 or 4 bytes, the first block of 64 is in
        # which a special token may begin, or `length`; `found` receives a bit for each place. It
        # reads up to `readable` characters. Precondition: there are at most 8 first characters.
        size_t (*find)(const void *text, int width, size_t length, size_t readable,
                       const Beginnings *beginnings, uint64_t *found) noexcept nogil
        # Turns kinds, or ASCII characters, into words of bits; NULL = the automaton splits all.
        void (*masks)(const uint8_t *source, size_t blocks, int from_what,
                      uint64_t *masks) noexcept nogil
        # Writes 64 characters as bytes; returns whether all were ASCII.
        bint (*pack_ascii)(const void *source, int width, uint8_t *out) noexcept nogil
        # Writes the places of the words' bits, and up to 16 values more; returns how many there
        # are. A block's table of `places` says where a bit's character begins in it.
        size_t (*places)(const uint64_t *words, size_t blocks, const uint32_t *block_starts,
                         const uint8_t *places, size_t stride, uint32_t *out) noexcept nogil
        # Encodes 64 characters; returns False if one is a surrogate or above 0xFFFF. May be NULL.
        bint (*encode_block)(const void *source, int width, uint32_t previous,
                             const CharacterTables *tables, Block *block) noexcept nogil
        # Reads up to 64 characters of UTF-8, which stays where it is: `block.bytes` is not used.
        # Returns their bytes; 0 if they are not valid or have one above 0xFFFF. May be NULL.
        size_t (*read_block)(const uint8_t *text, size_t left, uint32_t previous,
                             const CharacterTables *tables, Block *block) noexcept nogil
        # Decodes UTF-8 as long as it is valid and has no character above 0xFFFF. Returns how many
        # characters it wrote, after which it may write 64 more. May be NULL.
        size_t (*decode)(const uint8_t *text, size_t length, uint16_t *out,
                         size_t *decoded) noexcept nogil
        # Returns whether all bytes are below 0x80. May be NULL.
        bint (*is_ascii)(const uint8_t *text, size_t length) noexcept nogil
    enum:
        MIXED_KINDS    # the entry of a page of characters of several kinds
        # What `masks` reads: kinds; ASCII characters; these, where control characters are odd
        FROM_KINDS, FROM_ASCII, FROM_ASCII_CONTROLS
    # The kinds of ASCII characters, by one of the last two.
    const uint8_t[3][128] ASCII_KINDS "bpecore_ascii_kind"
    # Where each of 64 ASCII characters begins in its block: the numbers from 0 on.
    const uint8_t[64] ASCII_PLACES "bpecore_numbers"
    # Writes the kinds of 16 ASCII characters.
    void ascii_kinds "bpecore_ascii_kinds" (
        const uint8_t *text, bint odd_controls, uint8_t *kinds) noexcept
    Vectors vectors_named "bpecore_vectors_named" (const char *name) noexcept

    # Borders between characters: see vocab/borders.pxd. Tables of flags have false positives.
    const uint32_t CHARACTER_FACTOR "BPECORE_CHARACTER_FACTOR"
    const uint32_t BORDER_FACTOR "BPECORE_BORDER_FACTOR"
    bint is_flagged "bpecore_is_flagged" (const uint8_t *flags, uint32_t character) noexcept
    void set_flag "bpecore_set_flag" (uint8_t *flags, uint32_t character) noexcept

    # Returns a bit for each of eight words that equals `word`.
    uint32_t equal_words "bpecore_equal_words" (const uint32_t *words, uint32_t word) noexcept
    # Returns which of three 16-byte keys equals `key`, or 3 if none does.
    uint32_t equal_key "bpecore_equal_key" (const void *keys, const void *key) noexcept
    # Returns the least of some words, 16 or a multiple.
    int32_t least_word "bpecore_least_word" (const int32_t *words, size_t count) noexcept
    # Returns whether two 16-byte keys equal two others, ignoring the highest bit of each.
    bint same_pieces "bpecore_equal_pieces" (
        const void *kept, const void *key, const void *next_kept, const void *next_key) noexcept

# Two steps of build/parts.pxd, which explains the terms, for eight tokens at a time.
cdef extern from "engine/simd/parts_avx2.h" nogil:
    cdef enum:
        GATHERED "BPECORE_GATHERED"
        GATHERED_LENGTH "BPECORE_GATHERED_LENGTH"
        NEIGHBOURS "BPECORE_NEIGHBOURS"
    const uint32_t BYTE_PART "BPECORE_BYTE_PART"    # marks a part that is a byte
    ctypedef struct RankFilter "bpecore_rank_filter":
        uint8_t *earliness    # by the highest bits of a hash; 0, or that of the earliest token or
        #                       pair with such a hash
        uint32_t shift        # 32 minus the binary logarithm of its size
    ctypedef struct RatedTokens "bpecore_rated_tokens":
        const uint8_t *token_bytes
        const uint32_t *starts
        const uint32_t *indices
        uint32_t length       # in bytes
        const uint32_t *powers
        size_t stride         # from the ratings of one cut to those of the next
    ctypedef struct Neighbours "bpecore_neighbours":
        uint32_t count
        uint32_t *places      # of the tokens in their group
        uint32_t *left        # the neighbours at the border
        uint32_t *right
        uint32_t *limits      # merging into a token below this would have come first
    void rate_cuts_of_eight "bpecore_rate_cuts" (
        const RankFilter *filter, const RatedTokens *tokens, uint32_t place, uint32_t *ratings,
        uint32_t *best, uint32_t *whole) noexcept
    void step_back_by_eight "bpecore_step_back" (
        const RankFilter *filter, const uint32_t *pair_factors, uint32_t scale,
        const uint32_t *lefts, const uint32_t *rights, Neighbours *walks,
        Neighbours *suspects) noexcept
