# Counts the tokens of a growing text after every chunk, at a cost that depends on the chunk.
#
# Finished pieces are counted once and added up. Behind them stands a *chain*: the unfinished piece,
# and, as it may have to give up its last characters if the text ends here, the pieces that would
# then follow. Every piece of the chain keeps its own run of the automaton and its prefix counts,
# and is valid as long as the piece before it would end where it begins. So nothing is read or
# counted twice as long as that end stays where it is. For the OpenAI patterns a chain has at most
# three pieces, and a byte is counted at most twice.
#
# Special tokens: text is counted as ordinary at once, also behind an open place. `sure` is the last
# piece border that was found from text before the open place alone; if the special token turns up,
# the text from there on is counted again up to it. Borders that are found behind an open place wait
# in a queue.
#
# Time: amortised constant a byte for a bounded chain (see growing/prefix_counts.pxd). A custom pattern
# whose runs live long and give up much, such as `a*b|a`, makes long chains: quadratic, as its
# splitting is anyway. Space: the text from `sure` on, and 8 bytes a byte of the chain.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from engine.split.automaton cimport NO_MATCH, Automaton
from engine.cache.cache cimport expect_text
from engine.growing.text cimport (
    SPECIAL_FOUND, SPECIAL_NONE, SPECIAL_OPEN, GrowingText, PieceRun, SpecialPlace, add_scanned,
    append_text, begin_piece, end_of_piece, forget_text, next_special, next_start, read_piece,
    reserve_text)
from engine.base.interrupt cimport count_work
from engine.base.memory cimport allocate, grow, release
from engine.merge.queue cimport free_merge_memory
from engine.encode.pieces cimport encode_pieces
from engine.growing.prefix_counts cimport (
    MISSING, PrefixCounts, PrefixTables, extend_counts, first_missing_byte, grow_counts)
from engine.text.special_tokens cimport SpecialTokens
from engine.growing.compatible cimport TokenParts
from engine.base.types cimport LOAD_SLACK, NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary, find_token
from engine.encode.workspace cimport Workspace

cdef struct ChainPiece:
    PieceRun run
    PrefixCounts counts

cdef struct Border:
    size_t known_from     # the border is sure once no open place is before this byte
    size_t start          # where the piece behind the border begins
    uint64_t total        # tokens before it

cdef struct TokenCounter:
    const Automaton *automaton             # borrowed
    const SpecialTokens *special_tokens    # borrowed
    const uint8_t *allowed                 # borrowed; NULL = all
    bint any_allowed
    PrefixTables *tables                   # owned
    GrowingText text
    ChainPiece *chain                      # owned: [chain_room]
    size_t chain_length                    # pieces in use, at least 1
    size_t chain_room                      # all of them initialised
    uint64_t total_before                  # tokens before the chain
    Border sure
    Border *waiting                        # owned: [waiting_room]
    size_t waiting_length
    size_t waiting_room
    size_t open_from                       # the first open place, or the text's length
    uint64_t total                         # tokens of all text so far


# ---- memory -------------------------------------------------------------------------------

cdef inline void close_counter(TokenCounter *counter) noexcept nogil:
    cdef size_t i
    for i in range(counter.chain_room):
        release(counter.chain[i].counts.last)
        release(counter.chain[i].counts.counts)
    release(counter.chain)
    release(counter.waiting)
    release(counter.text.buffer.data)
    if counter.tables != NULL:
        release(counter.tables.memory.data)
        free_merge_memory(&counter.tables.merging)
    release(counter.tables)
    memset(counter, 0, sizeof(TokenCounter))


cdef inline int reserve_chain(TokenCounter *counter, size_t room) noexcept nogil:
    if room <= counter.chain_room:
        return STATUS_OK
    room = 2 * room
    if grow(<void **>&counter.chain, room * sizeof(ChainPiece)) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(counter.chain + counter.chain_room, 0,
           (room - counter.chain_room) * sizeof(ChainPiece))
    counter.chain_room = room
    return STATUS_OK


cdef inline int open_counter(
    TokenCounter *counter, const Vocabulary *vocabulary, const TokenParts *parts,
    const Automaton *automaton, const SpecialTokens *special_tokens
) noexcept nogil:
    """Makes a counter of no text. On a failure it stays fit for `close_counter`."""
    memset(counter, 0, sizeof(TokenCounter))
    counter.automaton = automaton
    counter.special_tokens = special_tokens
    counter.tables = <PrefixTables *>allocate(1, sizeof(PrefixTables))
    if counter.tables == NULL or reserve_chain(counter, 1) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(counter.tables, 0, sizeof(PrefixTables))
    counter.tables.vocabulary = vocabulary
    counter.tables.parts = parts
    restart_chain(counter, 0)
    return reserve_text(&counter.text, 64)


