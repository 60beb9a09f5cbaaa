# Encodes a text that is split several times, one split after the other (split/ranges.pxd).
#
# The ranges that are left are pieces, and they are encoded in groups like those of other texts.
#
# Time: linear in the text, for each split. Space: 32 bytes per range, and a copy of the text if a
# blank goes before each. Loses to one pattern by far (docs/decisions/split-chains.md).

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from engine.base.heap cimport ByteBuffer, grow_bytes, release
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK
from engine.cache.cache cimport expect_text
from engine.encode.call cimport Engine
from engine.encode.groups cimport encode_scanned
from engine.encode.unknown cimport end_pieces, let_cache_grow
from engine.encode.workspace cimport Workspace
from engine.sink.id_buffer cimport IdBuffer
from engine.split.automaton cimport GROUP_PIECES, ScannedPieces
from engine.split.guided cimport BackwardStates, free_states
from engine.split.ranges cimport Range, Ranges, Split, all_ranges, append_range, split_all

cdef struct Chain:
    const Split *splits     # borrowed
    size_t count            # of splits
    size_t before_blanks    # splits before a blank is put before each range that has none; above
    #                         `count`: none is


cdef struct ChainMemory:
    Ranges ranges           # owned: what the splits so far have left
    Ranges next_ranges      # owned: what the next one leaves
    BackwardStates states   # owned
    ByteBuffer text         # owned: with blanks


cdef inline int put_blanks(
    ChainMemory *memory, const uint8_t **text, size_t *length
) noexcept nogil:
    """Makes a text of which each range begins with a blank."""
    cdef Range *item
    cdef size_t i, size, place = 0
    if grow_bytes(&memory.text, length[0] + memory.ranges.count + LOAD_SLACK) != STATUS_OK:
        return STATUS_NO_MEMORY
    for i in range(memory.ranges.count):
        item = all_ranges(&memory.ranges) + i
        size = item.stop - item.start
        memory.text.data[place] = c' '
        if text[0][item.start] == c' ':
            memcpy(memory.text.data + place, text[0] + item.start, size)
        else:
            memcpy(memory.text.data + place + 1, text[0] + item.start, size)
            size += 1
        item.start = place
        item.stop = place = place + size
    text[0] = memory.text.data
    length[0] = place
    return STATUS_OK


cdef inline int encode_ranges(
    const Engine *engine, Workspace *workspace, const Ranges *ranges, const uint8_t *text,
    size_t length, IdBuffer *sink
) noexcept nogil:
    """Encodes ranges of a text, each as a piece."""
    cdef const Range *items = all_ranges(ranges)
    cdef size_t i = 0, count
    cdef int status = STATUS_OK
    while status == STATUS_OK and i < ranges.count:
        let_cache_grow(workspace)
        workspace.scanned.start = items[i].start
        count = 0
        while True:
            workspace.scanned.ends[count] = <uint32_t>(items[i].stop - workspace.scanned.start)
            count += 1
            i += 1
            if (count == GROUP_PIECES or i == ranges.count
                    or items[i].start != items[i - 1].stop):
                break
        workspace.scanned.count = count
        status = encode_scanned(engine.vocabulary, workspace, text, text + length, False, sink)
        if status == STATUS_OK:
            status = count_work(
                &workspace.interrupt, items[i - 1].stop - workspace.scanned.start)
    return end_pieces(engine.vocabulary, workspace, status, False, sink)


cdef inline void open_chain(ChainMemory *memory) noexcept nogil:
    """Prepares; `close_chain` must follow."""
    memset(memory, 0, sizeof(ChainMemory))


cdef inline void close_chain(ChainMemory *memory) noexcept nogil:
    release(memory.ranges.memory.data)
    release(memory.next_ranges.memory.data)
    release(memory.text.data)
    free_states(&memory.states)


cdef inline int split_by_chain(
    const Chain *chain, ScannedPieces *scanned, Interrupt *interrupt, const uint8_t **text,
    size_t *length, ChainMemory *memory
) noexcept nogil:
    """Finds the pieces of a text, as `memory.ranges`.

    Args:
        text: valid UTF-8, not empty; receives the text that the ranges are in.
        length: in bytes, at most UINT32_MAX - GROUP_PIECES, so that the ends of a group fit in 32
            bits with its blanks; below 1 GB if a pattern looks around.
    """
    cdef Ranges swapped
    cdef size_t i
    cdef int status = append_range(&memory.ranges, 0, length[0])
    for i in range(chain.count + 1):
        if i == chain.before_blanks and status == STATUS_OK:
            status = put_blanks(memory, text, length)
        if i == chain.count or status != STATUS_OK:
            break
        status = split_all(chain.splits + i, text[0], &memory.ranges, scanned, &memory.states,
                           interrupt, &memory.next_ranges)
        swapped = memory.ranges
        memory.ranges = memory.next_ranges
        memory.next_ranges = swapped
    return status


cdef inline int encode_chained(
    const Engine *engine, Workspace *workspace, const Chain *chain, const uint8_t *text,
    size_t length, IdBuffer *sink
) noexcept nogil:
    """Encodes a text; the engine's own pattern is not used. Arguments as for `split_by_chain`."""
    cdef ChainMemory memory
    cdef int status
    workspace.last_piece_ids = 0
    expect_text(&workspace.cache, length)
    open_chain(&memory)
    status = split_by_chain(
        chain, &workspace.scanned, &workspace.interrupt, &text, &length, &memory)
    if status == STATUS_OK:
        status = encode_ranges(engine, workspace, &memory.ranges, text, length, sink)
    close_chain(&memory)
    return status
