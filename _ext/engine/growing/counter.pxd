# Counts the tokens of a growing text after every chunk, at a cost that depends on the chunk.
#
# Finished pieces are counted once and added up; after them comes the chain (chain.pxd).
#
# Text is counted as ordinary at once, even after an open place (special_places.pxd). `sure` is the
# last piece border found from text before the open place alone. If the place turns out to be a
# special token, the text between is counted again, as ending there. Borders found from text after
# an open place wait in a queue.
#
# Time: that of the chain. Space: the text from `sure` on, and the chain.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from engine.base.heap cimport grow, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.cache.cache cimport expect_text
from engine.encode.workspace cimport Workspace
from engine.growing.chain cimport (
    Chain, begin_chain_piece, copy_pieces, count_chain, count_piece, drop_first_piece, free_chain,
    move_chain_back, open_chain)
from engine.growing.finished_pieces cimport collect_piece, encode_collected
from engine.growing.piece_run cimport PieceRun, next_start, read_piece
from engine.growing.special_places cimport (
    SPECIAL_FOUND, SPECIAL_NONE, SPECIAL_OPEN, SpecialPlace, next_special)
from engine.growing.text cimport GrowingText, append_text, forget_text, reserve_text
from engine.growing.token_parts cimport TokenParts
from engine.split.automaton cimport NO_MATCH, Automaton
from engine.text.special_tokens cimport SpecialTokens
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary

cdef struct Border:
    size_t known_from     # the border is sure once no open place is before this byte
    size_t start          # where the piece after the border begins
    uint64_t total        # tokens before it

cdef struct TokenCounter:
    const SpecialTokens *special_tokens    # borrowed
    const uint8_t *allowed                 # borrowed; NULL = all
    bint any_allowed
    GrowingText text
    Chain chain
    uint64_t total_before                  # tokens before the chain
    Border sure
    Border *waiting                        # owned: [waiting_room]
    size_t waiting_length
    size_t waiting_room
    size_t open_from                       # the first open place, or the text's length
    uint64_t total                         # tokens of all text so far


# ---- the state ----------------------------------------------------------------------------

cdef inline void close_counter(TokenCounter *counter) noexcept nogil:
    free_chain(&counter.chain)
    release(counter.waiting)
    release(counter.text.buffer.data)
    memset(counter, 0, sizeof(TokenCounter))


cdef inline int open_counter(
    TokenCounter *counter, const Vocabulary *vocabulary, const TokenParts *parts,
    const Automaton *automaton, const SpecialTokens *special_tokens
) noexcept nogil:
    """Makes the counter of an empty text. After a failure it is fit for `close_counter`."""
    memset(counter, 0, sizeof(TokenCounter))
    counter.special_tokens = special_tokens
    if open_chain(&counter.chain, automaton, vocabulary, parts) != STATUS_OK:
        return STATUS_NO_MEMORY
    return reserve_text(&counter.text, 64)


cdef inline TokenCounter without_memory(const TokenCounter *counter) noexcept nogil:
    """Returns a copy that owns nothing."""
    cdef TokenCounter copy = counter[0]
    memset(&copy.text, 0, sizeof(GrowingText))
    copy.chain.tables = NULL
    copy.chain.pieces = NULL
    copy.chain.room = 0
    copy.waiting = NULL
    copy.waiting_room = 0
    return copy


cdef inline int copy_counter(TokenCounter *target, const TokenCounter *source) noexcept nogil:
    """Gives a counter the state of another one of the same encoding; a failure changes nothing."""
    cdef TokenCounter copy = without_memory(target)
    cdef size_t dropped = source.sure.start
    cdef size_t length = source.text.length - dropped
    if (reserve_text(&copy.text, length + 64) != STATUS_OK
            or copy_pieces(&copy.chain, &source.chain) != STATUS_OK
            or grow(<void **>&copy.waiting,
                    (source.waiting_length + 1) * sizeof(Border)) != STATUS_OK):
        close_counter(&copy)
        return STATUS_NO_MEMORY
    copy.waiting_room = source.waiting_length + 1
    memcpy(copy.text.buffer.data, source.text.buffer.data + dropped, length)
    copy.text.length = length
    if source.waiting_length:
        memcpy(copy.waiting, source.waiting, source.waiting_length * sizeof(Border))
    copy.waiting_length = source.waiting_length
    copy.total_before = source.total_before
    copy.total = source.total
    copy.sure = source.sure
    copy.open_from = source.open_from
    move_back(&copy, dropped)
    copy.chain.tables = target.chain.tables
    target.chain.tables = NULL
    close_counter(target)
    target[0] = copy
    return STATUS_OK


cdef inline void move_back(TokenCounter *counter, size_t bytes) noexcept nogil:
    """Adjusts all places after `bytes` bytes at the beginning of the text were dropped."""
    cdef size_t i
    move_chain_back(&counter.chain, bytes)
    for i in range(counter.waiting_length):
        counter.waiting[i].known_from -= bytes
        counter.waiting[i].start -= bytes
    counter.sure.start -= bytes
    counter.open_from -= bytes


