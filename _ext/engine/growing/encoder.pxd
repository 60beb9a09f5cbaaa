# Encodes a text that arrives in chunks: gives the ids that no further text can change.
#
# A piece is encoded once it is finished (piece_run.pxd) and no special token may have begun before
# the character that finished it. The rest of the text waits for the next chunk.
#
# Of a long unfinished piece, the tokens that nothing can change may be encoded too (settled.pxd).
#
# Time: linear. Space: the text from the unfinished piece on.

from libc.stdint cimport uint8_t
from libc.string cimport memset

from engine.base.heap cimport release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.cache.cache cimport expect_text
from engine.encode.workspace cimport Workspace
from engine.growing.finished_pieces cimport collect_piece, encode_collected
from engine.growing.piece_run cimport (
    PieceRun, begin_piece, end_of_piece, move_run_back, next_start, read_piece)
from engine.growing.settled cimport (
    Settling, begin_unsettled, close_settling, settle_tokens)
from engine.growing.special_places cimport (
    SPECIAL_FOUND, SPECIAL_NONE, SpecialPlace, next_special)
from engine.growing.text cimport GrowingText, append_text, forget_text
from engine.merge.merge cimport merge_piece
from engine.sink.id_buffer cimport IdBuffer, append_id, grow_ids
from engine.split.automaton cimport NO_MATCH, Automaton
from engine.text.special_tokens cimport SpecialTokens
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary

cdef struct PieceStream:
    const Vocabulary *vocabulary           # borrowed
    const Automaton *automaton             # borrowed
    const SpecialTokens *special_tokens    # borrowed
    const uint8_t *allowed                 # borrowed; NULL = all
    bint any_allowed
    GrowingText text
    PieceRun run                           # the unfinished piece, without its settled tokens
    Settling settling                      # owned
    size_t open_from                       # where a special token may have begun, or the end


cdef inline void open_stream(
    PieceStream *stream, const Vocabulary *vocabulary, const Automaton *automaton,
    const SpecialTokens *special_tokens
) noexcept nogil:
    memset(stream, 0, sizeof(PieceStream))
    stream.vocabulary = vocabulary
    stream.automaton = automaton
    stream.special_tokens = special_tokens
    begin_piece(automaton, &stream.run, 0)


cdef inline void close_stream(PieceStream *stream) noexcept nogil:
    release(stream.text.buffer.data)
    memset(&stream.text, 0, sizeof(GrowingText))
    close_settling(&stream.settling)


