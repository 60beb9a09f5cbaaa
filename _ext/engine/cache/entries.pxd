# Entries of the piece cache (cache/cache.pxd), and the lines of two of them where a piece may be.
#
# Narrow entries have 32 bytes: pieces of up to 15 bytes with up to three ids (nearly all pieces).
# Medium ones have 64: pieces of up to 31 bytes with up to seven ids, words of scripts that take two
# or three bytes a character. Wide ones have 128: pieces of up to 63 bytes with up to 15 ids.
#
# A piece that finds its line full goes to the line's neighbour if there is room, where it is looked
# for when it is not in its own. When it is found there it changes places with the second entry of
# its line: what a text repeats most comes to lie where it is found at once. Without room a new
# piece replaces one of these four entries, nothing else: no wipe. So a look-up reads at most two
# lines, whatever the text does.
#
# An entry for a piece that has more ids than the entry has room for has their count; its ids mean
# nothing: they are in another table, or the piece must be merged again. A narrow key is marked
# then, so that the hot loop, which compares keys, need not ask whether an entry has the ids.
#
# Tried (benchmarks/NOTES.md): four or eight lines for a piece instead of two: no gain. New pieces
# kept in every other, fourth or eighth case only, once there is no room: no gain.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memcpy

from engine.base.types cimport check, likely
from engine.vocab.tables cimport Key, load_word

cdef enum:
    NARROW_IDS = 3
    MEDIUM_IDS = 7
    WIDE_IDS = 15
    MEDIUM_WORDS = 4           # 8-byte words of a medium key
    WIDE_WORDS = 8             # and of a wide one

cdef extern from *:
    """
    /* The highest bit of a key: no length has it. */
    #define BPECORE_WITHOUT_IDS (1ull << 63)
    static const uint8_t bpecore_large_key_masks[128] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    """
    const uint64_t WITHOUT_IDS "BPECORE_WITHOUT_IDS"
    const uint8_t[128] LARGE_KEY_MASKS "bpecore_large_key_masks"

cdef struct NarrowEntry:
    Key key                     # length 0: free; marked by WITHOUT_IDS: see above
    uint32_t ids[NARROW_IDS]
    uint32_t count              # of the piece; more than NARROW_IDS if the key is marked

cdef struct MediumEntry:
    uint64_t key[MEDIUM_WORDS]  # bytes of the piece, and its length in the highest byte; 0: free
    uint32_t ids[MEDIUM_IDS]
    uint32_t count              # of the piece; more than MEDIUM_IDS: they are elsewhere

cdef struct WideEntry:
    uint64_t key[WIDE_WORDS]    # likewise
    uint32_t ids[WIDE_IDS]
    uint32_t count              # of the piece, 1 to WIDE_IDS

ctypedef fused Entry:
    NarrowEntry
    MediumEntry
    WideEntry

ctypedef fused LargeEntry:
    MediumEntry
    WideEntry


cdef inline bint same_key(Key a, Key b) noexcept nogil:
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0


cdef inline Key marked(Key key) noexcept nogil:
    """Returns the key under which a piece is kept that has no ids in the narrow cache."""
    key.high |= WITHOUT_IDS
    return key


cdef inline void make_key(
    uint64_t *key, size_t words, const uint8_t *piece, size_t length, const uint8_t *readable_end
) noexcept nogil:
    """Makes the key of a medium or wide entry; reads nothing at or behind `readable_end`.

    Args:
        words: MEDIUM_WORDS or WIDE_WORDS, known when this is compiled.
        length: bytes of the piece, fewer than 8 for each word.
    """
    cdef uint8_t copy[8 * WIDE_WORDS]
    cdef size_t i
    check(0 < length < 8 * words)
    if readable_end - piece < <Py_ssize_t>(8 * words):
        memcpy(copy, piece, length)
        piece = copy
    for i in range(words):
        key[i] = load_word(piece + 8 * i) & load_word(
            LARGE_KEY_MASKS + 8 * WIDE_WORDS - length + 8 * i)
    key[words - 1] |= <uint64_t>length << 56


cdef inline void widen_key(
    const uint64_t *key, size_t words, uint64_t *wider, size_t wider_words
) noexcept nogil:
    """Makes the key of a larger entry from that of a smaller one, of 2 words if it is narrow."""
    cdef size_t i
    for i in range(wider_words):
        wider[i] = key[i] if i < words else 0
    wider[words - 1] &= UINT64_MAX >> 8
    wider[wider_words - 1] |= key[words - 1] >> 56 << 56


