# The pieces that texts with the same beginning may have, and the sequences of tokens up to some
# place of them.
#
# All texts are `text.length` bytes, the *stem*, and up to `longest` bytes after it, the *branch*,
# which changes. A piece that begins in the stem is kept with what has been read and merged of it;
# for the next branch, that is continued where the branches differ.
#
# Requires that the pieces cover all characters (split/coverage.pxd) and that all bytes are tokens.
# Then a sequence has as many bytes as the text up to the next piece, so it determines where that
# piece begins.
#
# Time and space: those of the prefix counts (prefix_counts.pxd), for each place where pieces begin;
# with OpenAI's patterns there are at most four.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from engine.base.heap cimport ByteBuffer, grow, grow_bytes, release
from engine.base.interrupt cimport WORK_BETWEEN_CHECKS, Interrupt, count_work
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, check
from engine.growing.piece_run cimport PieceRun, begin_piece, end_of_piece, read_piece
from engine.growing.prefix_counts cimport (
    PrefixCounts, PrefixTables, extend_counts, length_of, try_guess)
from engine.growing.sequences cimport (
    EMPTY_SEQUENCE, Sequences, append_token, free_sequences, open_sequences)
from engine.growing.token_parts cimport TokenParts, has_parts
from engine.merge.queue cimport free_merge_memory
from engine.split.automaton cimport Automaton
from engine.vocab.tables cimport Vocabulary, find_token

cdef struct PossiblePiece:
    size_t start          # byte of the text, in the stem
    uint32_t before       # the sequence up to there
    bint merged           # whether merging alone decides its tokens
    bint in_branch        # whether its prefix counts go on into the branch; then it is in a list
    uint32_t next         # of that list: 1 + the number of the next piece; 0 = none
    PieceRun run          # as far as the stem goes
    PrefixCounts counts
    uint32_t *sequences   # owned: [known], those after n bytes of the piece; 0 = not known
    size_t known

cdef struct PossiblePieces:
    const Automaton *automaton    # borrowed
    PrefixTables tables
    Sequences sequences
    const uint8_t *text           # borrowed: the stem and a branch; LOAD_SLACK bytes follow
    size_t stem                   # bytes
    uint32_t guess                # a token that may be the last one of a piece; or NO_TOKEN
    PossiblePiece *pieces         # owned: [room]
    uint32_t count
    uint32_t room
    uint32_t in_branch            # 1 + the first piece whose prefix counts go on into the branch
    ByteBuffer places             # scratch: places where tokens end
    Interrupt *interrupt          # borrowed


cdef inline void close_pieces(PossiblePieces *pieces) noexcept nogil:
    cdef uint32_t i
    for i in range(pieces.count):
        release(pieces.pieces[i].counts.last)
        release(pieces.pieces[i].counts.counts)
        release(pieces.pieces[i].sequences)
    release(pieces.pieces)
    release(pieces.places.data)
    release(pieces.tables.memory.data)
    free_merge_memory(&pieces.tables.merging)
    free_sequences(&pieces.sequences)
    memset(pieces, 0, sizeof(PossiblePieces))


cdef inline int open_pieces(
    PossiblePieces *pieces, const Automaton *automaton, const Vocabulary *vocabulary,
    const TokenParts *parts, const uint8_t *text, size_t stem, Interrupt *interrupt
) noexcept nogil:
    """Begins with no pieces. After a failure it is fit for `close_pieces`."""
    memset(pieces, 0, sizeof(PossiblePieces))
    pieces.automaton = automaton
    pieces.tables.vocabulary = vocabulary
    pieces.tables.parts = parts
    pieces.text = text
    pieces.stem = stem
    pieces.guess = NO_TOKEN
    pieces.interrupt = interrupt
    return open_sequences(&pieces.sequences)