cdef inline void begin_chain_piece(
    const TokenCounter *counter, ChainPiece *piece, size_t start
) noexcept nogil:
    begin_piece(counter.automaton, &piece.run, start)
    piece.counts.done = 0


cdef inline void restart_chain(TokenCounter *counter, size_t start) noexcept nogil:
    begin_chain_piece(counter, &counter.chain[0], start)
    counter.chain_length = 1


cdef inline int copy_counter(TokenCounter *target, const TokenCounter *source) noexcept nogil:
    """Gives a counter of the same encoding the state of another one.

    On a failure the target is as it was.
    """
    cdef TokenCounter copy = target[0]
    cdef const ChainPiece *piece
    cdef size_t i, base = source.sure.start
    copy.chain = NULL
    copy.chain_room = 0
    copy.waiting = NULL
    copy.waiting_room = 0
    memset(&copy.text, 0, sizeof(GrowingText))
    copy.tables = NULL
    if (reserve_text(&copy.text, source.text.length - base + 64) != STATUS_OK
            or reserve_chain(&copy, source.chain_length) != STATUS_OK
            or grow(<void **>&copy.waiting,
                    (source.waiting_length + 1) * sizeof(Border)) != STATUS_OK):
        close_counter(&copy)
        return STATUS_NO_MEMORY
    copy.waiting_room = source.waiting_length + 1
    memcpy(copy.text.buffer.data, source.text.buffer.data + base, source.text.length - base)
    copy.text.length = source.text.length - base
    for i in range(source.chain_length):
        piece = &source.chain[i]
        if grow_counts(&copy.chain[i].counts, piece.counts.done) != STATUS_OK:
            close_counter(&copy)
            return STATUS_NO_MEMORY
        copy.chain[i].run = piece.run
        copy.chain[i].counts.done = piece.counts.done
        if piece.counts.done:
            memcpy(copy.chain[i].counts.last, piece.counts.last, 4 * piece.counts.done)
            memcpy(copy.chain[i].counts.counts, piece.counts.counts, 4 * piece.counts.done)
    copy.chain_length = source.chain_length
    if source.waiting_length:
        memcpy(copy.waiting, source.waiting, source.waiting_length * sizeof(Border))
    copy.waiting_length = source.waiting_length
    copy.total_before = source.total_before
    copy.total = source.total
    copy.sure = source.sure
    copy.open_from = source.open_from
    move_back(&copy, base)
    copy.tables = target.tables
    target.tables = NULL
    close_counter(target)
    target[0] = copy
    return STATUS_OK


cdef inline void move_back(TokenCounter *counter, size_t bytes) noexcept nogil:
    """Tells all places that so many bytes at the beginning of the text are gone."""
    cdef PieceRun *run
    cdef size_t i
    for i in range(counter.chain_length):
        run = &counter.chain[i].run
        run.start -= bytes
        run.position -= bytes
        if run.accepted != NO_MATCH:
            run.accepted -= bytes
    for i in range(counter.waiting_length):
        counter.waiting[i].known_from -= bytes
        counter.waiting[i].start -= bytes
    counter.sure.start -= bytes
    counter.open_from -= bytes


# ---- counting -----------------------------------------------------------------------------

cdef inline int count_piece(
    TokenCounter *counter, ChainPiece *piece, size_t end, uint64_t *total
) noexcept nogil:
    """Adds the tokens of a chain's piece, were `end` its end."""
    cdef const uint8_t *start = counter.text.buffer.data + piece.run.start
    cdef const Vocabulary *vocabulary = counter.tables.vocabulary
    cdef size_t length = end - piece.run.start
    cdef uint32_t count
    cdef int status
    if vocabulary.unreachable_count and length <= vocabulary.longest_token and find_token(
            vocabulary, start, length) != NO_TOKEN:
        total[0] += 1
        return STATUS_OK
    status = extend_counts(counter.tables, &piece.counts, start, length)
    if status != STATUS_OK:
        return status
    count = piece.counts.counts[length - 1]
    if count & MISSING:
        return first_missing_byte(vocabulary, &piece.counts, length)
    total[0] += count
    return STATUS_OK


