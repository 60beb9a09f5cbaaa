# The tokens at the beginning of a long piece that nothing after it can change.
#
# Take the piece's first n bytes, which belong to it however it goes on. The tokens of the whole
# piece end at some of the last `longest_token` places of these n bytes, because the token that
# reaches over their end is no longer. From each of these places, the last tokens of the beginnings
# (prefix_counts.pxd) lead back to the piece's start. Where all these ways have met, every BPE of
# the piece has a joint, and the tokens before it are settled. What follows is the BPE of its own
# bytes (docs/decisions/growing-counts.md), so it can be treated as a piece that is only merged.
#
# Exact for every vocabulary. Time: that of the prefix counts. Space: 8 bytes per byte of the
# stretch in which the ways meet, at first `stretch`. Loses on a piece whose ways never meet: it is
# held as a whole, and looked at again each time it has doubled.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from engine.base.heap cimport allocate_zeroed, release
from engine.base.interrupt cimport WORK_BETWEEN_CHECKS, Interrupt, count_work
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.growing.prefix_counts cimport PrefixCounts, PrefixTables, extend_counts, length_of
from engine.growing.token_parts cimport TokenParts
from engine.merge.queue cimport free_merge_memory
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.split.automaton cimport Automaton
from engine.split.coverage cimport find_lasting_states
from engine.vocab.tables cimport Vocabulary, id_of

cdef struct Settling:
    PrefixTables *tables     # owned; NULL: nothing is ever settled
    PrefixCounts counts      # of the piece, or of what follows its settled tokens
    uint8_t *reached         # owned: [longest token], scratch of `common_place`
    uint8_t *lasting         # owned: by state of the automaton, see split/coverage.pxd
    size_t stretch           # bytes that are looked at together
    size_t wanted            # bytes of the piece to wait for
    bint inside              # whether tokens of the piece have been settled


cdef inline void close_settling(Settling *settling) noexcept nogil:
    release(settling.counts.last)
    release(settling.counts.counts)
    release(settling.reached)
    release(settling.lasting)
    if settling.tables != NULL:
        release(settling.tables.memory.data)
        free_merge_memory(&settling.tables.merging)
    release(settling.tables)
    memset(settling, 0, sizeof(Settling))


cdef inline int open_settling(
    Settling *settling, const Vocabulary *vocabulary, const TokenParts *parts,
    const Automaton *automaton, uint32_t state_count, size_t stretch
) noexcept nogil:
    """Begins to settle tokens. After a failure the struct is as if it had not."""
    memset(settling, 0, sizeof(Settling))
    settling.stretch = max(stretch, <size_t>vocabulary.longest_token + 1)
    settling.wanted = settling.stretch
    settling.reached = <uint8_t *>allocate_zeroed(<size_t>vocabulary.longest_token + 1, 1)
    settling.tables = <PrefixTables *>allocate_zeroed(1, sizeof(PrefixTables))
    settling.lasting = <uint8_t *>allocate_zeroed(state_count, 1)
    if settling.reached == NULL or settling.tables == NULL or settling.lasting == NULL:
        close_settling(settling)
        return STATUS_NO_MEMORY
    find_lasting_states(automaton, state_count, settling.lasting)
    settling.tables.vocabulary = vocabulary
    settling.tables.parts = parts
    return STATUS_OK


cdef inline void begin_unsettled(Settling *settling) noexcept nogil:
    """Begins a piece."""
    settling.counts.done = 0
    settling.wanted = settling.stretch
    settling.inside = False


cdef inline size_t common_place(const Settling *settling, size_t length) noexcept nogil:
    """Returns the last place at which every BPE that goes on after `length` bytes has a joint."""
    cdef const Vocabulary *vocabulary = settling.tables.vocabulary
    cdef size_t ring = vocabulary.longest_token, place, before, count = 0
    cdef uint8_t *reached = settling.reached
    memset(reached, 0, ring + 1)
    place = length
    while count < ring and count <= length:
        reached[(length - count) % (ring + 1)] = 1
        count += 1
    while place and count > 1:
        if reached[place % (ring + 1)]:
            before = place - length_of(vocabulary, settling.counts.last[place - 1])
            count -= reached[before % (ring + 1)]
            reached[before % (ring + 1)] = 1
            reached[place % (ring + 1)] = 0
        place -= 1
    while place and not reached[place % (ring + 1)]:
        place -= 1
    return place


cdef inline int append_settled(
    const Settling *settling, size_t place, IdBuffer *sink
) noexcept nogil:
    """Appends the ids of the first `place` bytes, at which there is a joint."""
    cdef const Vocabulary *vocabulary = settling.tables.vocabulary
    cdef size_t end = sink.length + settling.counts.counts[place - 1]
    cdef uint32_t token
    if grow_ids(sink, end) != STATUS_OK:
        return STATUS_NO_MEMORY
    sink.length = end
    while place:
        token = settling.counts.last[place - 1]
        end -= 1
        sink.data[end] = id_of(vocabulary, token)
        place -= length_of(vocabulary, token)
    return STATUS_OK


cdef inline int settle_tokens(
    Settling *settling, Interrupt *interrupt, const uint8_t *piece, size_t length, IdBuffer *sink,
    size_t *settled
) noexcept nogil:
    """Appends the ids of a piece that are settled.

    Args:
        piece: what has not been settled of it; LOAD_SLACK more bytes are readable after `length`.
        length: bytes that belong to it in any case.
        settled: receives the bytes of the ids.
    """
    cdef size_t done, place
    cdef int status
    settled[0] = 0
    while length - settled[0] >= settling.wanted:
        done = settling.counts.done
        while done < settling.wanted:
            done = min(settling.wanted, done + WORK_BETWEEN_CHECKS)
            status = extend_counts(
                settling.tables, &settling.counts, piece + settled[0], done)
            if status == STATUS_OK:
                status = count_work(interrupt, WORK_BETWEEN_CHECKS)
            if status != STATUS_OK:
                return status
        place = common_place(settling, settling.wanted)
        if place == 0:
            settling.wanted *= 2
            continue
        status = append_settled(settling, place, sink)
        if status != STATUS_OK:
            return status
        settling.wanted = max(settling.stretch, 2 * (settling.wanted - place))
        settling.counts.done = 0
        settling.inside = True
        settled[0] += place
    return STATUS_OK