cdef inline int add_piece(
    PossiblePieces *pieces, size_t start, uint32_t before, bint merged, uint32_t *piece
) noexcept nogil:
    """Adds a piece that begins in the stem.

    Args:
        before: the sequence before it.
        merged: whether merging alone decides its tokens, and its end is the caller's affair.
        piece: receives its number.
    """
    cdef PossiblePiece *added
    if pieces.count == pieces.room:
        if grow(<void **>&pieces.pieces,
                2 * (pieces.room + 4) * sizeof(PossiblePiece)) != STATUS_OK:
            return STATUS_NO_MEMORY
        pieces.room = 2 * (pieces.room + 4)
    added = pieces.pieces + pieces.count
    memset(added, 0, sizeof(PossiblePiece))
    added.start = start
    added.before = before
    added.merged = merged
    begin_piece(pieces.automaton, &added.run, start)
    piece[0] = pieces.count
    pieces.count += 1
    if merged:
        return STATUS_OK
    pieces.sequences.nodes[before].piece = pieces.count
    read_piece(pieces.automaton, pieces.text, pieces.stem, &added.run)
    return count_work(pieces.interrupt, added.run.position - start)


cdef inline void cut_branch(PossiblePieces *pieces, size_t end) noexcept nogil:
    """Forgets what is known of the text from byte `end` on, which is after the stem or its end."""
    cdef uint32_t number = pieces.in_branch
    cdef PossiblePiece *piece
    while number:
        piece = pieces.pieces + (number - 1)
        number = piece.next
        piece.counts.done = min(piece.counts.done, end - piece.start)
        piece.in_branch = end > pieces.stem
    if end == pieces.stem:
        pieces.in_branch = 0


cdef inline int merge_beginning(
    PossiblePieces *pieces, PossiblePiece *piece, size_t length
) noexcept nogil:
    """Finds the last tokens of all beginnings of a piece up to `length` bytes."""
    cdef size_t done = piece.counts.done
    cdef int status = STATUS_OK
    while status == STATUS_OK and done < length:
        done = min(length, done + WORK_BETWEEN_CHECKS)
        status = extend_counts(
            &pieces.tables, &piece.counts, pieces.text + piece.start, done)
        if status == STATUS_OK and done < length:
            status = count_work(pieces.interrupt, WORK_BETWEEN_CHECKS)
    if length > pieces.stem - piece.start and not piece.in_branch:
        piece.in_branch = True
        piece.next = pieces.in_branch
        pieces.in_branch = <uint32_t>(piece - pieces.pieces) + 1
    return status


cdef inline int know_sequences(PossiblePiece *piece, size_t length) noexcept nogil:
    """Makes room for the sequence after `length` bytes; at least doubles."""
    cdef size_t room = max(length + 1, 2 * piece.known)
    if length < piece.known:
        return STATUS_OK
    if grow(<void **>&piece.sequences, room * sizeof(uint32_t)) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(piece.sequences + piece.known, 0, (room - piece.known) * sizeof(uint32_t))
    piece.known = room
    return STATUS_OK


cdef inline int sequence_after(
    PossiblePieces *pieces, PossiblePiece *piece, size_t length, uint32_t *sequence
) noexcept nogil:
    """Finds the sequence up to where the first `length` bytes of a piece end, in the stem.

    Precondition: they have been merged.
    """
    cdef const PrefixCounts *counts = &piece.counts
    cdef uint32_t *places
    cdef size_t place = length, waiting = 0
    cdef int status = STATUS_OK
    sequence[0] = piece.before
    if length == 0:
        return STATUS_OK
    if know_sequences(piece, length) != STATUS_OK or (
            piece.sequences[length] == 0 and grow_bytes(
                &pieces.places, counts.counts[length - 1] * sizeof(uint32_t)) != STATUS_OK):
        return STATUS_NO_MEMORY
    places = <uint32_t *>pieces.places.data
    while place and piece.sequences[place] == 0:
        places[waiting] = <uint32_t>place
        waiting += 1
        place -= length_of(pieces.tables.vocabulary, counts.last[place - 1])
    if place:
        sequence[0] = piece.sequences[place]
    while waiting and status == STATUS_OK:
        waiting -= 1
        place = places[waiting]
        status = append_token(&pieces.sequences, sequence, counts.last[place - 1])
        piece.sequences[place] = sequence[0]
    return status


cdef inline bint is_merged(const PossiblePieces *pieces, uint32_t token) noexcept nogil:
    """Returns whether merging can make a token."""
    cdef const Vocabulary *vocabulary = pieces.tables.vocabulary
    return (length_of(vocabulary, token) == 1
            or has_parts(vocabulary, pieces.tables.parts, token))


