# Finds what repeats in a long piece, and writes the tokens of what was left out of it.
#
# Call a *repeat* a stretch in which each byte equals the one `period` bytes before it: a million
# spaces, a rule drawn with dashes. Merging it makes the same tokens again and again, a *cycle*. So
# most of each repeat is left out, a whole number of cycles; the shortened piece is encoded; and
# each cycle is written as often as it was left out (encode/repeats.pxd does all this).
#
# This is exact in every vocabulary. Tokens are the BPE of their joint bytes if and only if all
# neighbours are compatible (proof: docs/decisions/growing-counts.md). Let the shortened piece have
# the tokens … a … b a …, with both a's in a repeat and a whole number of periods between their
# starts. With the tokens from the first a to b inserted once more, the bytes are those of the piece
# with that much more of the repeat, and each pair of neighbours was there before: b a is the only
# joint.
#
# Time: O(n) to find and to write the repeats. Space: 1 byte per byte of the shortened piece. Loses
# where a unit is longer than `longest_period`, or a cycle than most of what is kept: there, all is
# merged. Figures: docs/decisions/long-runs.md.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove

from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, check
from engine.merge.queue cimport MergeMemory
from engine.vocab.tables cimport Vocabulary, index_of, load_word, token_length

cdef enum:
    REPEAT_LEAST = 512       # of the fields of a RepeatScale; also the shortest piece's bytes
    REPEAT_KEPT = 320
    LONGEST_PERIOD = 32
    REPEAT_STEP = 128
    LONG_REPEATS = 1 << 14   # bytes of a piece from which only long repeats are looked for:
    LONG_LEAST = 4096
    LONG_KEPT = 1024
    LONG_PERIOD = 256
    LONG_STEP = 2048
    CYCLE_TRIES = 4          # tokens, one of which has to come again
    MOST_COMPARED = 4096     # bytes compared at once, at first

cdef struct RepeatScale:
    size_t least             # bytes of a stretch worth shortening
    size_t kept              # bytes that are merged, and less than a cycle more
    size_t longest_period    # bytes
    size_t step              # the distance between places where periods are looked for: each
    #                          repeat holds one, and the 2 * longest_period bytes read there

cdef struct Repeat:
    size_t start      # in the piece, in bytes; then in the shortened piece
    size_t end
    size_t cycle      # bytes
    size_t times      # how often the cycle was left out
    size_t first      # place of the cycle's first token among those of the shortened piece
    size_t tokens     # of the cycle

cdef struct Shortened:
    uint8_t *bytes    # borrowed from a MergeMemory, as `repeats` is
    size_t length
    Repeat *repeats
    size_t count      # of repeats; if 0, nothing was left out, and nothing else is set


cdef inline RepeatScale scale_of(size_t length) noexcept nogil:
    """Returns what to look for in a piece of `length` bytes.

    What is kept of a repeat in a shorter piece fits the cache, so that a rule of any length costs
    little more than a look-up.
    """
    cdef RepeatScale scale
    if length < LONG_REPEATS:
        scale.least = REPEAT_LEAST
        scale.kept = REPEAT_KEPT
        scale.longest_period = LONGEST_PERIOD
        scale.step = REPEAT_STEP
    else:
        scale.least = LONG_LEAST
        scale.kept = LONG_KEPT
        scale.longest_period = LONG_PERIOD
        scale.step = LONG_STEP
    return scale


cdef inline size_t period_at(const uint8_t *text, size_t longest) noexcept nogil:
    """Returns the shortest period of the 2 * `longest` bytes at `text`, or 0."""
    cdef uint64_t first = load_word(text)
    cdef size_t period
    for period in range(1, longest + 1):
        if load_word(text + period) == first and memcmp(text, text + period, longest) == 0:
            return period
    return 0


cdef inline int find_repeat_end(
    const uint8_t *piece, size_t place, size_t period, size_t length, Interrupt *interrupt,
    size_t *end
) noexcept nogil:
    """Finds where the repeat ends that has this period at `place`."""
    cdef size_t compared = MOST_COMPARED
    cdef int status
    end[0] = place + period
    while compared:
        while (end[0] + compared <= length
               and memcmp(piece + end[0] - period, piece + end[0], compared) == 0):
            end[0] += compared
            status = count_work(interrupt, compared)
            if status != STATUS_OK:
                return status
        compared >>= 6
    return STATUS_OK


cdef inline int find_repeat(
    const uint8_t *piece, size_t place, size_t length, Interrupt *interrupt, Repeat *repeat,
    size_t *period
) noexcept nogil:
    """Finds the next repeat of a piece that begins at `place` or later.

    Args:
        repeat: receives its start and end.
        period: receives its period; 0 if there is none.
    """
    cdef RepeatScale scale = scale_of(length)
    cdef size_t earliest = place
    cdef int status
    while place + 2 * scale.longest_period <= length:
        status = count_work(interrupt, scale.step)
        if status != STATUS_OK:
            return status
        period[0] = period_at(piece + place, scale.longest_period)
        if period[0] == 0:
            place += scale.step
            continue
        status = find_repeat_end(piece, place, period[0], length, interrupt, &repeat.end)
        if status != STATUS_OK:
            return status
        while place > earliest and piece[place - 1] == piece[place - 1 + period[0]]:
            place -= 1
        repeat.start = place
        if repeat.end - place >= scale.least:
            return STATUS_OK
        place = earliest = repeat.end
    period[0] = 0
    return STATUS_OK


