# The pieces that the unfinished end of a growing text would have if the text ended now.
#
# The first is the unfinished piece. If the text ends, it may have to give up its last characters to
# the pieces after it. Each has its own run of the automaton and its own prefix counts, which stay
# valid while the piece before it would still end where it begins; so until that end moves, nothing
# is read or counted twice. With OpenAI's patterns a chain has at most three pieces, and a byte is
# counted at most twice.
#
# Time: amortised constant per byte if chains are short (prefix_counts.pxd). A custom pattern that
# may give up much of a long piece, such as `a*b|a`, makes long chains: quadratic time, as
# splitting by it is anyway. Space: 8 bytes per byte of the chain.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from engine.base.heap cimport allocate, grow, release
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK
from engine.growing.piece_run cimport (
    PieceRun, begin_piece, end_of_piece, move_run_back, next_start, read_piece)
from engine.growing.prefix_counts cimport (
    MISSING, PrefixCounts, PrefixTables, extend_counts, first_missing_byte, grow_counts)
from engine.growing.token_parts cimport TokenParts
from engine.merge.queue cimport free_merge_memory
from engine.split.automaton cimport NO_MATCH, Automaton
from engine.vocab.tables cimport Vocabulary, find_token

cdef struct ChainPiece:
    PieceRun run
    PrefixCounts counts

cdef struct Chain:
    const Automaton *automaton    # borrowed
    PrefixTables *tables          # owned; NULL in a checkpoint, which only keeps a state
    ChainPiece *pieces            # owned: [room], all initialised
    size_t length                 # pieces in use, at least 1
    size_t room


cdef inline void free_chain(Chain *chain) noexcept nogil:
    cdef size_t i
    for i in range(chain.room):
        release(chain.pieces[i].counts.last)
        release(chain.pieces[i].counts.counts)
    release(chain.pieces)
    if chain.tables != NULL:
        release(chain.tables.memory.data)
        free_merge_memory(&chain.tables.merging)
    release(chain.tables)
    memset(chain, 0, sizeof(Chain))


cdef inline int reserve_chain(Chain *chain, size_t room) noexcept nogil:
    if room <= chain.room:
        return STATUS_OK
    room = 2 * room
    if grow(<void **>&chain.pieces, room * sizeof(ChainPiece)) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(chain.pieces + chain.room, 0, (room - chain.room) * sizeof(ChainPiece))
    chain.room = room
    return STATUS_OK


cdef inline void begin_chain_piece(Chain *chain, size_t i, size_t start) noexcept nogil:
    """Makes the piece with number `i` the last one of the chain, with nothing read of it yet."""
    begin_piece(chain.automaton, &chain.pieces[i].run, start)
    chain.pieces[i].counts.done = 0
    chain.length = i + 1


cdef inline int open_chain(
    Chain *chain, const Automaton *automaton, const Vocabulary *vocabulary, const TokenParts *parts
) noexcept nogil:
    """Makes the chain of an empty text. After a failure it is fit to be freed."""
    memset(chain, 0, sizeof(Chain))
    chain.automaton = automaton
    chain.tables = <PrefixTables *>allocate(1, sizeof(PrefixTables))
    if chain.tables == NULL or reserve_chain(chain, 1) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(chain.tables, 0, sizeof(PrefixTables))
    chain.tables.vocabulary = vocabulary
    chain.tables.parts = parts
    begin_chain_piece(chain, 0, 0)
    return STATUS_OK


cdef inline int copy_pieces(Chain *target, const Chain *source) noexcept nogil:
    """Gives a chain the pieces of another one. After a failure it is only fit to be freed."""
    cdef const ChainPiece *piece
    cdef PrefixCounts *counts
    cdef size_t i
    if reserve_chain(target, source.length) != STATUS_OK:
        return STATUS_NO_MEMORY
    for i in range(source.length):
        piece = &source.pieces[i]
        counts = &target.pieces[i].counts
        if grow_counts(counts, piece.counts.done) != STATUS_OK:
            return STATUS_NO_MEMORY
        target.pieces[i].run = piece.run
        counts.done = piece.counts.done
        if counts.done:
            memcpy(counts.last, piece.counts.last, 4 * counts.done)
            memcpy(counts.counts, piece.counts.counts, 4 * counts.done)
    target.length = source.length
    return STATUS_OK


cdef inline void move_chain_back(Chain *chain, size_t bytes) noexcept nogil:
    """Adjusts a chain after `bytes` bytes at the beginning of the text were dropped."""
    cdef size_t i
    for i in range(chain.length):
        move_run_back(&chain.pieces[i].run, bytes)


cdef inline void drop_first_piece(Chain *chain, size_t start) noexcept nogil:
    """Continues with the piece that begins at `start`, which may be the chain's second one."""
    cdef ChainPiece first = chain.pieces[0]
    cdef size_t i
    if chain.length > 1 and chain.pieces[1].run.start == start:
        for i in range(1, chain.length):
            chain.pieces[i - 1] = chain.pieces[i]
        chain.length -= 1
        chain.pieces[chain.length] = first
    else:
        begin_chain_piece(chain, 0, start)


cdef inline int count_piece(
    Chain *chain, size_t i, const uint8_t *text, size_t end, uint64_t *total
) noexcept nogil:
    """Adds the tokens that a piece would have if it ended at `end`."""
    cdef ChainPiece *piece = &chain.pieces[i]
    cdef const uint8_t *start = text + piece.run.start
    cdef const Vocabulary *vocabulary = chain.tables.vocabulary
    cdef size_t length = end - piece.run.start
    cdef uint32_t count
    cdef int status
    if vocabulary.unreachable_count and length <= vocabulary.longest_token and find_token(
            vocabulary, start, length) != NO_TOKEN:
        total[0] += 1
        return STATUS_OK
    status = extend_counts(chain.tables, &piece.counts, start, length)
    if status != STATUS_OK:
        return status
    count = piece.counts.counts[length - 1]
    if count & MISSING:
        return first_missing_byte(vocabulary, &piece.counts, length)
    total[0] += count
    return STATUS_OK


cdef inline int count_chain(
    Chain *chain, const uint8_t *text, size_t end, uint64_t *total
) noexcept nogil:
    """Adds the tokens that the text from the chain's start on would have if it ended at `end`.

    Precondition: the first piece has been read up to `end` and is unfinished.
    """
    cdef size_t start = chain.pieces[0].run.start, i = 0, piece_end
    cdef PieceRun *run
    cdef int status
    while start < end:
        if i == chain.length or chain.pieces[i].run.start != start:
            if reserve_chain(chain, i + 1) != STATUS_OK:
                return STATUS_NO_MEMORY
            begin_chain_piece(chain, i, start)
        run = &chain.pieces[i].run
        if run.row:
            read_piece(chain.automaton, text, end, run)
        piece_end = end_of_piece(chain.automaton, run)
        if piece_end != NO_MATCH:
            status = count_piece(chain, i, text, piece_end, total)
            if status != STATUS_OK:
                return status
        start = next_start(text, run, piece_end)
        i += 1
    return STATUS_OK