cdef inline bint is_free(const Entry *entry) noexcept nogil:
    if Entry is NarrowEntry:
        return entry.key.high >> 56 == 0
    elif Entry is MediumEntry:
        return entry.key[MEDIUM_WORDS - 1] >> 56 == 0
    else:
        return entry.key[WIDE_WORDS - 1] >> 56 == 0


cdef inline Entry *neighbour(Entry *line) noexcept nogil:
    """Returns the line that shares twice its own size, aligned, with a line: of two narrow ones
    processors fetch both."""
    return <Entry *>(<size_t>line ^ (2 * sizeof(Entry)))


cdef inline bint same_piece(Key kept, Key key) noexcept nogil:
    """Whether an entry's key, marked or not, is that of a piece."""
    return ((kept.low ^ key.low) | (kept.high ^ key.high) << 1) == 0


cdef inline bint same_large(const LargeEntry *entry, const uint64_t *key) noexcept nogil:
    cdef uint64_t different = 0
    cdef size_t i
    for i in range(sizeof(entry.key) // sizeof(uint64_t)):
        different |= entry.key[i] ^ key[i]
    return different == 0


cdef inline NarrowEntry *find_narrow(NarrowEntry *line, Key key) noexcept nogil:
    """Returns the entry of a line, or behind it of its neighbour, for a piece, or NULL."""
    cdef NarrowEntry *other = neighbour(line)
    if same_piece(line.key, key):
        return line
    if same_piece(line[1].key, key):
        return line + 1
    if is_free(line + 1):
        return NULL    # nothing had to go next door
    if same_piece(other.key, key):
        return other
    return other + 1 if same_piece(other[1].key, key) else NULL


cdef inline LargeEntry *find_large(LargeEntry *line, const uint64_t *key) noexcept nogil:
    """Returns the entry of a line, or behind it of its neighbour, that has this key, or NULL."""
    cdef LargeEntry *other = neighbour(line)
    if same_large(line, key):
        return line
    if same_large(line + 1, key):
        return line + 1
    if is_free(line + 1):
        return NULL    # nothing had to go next door
    if same_large(other, key):
        return other
    return other + 1 if same_large(other + 1, key) else NULL


cdef inline Entry *brought_home(Entry *line, Entry *entry) noexcept nogil:
    """Moves an entry that was found next door into its own line; returns where it is then.

    It changes places with the line's second entry. So what a text repeats most comes to lie where
    the hot loop finds it.
    """
    cdef Entry second
    if entry == line or entry == line + 1:
        return entry
    second = line[1]
    line[1] = entry[0]
    entry[0] = second
    return line + 1


cdef inline Entry *place_for(Entry *line, size_t *given_up) noexcept nogil:
    """Returns where a new piece of a line goes: a free entry there or next door, or one that is
    given up.

    Which of the four goes round, with each that is given up anywhere. So it soon is one that nobody
    asks for; of three pieces that a text repeats in one line, the oldest would always be wrong.

    Args:
        given_up: counts those that are.
    """
    cdef Entry *other = neighbour(line)
    if is_free(line):
        return line
    if is_free(line + 1):
        return line + 1
    if is_free(other + 1):
        return other + 1
    if is_free(other):
        return other
    given_up[0] += 1
    return (other if given_up[0] & 2 else line) + (given_up[0] & 1)


cdef inline void copy_ids(uint32_t *out, const NarrowEntry *entry) noexcept nogil:
    """Writes the entry's ids, and behind them its count, at once: whatever is too much will be
    written over. `out` has room for four."""
    memcpy(out, entry.ids, 4 * sizeof(uint32_t))


cdef inline bint copy_large_ids(
    LargeEntry *line, const uint64_t *key, uint32_t *out, size_t *count
) noexcept nogil:
    """Writes the ids that a line, or its neighbour, has for a piece; returns whether it is there.

    Args:
        out: room for as many ids as an entry may have, all of which are written.
        count: receives how many the piece has; if more than an entry may have, these mean nothing.
    """
    # Nobody can foretell which entry it is: a wrong guess would wait for the line first.
    cdef LargeEntry *entry = line + (line.key[0] != key[0])
    if not likely(same_large(entry, key)):
        entry = find_large(line, key)
        if entry == NULL:
            return False
        entry = brought_home(line, entry)
    memcpy(out, entry.ids, sizeof(entry.ids))
    count[0] = entry.count
    return True