cdef inline int add_piece(
    PieceStream *stream, Workspace *workspace, size_t start, size_t end, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Collects a finished piece; if it does not fit, those collected are encoded first."""
    cdef int status
    if collect_piece(workspace, start, end):
        return STATUS_OK
    status = encode_collected(stream.vocabulary, workspace, &stream.text, counting, sink)
    if status == STATUS_OK and not collect_piece(workspace, start, end):
        status = STATUS_NO_MEMORY
    return status


cdef inline int settle_piece(
    PieceStream *stream, Workspace *workspace, IdBuffer *sink
) noexcept nogil:
    """Encodes what is settled of the unfinished piece."""
    cdef const uint8_t *piece = stream.text.buffer.data + stream.run.start
    cdef size_t end = stream.run.accepted, settled
    cdef int status
    if stream.settling.tables == NULL:
        return STATUS_OK
    if stream.settling.lasting[stream.run.row >> stream.automaton.row_bits]:
        end = stream.run.position
    if end == NO_MATCH or end - stream.run.start < stream.settling.wanted:
        return STATUS_OK
    status = encode_collected(stream.vocabulary, workspace, &stream.text, False, sink)
    if status == STATUS_OK:
        status = settle_tokens(&stream.settling, &workspace.interrupt, piece,
                               end - stream.run.start, sink, &settled)
    if status == STATUS_OK:
        stream.run.start += settled
        if stream.run.accepted < stream.run.start:
            stream.run.accepted = NO_MATCH    # the automaton accepts again before it dies
    return status


cdef inline int end_settled_piece(
    PieceStream *stream, Workspace *workspace, size_t end, IdBuffer *sink
) noexcept nogil:
    """Encodes what follows the settled tokens of a piece, by merging alone."""
    cdef size_t length = end - stream.run.start, count = 0
    cdef int status
    if length == 0:
        return STATUS_OK
    if grow_ids(sink, sink.length + length) != STATUS_OK:
        return STATUS_NO_MEMORY
    status = merge_piece(stream.vocabulary, &workspace.merging, &workspace.interrupt,
                         stream.text.buffer.data + stream.run.start, length,
                         sink.data + sink.length, &count)
    if status == STATUS_OK:
        sink.length += count
    return status


cdef inline void begin_next(PieceStream *stream, size_t start) noexcept nogil:
    begin_piece(stream.automaton, &stream.run, start)
    begin_unsettled(&stream.settling)


cdef inline int encode_up_to(
    PieceStream *stream, Workspace *workspace, size_t end, bint final, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes the finished pieces of ordinary text before `end`; all of it if that is final."""
    cdef const uint8_t *text = stream.text.buffer.data
    cdef size_t piece_end
    cdef int status
    while stream.run.start < end:
        if not read_piece(stream.automaton, text, end, &stream.run) and not final:
            status = settle_piece(stream, workspace, sink)
            if status != STATUS_OK:
                return status
            break
        piece_end = end_of_piece(stream.automaton, &stream.run)
        if stream.settling.inside:
            status = end_settled_piece(stream, workspace, piece_end, sink)
            if status != STATUS_OK:
                return status
        elif piece_end != NO_MATCH:
            status = add_piece(stream, workspace, stream.run.start, piece_end, counting, sink)
            if status != STATUS_OK:
                return status
        begin_next(stream, next_start(text, &stream.run, piece_end))
    return encode_collected(stream.vocabulary, workspace, &stream.text, counting, sink)


cdef inline int encode_stream(
    PieceStream *stream, Workspace *workspace, bint final, bint counting, IdBuffer *sink
) noexcept nogil:
    """Encodes what the appended text has made sure; everything if the text ends here."""
    cdef SpecialPlace found
    cdef size_t searched = stream.open_from
    cdef int status
    workspace.scanned.count = 0
    found.outcome = SPECIAL_NONE
    while stream.any_allowed:
        found = next_special(
            stream.special_tokens, stream.allowed, stream.text.buffer.data, searched,
            stream.text.length, final)
        if found.outcome != SPECIAL_FOUND:
            break
        status = encode_up_to(stream, workspace, found.start, True, counting, sink)
        if status != STATUS_OK:
            return status
        if append_id(sink, found.id, counting) != STATUS_OK:
            return STATUS_NO_MEMORY
        begin_next(stream, found.end)
        searched = found.end
    stream.open_from = stream.text.length if found.outcome == SPECIAL_NONE else found.start
    return encode_up_to(stream, workspace, stream.open_from, final, counting, sink)


cdef inline void restore_stream(PieceStream *stream, PieceStream *before) noexcept nogil:
    """Gives a stream its state before a call that failed; memory that has grown stays."""
    before.text.buffer = stream.text.buffer
    before.settling.counts = stream.settling.counts
    before.settling.counts.done = 0
    before.settling.tables = stream.settling.tables
    stream[0] = before[0]


cdef inline int feed_stream(
    PieceStream *stream, Workspace *workspace, const TextView *view, size_t start, size_t end,
    bint counting, IdBuffer *sink
) noexcept nogil:
    """Appends the characters of a view from `start` to `end`; encodes what they make sure.

    A failure leaves the stream as it was; what is then in the sink is of no use.
    """
    cdef size_t gone = forget_text(&stream.text, stream.run.start)
    cdef PieceStream before
    cdef int status
    move_run_back(&stream.run, gone)
    stream.open_from -= gone
    before = stream[0]
    expect_text(&workspace.cache, end - start)
    status = append_text(&stream.text, view, start, end)
    if status == STATUS_OK:
        status = encode_stream(stream, workspace, False, counting, sink)
    if status != STATUS_OK:
        restore_stream(stream, &before)
    return status


cdef inline int end_stream(
    PieceStream *stream, Workspace *workspace, const TextView *view, IdBuffer *sink
) noexcept nogil:
    """Appends the last characters and encodes all that is left; fails as `feed_stream` does."""
    cdef PieceStream before = stream[0]
    cdef int status = append_text(&stream.text, view, 0, view.length)
    if status == STATUS_OK:
        status = encode_stream(stream, workspace, True, False, sink)
    if status != STATUS_OK:
        restore_stream(stream, &before)
    return status
