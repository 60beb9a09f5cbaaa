# Merges a long piece that repeats something: a million spaces, a rule drawn with dashes.
#
# Call a *repeat* a stretch of REPEAT_LEAST bytes or more in which each byte equals the one `period`
# bytes before it. Merging it makes the same tokens again and again, a *cycle*. So most of each
# repeat is left out, a whole number of cycles; the shortened piece is merged; and each cycle is
# written as often as it was left out.
#
# This is exact in every vocabulary. Tokens are the BPE of their joint bytes if and only if all
# neighbours are compatible (proof: docs/decisions/growing-counts.md). Let the shortened piece have
# the tokens … a … b a …, with both a's in a repeat and a whole number of periods between their
# starts. With the tokens from the first a to b inserted once more, the bytes are those of the piece
# with that much more of the repeat, and each pair of neighbours was there before: b a is the only
# joint. Where no such cycle is found, the whole piece is merged.
#
# Time: O(n) to find and to write the repeats, plus what merging the rest takes; at most twice as
# long as without looking for repeats, for a vocabulary made for that. Space: 1 byte per byte of
# the shortened piece. Loses where a unit is longer than LONGEST_PERIOD: it is not recognised.
# Figures: docs/decisions/long-runs.md.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp, memcpy, memmove

from engine.base.heap cimport ByteBuffer, grow_bytes
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK, check
from engine.merge.by_queue cimport merge_by_queue
from engine.merge.queue cimport MergeMemory
from engine.vocab.tables cimport Vocabulary, token_length

cdef enum:
    REPEAT_LEAST = 4096      # bytes of a stretch worth shortening
    REPEAT_KEPT = 1024       # bytes that are merged, and less than a cycle more
    LONGEST_PERIOD = 256     # bytes
    # The distance between places where periods are looked for: each repeat holds one of them, and
    # the 2 * LONGEST_PERIOD bytes that are read there.
    SAMPLE_STEP = 2048
    COMPARED_BYTES = 4096

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


cdef inline size_t period_at(const uint8_t *text) noexcept nogil:
    """Returns the shortest period of the 2 * LONGEST_PERIOD bytes at `text`, or 0."""
    cdef size_t period
    for period in range(1, LONGEST_PERIOD + 1):
        if memcmp(text, text + period, LONGEST_PERIOD) == 0:
            return period
    return 0


cdef inline int find_repeat_end(
    const uint8_t *piece, size_t place, size_t period, size_t length, Interrupt *interrupt,
    size_t *end
) noexcept nogil:
    """Finds where the repeat ends that has this period at `place`."""
    cdef int status
    end[0] = place + period
    while (end[0] + COMPARED_BYTES <= length
           and memcmp(piece + end[0] - period, piece + end[0], COMPARED_BYTES) == 0):
        end[0] += COMPARED_BYTES
        status = count_work(interrupt, COMPARED_BYTES)
        if status != STATUS_OK:
            return status
    while end[0] < length and piece[end[0] - period] == piece[end[0]]:
        end[0] += 1
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
    cdef size_t earliest = place
    cdef int status
    while place + 2 * LONGEST_PERIOD <= length:
        status = count_work(interrupt, SAMPLE_STEP)
        if status != STATUS_OK:
            return status
        period[0] = period_at(piece + place)
        if period[0] == 0:
            place += SAMPLE_STEP
            continue
        status = find_repeat_end(piece, place, period[0], length, interrupt, &repeat.end)
        if status != STATUS_OK:
            return status
        while place > earliest and piece[place - 1] == piece[place - 1 + period[0]]:
            place -= 1
        repeat.start = place
        if repeat.end - place >= REPEAT_LEAST:
            return STATUS_OK
        place = earliest = repeat.end
    period[0] = 0
    return STATUS_OK