cdef inline size_t length_of_id(const Vocabulary *vocabulary, uint32_t token_id) noexcept nogil:
    return token_length(vocabulary, index_of(vocabulary, token_id))


cdef inline size_t tokens_of_cycle(
    const Vocabulary *vocabulary, const uint32_t *ids, size_t count, size_t period, size_t *cycle
) noexcept nogil:
    """Returns how many of the tokens at `ids` are a cycle, or 0 if there is none.

    Args:
        cycle: bytes of the cycle that is looked for; if 0, receives those of the shortest one.
    """
    cdef size_t i, length = 0
    for i in range(count):
        if ids[i] == ids[0] and length and (
                length == cycle[0] or (cycle[0] == 0 and length % period == 0)):
            cycle[0] = length
            return i
        length += length_of_id(vocabulary, ids[i])
        if cycle[0] and length > cycle[0]:
            break
    return 0


cdef inline size_t find_cycle(
    const Vocabulary *vocabulary, const uint32_t *ids, size_t count, size_t period
) noexcept nogil:
    """Returns how many bytes of a repeat make a cycle, or 0.

    Args:
        ids: of the repeat's first bytes.
    """
    cdef size_t i, cycle = 0
    for i in range(min(count, <size_t>CYCLE_TRIES)):
        if tokens_of_cycle(vocabulary, ids + i, count - i, period, &cycle):
            break
    return cycle


cdef inline int reserve(ByteBuffer *buffer, size_t size) noexcept nogil:
    """Makes room for `size` bytes, in amortised constant time per byte."""
    return STATUS_OK if size <= buffer.capacity else grow_bytes(buffer, size + buffer.capacity)


cdef inline int append_bytes(
    MergeMemory *memory, Shortened *shortened, const uint8_t *start, const uint8_t *end
) noexcept nogil:
    if reserve(&memory.shortened, shortened.length + (end - start)) != STATUS_OK:
        return STATUS_NO_MEMORY
    shortened.bytes = memory.shortened.data
    memcpy(shortened.bytes + shortened.length, start, end - start)
    shortened.length += end - start
    return STATUS_OK


cdef inline int append_repeat(
    MergeMemory *memory, Shortened *shortened, const Repeat *repeat
) noexcept nogil:
    if reserve(&memory.repeats, (shortened.count + 1) * sizeof(Repeat)) != STATUS_OK:
        return STATUS_NO_MEMORY
    shortened.repeats = <Repeat *>memory.repeats.data
    shortened.repeats[shortened.count] = repeat[0]
    shortened.count += 1
    return STATUS_OK


cdef inline bint find_cycles(
    const Vocabulary *vocabulary, const Shortened *shortened, const uint32_t *ids, size_t count
) noexcept nogil:
    """Finds the cycle of each repeat among the tokens; returns whether there is one in each."""
    cdef Repeat *repeat
    cdef size_t i, _, first = 0, offset = 0
    for i in range(shortened.count):
        repeat = shortened.repeats + i
        while first < count and offset < repeat.start:
            offset += length_of_id(vocabulary, ids[first])
            first += 1
        repeat.tokens = 0
        for _ in range(CYCLE_TRIES):
            if first == count or offset + repeat.cycle > repeat.end:
                break
            repeat.first = first
            repeat.tokens = tokens_of_cycle(
                vocabulary, ids + first, count - first, 1, &repeat.cycle)
            if repeat.tokens:
                break
            offset += length_of_id(vocabulary, ids[first])
            first += 1
        if repeat.tokens == 0:
            return False
    return True


cdef inline int write_cycles(
    const Shortened *shortened, Interrupt *interrupt, uint32_t *ids, size_t *count
) noexcept nogil:
    """Inserts the cycles that were left out, from the last to the first.

    Args:
        ids: room for as many as the piece has bytes.
        count: of the ids; receives their new number.
    """
    cdef const Repeat *repeat
    cdef size_t i, moved = count[0], place, end
    cdef int status
    for i in range(shortened.count):
        count[0] += shortened.repeats[i].times * shortened.repeats[i].tokens
    place = count[0]
    for i in range(shortened.count):
        repeat = shortened.repeats + (shortened.count - 1 - i)
        place -= moved - repeat.first
        memmove(ids + place, ids + repeat.first, (moved - repeat.first) * sizeof(uint32_t))
        moved = repeat.first
        end = place - repeat.times * repeat.tokens
        while place > end:
            place -= 1
            ids[place] = ids[place + repeat.tokens]
            status = count_work(interrupt, 1)
            if status != STATUS_OK:
                return status
    check(place == moved)
    return STATUS_OK