cdef inline int count_batch(TokenCounter *counter, Workspace *workspace) noexcept nogil:
    """Adds the finished pieces that stand in the workspace's batch."""
    cdef int status
    if workspace == NULL or workspace.scanned.count == 0:
        return STATUS_OK
    workspace.ids.length = 0
    status = encode_pieces(
        counter.tables.vocabulary, workspace, counter.text.buffer.data + workspace.scanned.start,
        workspace.scanned.ends, workspace.scanned.count,
        counter.text.buffer.data + counter.text.length + LOAD_SLACK, True, &workspace.ids)
    counter.total_before += workspace.ids.length
    if status == STATUS_OK:
        status = count_work(
            &workspace.interrupt, workspace.scanned.ends[workspace.scanned.count - 1])
    workspace.scanned.count = 0
    return status


cdef inline int count_finished_piece(
    TokenCounter *counter, Workspace *workspace, size_t end
) noexcept nogil:
    """Adds the first piece of the chain, which is finished; many new ones go in batches."""
    cdef ChainPiece *piece = &counter.chain[0]
    cdef size_t start = piece.run.start
    cdef int status
    if workspace == NULL or piece.counts.done:
        return count_piece(counter, piece, end, &counter.total_before)
    if add_scanned(&workspace.scanned, start, end):
        return STATUS_OK
    status = count_batch(counter, workspace)
    if status != STATUS_OK:
        return status
    if add_scanned(&workspace.scanned, start, end):
        return STATUS_OK
    return count_piece(counter, piece, end, &counter.total_before)


cdef inline void drop_first_piece(TokenCounter *counter, size_t start) noexcept nogil:
    """Goes on with the piece that begins at `start`, which the chain may know already."""
    cdef ChainPiece first = counter.chain[0]
    cdef size_t i
    if counter.chain_length > 1 and counter.chain[1].run.start == start:
        for i in range(1, counter.chain_length):
            counter.chain[i - 1] = counter.chain[i]
        counter.chain_length -= 1
        counter.chain[counter.chain_length] = first
    else:
        restart_chain(counter, start)


cdef inline int note_border(TokenCounter *counter, size_t known_from) noexcept nogil:
    """Records the border before the chain, found from text behind an open place too."""
    cdef Border border
    border.known_from = known_from
    border.start = counter.chain[0].run.start
    border.total = counter.total_before
    if counter.waiting_length == counter.waiting_room:
        if grow(<void **>&counter.waiting,
                2 * (counter.waiting_room + 8) * sizeof(Border)) != STATUS_OK:
            return STATUS_NO_MEMORY
        counter.waiting_room = 2 * (counter.waiting_room + 8)
    counter.waiting[counter.waiting_length] = border
    counter.waiting_length += 1
    return STATUS_OK


cdef inline void settle_borders(TokenCounter *counter) noexcept nogil:
    """Makes the waiting borders sure that no open place is before any more."""
    cdef size_t settled = 0, i
    while (settled < counter.waiting_length
           and counter.waiting[settled].known_from <= counter.open_from):
        counter.sure = counter.waiting[settled]
        settled += 1
    if settled:
        for i in range(settled, counter.waiting_length):
            counter.waiting[i - settled] = counter.waiting[i]
        counter.waiting_length -= settled


cdef inline int advance(TokenCounter *counter, Workspace *workspace, size_t end) noexcept nogil:
    """Reads ordinary text up to `end`; counts the pieces that are finished by that."""
    cdef const uint8_t *text = counter.text.buffer.data
    cdef PieceRun *run
    cdef size_t piece_end, known_from
    cdef int status
    while True:
        run = &counter.chain[0].run
        if run.row and not read_piece(counter.automaton, text, end, run):
            return count_batch(counter, workspace)
        piece_end = run.accepted
        known_from = run.position
        if piece_end != NO_MATCH:
            status = count_finished_piece(counter, workspace, piece_end)
            if status != STATUS_OK:
                return status
        drop_first_piece(counter, next_start(text, run, piece_end))
        if known_from > counter.open_from or counter.waiting_length:
            status = count_batch(counter, workspace)
            if status == STATUS_OK:
                status = note_border(counter, known_from)
            if status != STATUS_OK:
                return status


cdef inline int count_chain(TokenCounter *counter, size_t end, uint64_t *total) noexcept nogil:
    """Adds the tokens of the text behind the finished pieces, were `end` the text's end.

    Precondition: `advance` has read up to `end`.
    """
    cdef size_t start = counter.chain[0].run.start, i = 0, piece_end
    cdef ChainPiece *piece
    cdef int status
    while start < end:
        if i == counter.chain_length or counter.chain[i].run.start != start:
            if reserve_chain(counter, i + 1) != STATUS_OK:
                return STATUS_NO_MEMORY
            begin_chain_piece(counter, &counter.chain[i], start)
            counter.chain_length = i + 1
        piece = &counter.chain[i]
        if piece.run.row:
            read_piece(counter.automaton, counter.text.buffer.data, end, &piece.run)
        piece_end = end_of_piece(counter.automaton, &piece.run)
        if piece_end != NO_MATCH:
            status = count_piece(counter, piece, piece_end, total)
            if status != STATUS_OK:
                return status
        start = next_start(counter.text.buffer.data, &piece.run, piece_end)
        i += 1
    return STATUS_OK