cdef inline int guess_across(
    PossiblePieces *pieces, PossiblePiece *piece, size_t length, size_t *before
) noexcept nogil:
    """Finds whether the guess is a piece's last token, and reaches the end of the stem first.

    Args:
        length: bytes of the piece.
        before: receives the bytes before the token; `length` if it is not.
    """
    cdef size_t stem = pieces.stem - piece.start, size
    cdef bint right = False
    cdef int status
    before[0] = length
    if pieces.guess == NO_TOKEN or not is_merged(pieces, pieces.guess):
        return STATUS_OK
    size = length_of(pieces.tables.vocabulary, pieces.guess)
    if size > length or length - size >= stem:
        return STATUS_OK
    status = merge_beginning(pieces, piece, length - size)
    if status == STATUS_OK:
        status = try_guess(&pieces.tables, &piece.counts, pieces.text + piece.start, length,
                           pieces.guess, &right)
    if right:
        before[0] = length - size
    return status


cdef inline int sequence_across(
    PossiblePieces *pieces, PossiblePiece *piece, size_t length, uint32_t *sequence
) noexcept nogil:
    """Finds the sequence up to the first token that reaches the end of the stem.

    Args:
        length: bytes of the piece, which goes on into the branch.
    """
    cdef size_t stem = pieces.stem - piece.start, before
    cdef uint32_t token = pieces.guess
    cdef int status = guess_across(pieces, piece, length, &before)
    if status == STATUS_OK and before == length:
        status = merge_beginning(pieces, piece, length)
        while status == STATUS_OK and before >= stem:
            token = piece.counts.last[before - 1]
            before -= length_of(pieces.tables.vocabulary, token)
    if status == STATUS_OK:
        status = sequence_after(pieces, piece, before, sequence)
    if status == STATUS_OK:
        status = append_token(&pieces.sequences, sequence, token)
    return status


cdef inline int sequence_of_piece(
    PossiblePieces *pieces, uint32_t number, size_t end, uint32_t *sequence
) noexcept nogil:
    """Finds the sequence up to the end of a piece.

    Args:
        end: byte of the text after the piece. If that is in the branch, the sequence ends with the
            first token that reaches the end of the stem.
    """
    cdef PossiblePiece *piece = pieces.pieces + number
    cdef const Vocabulary *vocabulary = pieces.tables.vocabulary
    cdef size_t length = end - piece.start
    cdef uint32_t token = NO_TOKEN
    cdef int status
    check(end > piece.start)
    if not piece.merged and length <= vocabulary.longest_token:
        token = find_token(vocabulary, pieces.text + piece.start, length)
    if token != NO_TOKEN:
        sequence[0] = piece.before
        return append_token(&pieces.sequences, sequence, token)
    if end > pieces.stem:
        return sequence_across(pieces, piece, length, sequence)
    status = merge_beginning(pieces, piece, length)
    if status == STATUS_OK:
        status = sequence_after(pieces, piece, length, sequence)
    return status


cdef inline int piece_after(
    PossiblePieces *pieces, uint32_t *number, size_t start
) noexcept nogil:
    """Replaces a piece by the one that begins where it ends, in the stem."""
    cdef uint32_t before
    cdef int status = sequence_of_piece(pieces, number[0], start, &before)
    if status == STATUS_OK:
        if pieces.sequences.nodes[before].piece:
            number[0] = pieces.sequences.nodes[before].piece - 1
        else:
            status = add_piece(pieces, start, before, False, number)
    return status


cdef inline int sequence_of_text(
    PossiblePieces *pieces, uint32_t *number, PieceRun *run, size_t end, bint final,
    uint32_t *sequence
) noexcept nogil:
    """Finds the tokens up to the end of the stem, if the text up to `end` decides about them.

    Args:
        number, run: the piece that has been read last; become the piece that reaches `end`.
        final: whether the text ends there.
        sequence: receives the tokens, or EMPTY_SEQUENCE if the text does not decide yet.
    """
    cdef size_t piece_end
    cdef int status
    sequence[0] = EMPTY_SEQUENCE
    while run.row == 0 or final:
        piece_end = end_of_piece(pieces.automaton, run)
        if piece_end >= pieces.stem:
            return sequence_of_piece(pieces, number[0], piece_end, sequence)
        status = piece_after(pieces, number, piece_end)
        if status != STATUS_OK:
            return status
        run[0] = pieces.pieces[number[0]].run
        if run.row:
            read_piece(pieces.automaton, pieces.text, end, run)
    return STATUS_OK