cdef inline void add_to_totals(TokenCounter *counter, uint64_t tokens) noexcept nogil:
    """Counts tokens of text before all that the counter has been fed."""
    cdef size_t i
    counter.total_before += tokens
    counter.sure.total += tokens
    counter.total += tokens
    for i in range(counter.waiting_length):
        counter.waiting[i].total += tokens


# ---- finished pieces ----------------------------------------------------------------------

cdef inline int count_collected(TokenCounter *counter, Workspace *workspace) noexcept nogil:
    """Adds the tokens of the finished pieces that the workspace has collected."""
    cdef int status
    if workspace == NULL:
        return STATUS_OK
    workspace.ids.length = 0
    status = encode_collected(
        counter.chain.tables.vocabulary, workspace, &counter.text, True, &workspace.ids)
    counter.total_before += workspace.ids.length
    return status


cdef inline int count_finished_piece(
    TokenCounter *counter, Workspace *workspace, size_t end
) noexcept nogil:
    """Adds the chain's first piece, which is finished. Without prefix counts it is collected."""
    cdef size_t start = counter.chain.pieces[0].run.start
    cdef int status
    if workspace != NULL and counter.chain.pieces[0].counts.done == 0:
        if collect_piece(workspace, start, end):
            return STATUS_OK
        status = count_collected(counter, workspace)
        if status != STATUS_OK or collect_piece(workspace, start, end):
            return status
    return count_piece(
        &counter.chain, 0, counter.text.buffer.data, end, &counter.total_before)


cdef inline int note_border(TokenCounter *counter, size_t known_from) noexcept nogil:
    """Queues the border before the chain, which was found from text after an open place too."""
    cdef Border border
    border.known_from = known_from
    border.start = counter.chain.pieces[0].run.start
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
    """Takes borders that are sure by now out of the queue; the last one becomes `sure`."""
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
    """Reads ordinary text up to `end`; counts the pieces that this finishes."""
    cdef const uint8_t *text = counter.text.buffer.data
    cdef PieceRun *run
    cdef size_t piece_end, known_from
    cdef int status
    while True:
        run = &counter.chain.pieces[0].run
        if run.row and not read_piece(counter.chain.automaton, text, end, run):
            return count_collected(counter, workspace)
        piece_end = run.accepted
        known_from = run.position
        if piece_end != NO_MATCH:
            status = count_finished_piece(counter, workspace, piece_end)
            if status != STATUS_OK:
                return status
        drop_first_piece(&counter.chain, next_start(text, run, piece_end))
        if known_from > counter.open_from or counter.waiting_length:
            status = count_collected(counter, workspace)
            if status == STATUS_OK:
                status = note_border(counter, known_from)
            if status != STATUS_OK:
                return status


# ---- special tokens -----------------------------------------------------------------------

cdef inline int end_segment(
    TokenCounter *counter, Workspace *workspace, size_t end, size_t following
) noexcept nogil:
    """Counts the text before a special token as ending there, and the token; continues after it."""
    cdef PieceRun *run = &counter.chain.pieces[0].run
    cdef int status
    if run.position > end or run.start > end:
        counter.total_before = counter.sure.total
        begin_chain_piece(&counter.chain, 0, counter.sure.start)
    counter.waiting_length = 0
    status = advance(counter, workspace, end)
    if status == STATUS_OK:
        status = count_chain(
            &counter.chain, counter.text.buffer.data, end, &counter.total_before)
    counter.total_before += 1
    begin_chain_piece(&counter.chain, 0, following)
    return status


cdef inline int count_open_text(TokenCounter *counter) noexcept nogil:
    """Sets the total if the text, were it to end here, has special tokens from the open place on.

    They count until more text shows otherwise. So the text is counted as it is from the
    last sure border on, and the chain begins at that border again.
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
        status = count_chain(
            &counter.chain, counter.text.buffer.data, counter.text.length, &total)
    counter.total = total
    counter.total_before = counter.sure.total
    counter.waiting_length = 0
    begin_chain_piece(&counter.chain, 0, counter.sure.start)
    return status


cdef inline bint holds_special(const TokenCounter *counter) noexcept nogil:
    """Returns whether a special token is there from the open place on, if the text ends here."""
    return next_special(
        counter.special_tokens, counter.allowed, counter.text.buffer.data, counter.open_from,
        counter.text.length, True).outcome == SPECIAL_FOUND


cdef inline int count_so_far(TokenCounter *counter, Workspace *workspace) noexcept nogil:
    """Reads the text that has been appended; sets `total`.

    Args:
        workspace: for long chunks, with no pieces collected; NULL for short ones.
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
        # None of the borders before the chain depends on an open place.
        if counter.chain.pieces[0].run.start <= counter.open_from:
            counter.sure.start = counter.chain.pieces[0].run.start
            counter.sure.total = counter.total_before
    counter.total = counter.total_before
    return count_chain(
        &counter.chain, counter.text.buffer.data, counter.text.length, &counter.total)


cdef inline int feed_counter(
    TokenCounter *counter, Workspace *workspace, const TextView *view
) noexcept nogil:
    """Appends a chunk and counts.

    Returns:
        STATUS_SURROGATE, with the counter unchanged, if the chunk holds a surrogate. After any
        other failure the counter is only fit to receive a copy, or to be closed.
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