cdef inline size_t part_length(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    """Returns the length in bytes of a part, which may be a byte that is not a token."""
    return 1 if index >= vocabulary.token_count else token_length(vocabulary, index)


cdef inline size_t tokens_of_cycle(
    const Vocabulary *vocabulary, const uint32_t *parts, size_t count, size_t period,
    size_t *cycle
) noexcept nogil:
    """Returns how many of the parts at `parts` are a cycle, or 0 if there is none.

    Args:
        cycle: bytes of the cycle that is looked for; if 0, receives those of the shortest one.
    """
    cdef size_t i, length = 0
    for i in range(count):
        if parts[i] == parts[0] and length and (
                length == cycle[0] or (cycle[0] == 0 and length % period == 0)):
            cycle[0] = length
            return i
        length += part_length(vocabulary, parts[i])
    return 0


cdef inline int find_cycle(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *repeat,
    size_t period, uint32_t *parts, size_t *cycle
) noexcept nogil:
    """Finds how many bytes of a repeat make a cycle; 0 if none is short enough.

    Args:
        parts: scratch memory, REPEAT_KEPT parts.
    """
    cdef size_t count, first = 0, offset = 0
    cdef int status = merge_by_queue(
        vocabulary, memory, interrupt, repeat, REPEAT_KEPT, parts, &count)
    cycle[0] = 0
    if status != STATUS_OK:
        return status
    while offset < REPEAT_KEPT // 2:
        offset += part_length(vocabulary, parts[first])
        first += 1
    tokens_of_cycle(vocabulary, parts + first, count - first, period, cycle)
    return STATUS_OK


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


cdef inline int shorten(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *scratch, Shortened *shortened
) noexcept nogil:
    """Copies a piece without most of its repeats.

    Args:
        scratch: room for REPEAT_KEPT parts.
    """
    cdef size_t place = 0, copied = 0, period, left_out
    cdef Repeat repeat
    cdef int status
    shortened.length = 0
    shortened.count = 0
    while True:
        status = find_repeat(piece, place, length, interrupt, &repeat, &period)
        if status != STATUS_OK or period == 0:
            break
        place = repeat.end
        status = find_cycle(
            vocabulary, memory, interrupt, piece + repeat.start, period, scratch, &repeat.cycle)
        if status != STATUS_OK:
            break
        if repeat.cycle == 0:
            continue
        repeat.times = (repeat.end - repeat.start - REPEAT_KEPT) // repeat.cycle
        left_out = repeat.times * repeat.cycle
        repeat.start = shortened.length + (repeat.start - copied)
        status = append_bytes(memory, shortened, piece + copied, piece + place - left_out)
        if status != STATUS_OK or reserve(
                &memory.repeats, (shortened.count + 1) * sizeof(Repeat)) != STATUS_OK:
            return STATUS_NO_MEMORY
        repeat.end = shortened.length
        copied = place
        shortened.repeats = <Repeat *>memory.repeats.data
        shortened.repeats[shortened.count] = repeat
        shortened.count += 1
    if status == STATUS_OK and shortened.count:
        status = append_bytes(memory, shortened, piece + copied, piece + length)
    return status


cdef inline bint find_cycles(
    const Vocabulary *vocabulary, const Shortened *shortened, const uint32_t *parts, size_t count
) noexcept nogil:
    """Finds the cycle of each repeat among the parts; returns whether there is one in each."""
    cdef Repeat *repeat
    cdef size_t i, first = 0, offset = 0
    for i in range(shortened.count):
        repeat = shortened.repeats + i
        while first < count and offset < repeat.start + REPEAT_KEPT // 2:
            offset += part_length(vocabulary, parts[first])
            first += 1
        repeat.first = first
        repeat.tokens = tokens_of_cycle(vocabulary, parts + first, count - first, 1, &repeat.cycle)
        if repeat.tokens == 0 or offset + repeat.cycle > repeat.end:
            return False
    return True


cdef inline int write_cycles(
    const Shortened *shortened, Interrupt *interrupt, uint32_t *parts, size_t *count
) noexcept nogil:
    """Inserts the cycles that were left out, from the last to the first.

    Args:
        parts: room for as many parts as the piece has bytes.
        count: of the parts; receives their new number.
    """
    cdef const Repeat *repeat
    cdef size_t i, part = count[0], place, end
    cdef int status
    for i in range(shortened.count):
        count[0] += shortened.repeats[i].times * shortened.repeats[i].tokens
    place = count[0]
    for i in range(shortened.count):
        repeat = shortened.repeats + (shortened.count - 1 - i)
        place -= part - repeat.first
        memmove(parts + place, parts + repeat.first, (part - repeat.first) * sizeof(uint32_t))
        part = repeat.first
        end = place - repeat.times * repeat.tokens
        while place > end:
            place -= 1
            parts[place] = parts[place + repeat.tokens]
            status = count_work(interrupt, 1)
            if status != STATUS_OK:
                return status
    check(place == part)
    return STATUS_OK


cdef inline int merge_repeats(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *piece,
    size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Merges a piece of REPEAT_LEAST bytes or more; arguments as for `merge_by_queue`."""
    cdef Shortened shortened
    cdef int status = shorten(vocabulary, memory, interrupt, piece, length, out, &shortened)
    if status != STATUS_OK:
        return status
    if shortened.count:
        status = merge_by_queue(vocabulary, memory, interrupt, shortened.bytes, shortened.length,
                                out, count)
        if status != STATUS_OK:
            return status
        if find_cycles(vocabulary, &shortened, out, count[0]):
            return write_cycles(&shortened, interrupt, out, count)
    return merge_by_queue(vocabulary, memory, interrupt, piece, length, out, count)