# ---- special tokens -----------------------------------------------------------------------

cdef inline int end_segment(
    TokenCounter *counter, Workspace *workspace, size_t end, size_t following
) noexcept nogil:
    """Counts the text before a special token as ended there, and the token; goes on behind it."""
    cdef int status
    if counter.chain[0].run.position > end or counter.chain[0].run.start > end:
        counter.total_before = counter.sure.total
        restart_chain(counter, counter.sure.start)
    counter.waiting_length = 0
    status = advance(counter, workspace, end)
    if status == STATUS_OK:
        status = count_chain(counter, end, &counter.total_before)
    counter.total_before += 1
    restart_chain(counter, following)
    return status


cdef inline int count_open_text(TokenCounter *counter) noexcept nogil:
    """Sets the total where special tokens stand behind an open place, or there but may get longer.

    They count for as long as the open place does not tell otherwise. So the text is counted from
    the last sure border on, as it is, and the chain then begins there again.
    """
    cdef SpecialPlace found
    cdef size_t searched = counter.open_from
    cdef uint64_t total
    cdef int status = STATUS_OK
    while status == STATUS_OK:
        found = next_special(
            counter.special_tokens, counter.allowed, counter.text.buffer.data, searched,
            counter.text.length, True)
        if found.outcome == SPECIAL_NONE:
            break
        status = end_segment(counter, NULL, found.start, found.end)
        searched = found.end
    if status == STATUS_OK:
        status = advance(counter, NULL, counter.text.length)
    total = counter.total_before
    if status == STATUS_OK:
        status = count_chain(counter, counter.text.length, &total)
    counter.total = total
    counter.total_before = counter.sure.total
    counter.waiting_length = 0
    restart_chain(counter, counter.sure.start)
    return status


cdef inline bint holds_special(const TokenCounter *counter) noexcept nogil:
    """Whether there is a special token from the open place on, if the text ends here."""
    return next_special(
        counter.special_tokens, counter.allowed, counter.text.buffer.data, counter.open_from,
        counter.text.length, True).outcome == SPECIAL_FOUND


cdef inline int count_so_far(TokenCounter *counter, Workspace *workspace) noexcept nogil:
    """Takes in the text that has been appended; sets `total`.

    Args:
        workspace: for long chunks, NULL otherwise; its batch is empty.
    """
    cdef SpecialPlace found
    cdef size_t searched = counter.open_from
    cdef int status
    found.outcome = SPECIAL_NONE
    while counter.any_allowed:
        found = next_special(
            counter.special_tokens, counter.allowed, counter.text.buffer.data, searched,
            counter.text.length, False)
        counter.open_from = found.start
        if found.outcome != SPECIAL_FOUND:
            break
        settle_borders(counter)
        status = end_segment(counter, workspace, found.start, found.end)
        if status != STATUS_OK:
            return status
        searched = found.end
        counter.sure.start = found.end
        counter.sure.total = counter.total_before
    if found.outcome == SPECIAL_NONE:
        counter.open_from = counter.text.length
    settle_borders(counter)
    if found.outcome == SPECIAL_OPEN and holds_special(counter):
        return count_open_text(counter)
    status = advance(counter, workspace, counter.text.length)
    if status != STATUS_OK:
        return status
    if counter.waiting_length == 0:
        # No border of the chain's past depends on an open place.
        if counter.chain[0].run.start <= counter.open_from:
            counter.sure.start = counter.chain[0].run.start
            counter.sure.total = counter.total_before
    counter.total = counter.total_before
    return count_chain(counter, counter.text.length, &counter.total)


cdef inline int feed_counter(
    TokenCounter *counter, Workspace *workspace, const TextView *view
) noexcept nogil:
    """Appends a chunk and counts.

    Returns:
        STATUS_SURROGATE, and the counter as it was, if the chunk holds a surrogate. After any other
        failure the counter is only fit for being copied into, or closed.
    """
    cdef size_t gone = forget_text(&counter.text, counter.sure.start)
    cdef int status
    if gone:
        move_back(counter, gone)
    status = append_text(&counter.text, view, 0, view.length)
    if status != STATUS_OK:
        return status
    if workspace != NULL:
        expect_text(&workspace.cache, view.length)
    return count_so_far(counter, workspace)
