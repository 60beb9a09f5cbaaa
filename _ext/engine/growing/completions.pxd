# What the unstable end of a text may become, as tiktoken's `_encode_unstable_native` guesses it.
#
# A token may begin at each byte of the unstable text and go beyond its end. Each such token gives a
# *branch*: the bytes that it adds. The unstable text with the branch is encoded, and the tokens up
# to the end of the unstable text are a completion. The branches of one place are in the order of
# their bytes; so each continues where it differs from the one before it, and nothing of the
# unstable text is read or merged twice.
#
# Time: linear in the unstable text, plus that of the branches' differences: at most the number of
# tokens times the square of their length, in practice 0.2 us per token. Space: 24 bytes per byte of
# the unstable text, and 16 per completion.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from engine.base.heap cimport allocate, grow, release
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport LOAD_SLACK, NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, check
from engine.growing.piece_run cimport PieceRun, read_piece
from engine.growing.possible_pieces cimport (
    PossiblePieces, add_piece, close_pieces, cut_branch, open_pieces, sequence_of_piece,
    sequence_of_text)
from engine.growing.sequences cimport EMPTY_SEQUENCE, append_token
from engine.growing.token_parts cimport TokenParts
from engine.split.automaton cimport Automaton
from engine.text.utf8 cimport is_valid_utf8, sequence_length
from engine.vocab.tables cimport Vocabulary, token_length
from engine.vocab.token_order cimport first_token_from

cdef enum:
    BRANCH_WORK = 64      # what a branch counts as, in bytes of work

cdef struct BranchPlace:
    # A place in the branch, after a whole character
    size_t end            # byte of the text
    uint32_t piece        # the piece that reaches it
    PieceRun run
    uint32_t sequence     # the completion, or EMPTY_SEQUENCE while it is not decided

cdef struct Completions:
    PossiblePieces pieces
    uint8_t *text             # owned: the unstable text, the branch, LOAD_SLACK
    size_t branch             # bytes of the branch
    BranchPlace *places       # owned: [bytes of the longest token + 1]
    size_t place              # the last one that is known
    uint32_t merged           # the unstable text and the branch as one piece
    uint32_t *found           # owned: [found_room], sequences, each once
    size_t found_count
    size_t found_room


cdef inline void close_completions(Completions *completions) noexcept nogil:
    close_pieces(&completions.pieces)
    release(completions.text)
    release(completions.places)
    release(completions.found)
    memset(completions, 0, sizeof(Completions))


cdef inline int open_completions(
    Completions *completions, const Vocabulary *vocabulary, const TokenParts *parts,
    const Automaton *automaton, const uint8_t *text, size_t length, Interrupt *interrupt
) noexcept nogil:
    """Reads the unstable text. After a failure the struct is fit for `close_completions`."""
    cdef BranchPlace *first
    cdef int status
    memset(completions, 0, sizeof(Completions))
    completions.text = <uint8_t *>allocate(
        length + vocabulary.longest_token + LOAD_SLACK, 1)
    completions.places = <BranchPlace *>allocate(
        <size_t>vocabulary.longest_token + 1, sizeof(BranchPlace))
    if completions.text == NULL or completions.places == NULL:
        return STATUS_NO_MEMORY
    memcpy(completions.text, text, length)
    memset(completions.text + length, 0, vocabulary.longest_token + LOAD_SLACK)
    status = open_pieces(&completions.pieces, automaton, vocabulary, parts, completions.text,
                         length, interrupt)
    if status == STATUS_OK:
        status = add_piece(
            &completions.pieces, 0, EMPTY_SEQUENCE, True, &completions.merged)
    first = completions.places
    if status == STATUS_OK:
        status = add_piece(&completions.pieces, 0, EMPTY_SEQUENCE, False, &first.piece)
    if status == STATUS_OK:
        first.end = length
        first.run = completions.pieces.pieces[first.piece].run
        status = sequence_of_text(&completions.pieces, &first.piece, &first.run, length, False,
                                  &first.sequence)
    return status


cdef inline int note_completion(Completions *completions, uint32_t sequence) noexcept nogil:
    """Adds a sequence to those found, unless it is there."""
    check(sequence != EMPTY_SEQUENCE)
    if completions.pieces.sequences.nodes[sequence].found:
        return STATUS_OK
    if completions.found_count == completions.found_room:
        if grow(<void **>&completions.found,
                2 * (completions.found_room + 64) * sizeof(uint32_t)) != STATUS_OK:
            return STATUS_NO_MEMORY
        completions.found_room = 2 * (completions.found_room + 64)
    completions.pieces.sequences.nodes[sequence].found = True
    completions.found[completions.found_count] = sequence
    completions.found_count += 1
    return STATUS_OK


cdef inline void set_branch(
    Completions *completions, const uint8_t *branch, size_t length
) noexcept nogil:
    """Replaces the branch; what is known of the bytes that it shares with the last one is kept."""
    cdef size_t stem = completions.pieces.stem, common = 0
    cdef uint8_t *end = completions.text + stem
    while common < length and common < completions.branch and end[common] == branch[common]:
        common += 1
    if common < completions.branch:
        cut_branch(&completions.pieces, stem + common)
        while completions.places[completions.place].end > stem + common:
            completions.place -= 1
    memcpy(end + common, branch + common, length - common)
    completions.branch = length


cdef inline int complete_by_split(Completions *completions, uint32_t *sequence) noexcept nogil:
    """Finds the tokens of the unstable text and the branch, which are valid UTF-8."""
    cdef PossiblePieces *pieces = &completions.pieces
    cdef size_t end = pieces.stem + completions.branch
    cdef BranchPlace *last = completions.places + completions.place
    cdef PieceRun run
    cdef uint32_t piece
    cdef int status
    while last.sequence == EMPTY_SEQUENCE and last.end < end:
        last[1] = last[0]
        last += 1
        last.end += sequence_length(pieces.text[last.end])
        read_piece(pieces.automaton, pieces.text, last.end, &last.run)
        status = sequence_of_text(
            pieces, &last.piece, &last.run, last.end, False, &last.sequence)
        if status != STATUS_OK:
            return status
        completions.place += 1
    sequence[0] = last.sequence
    if last.sequence != EMPTY_SEQUENCE:
        return STATUS_OK
    piece = last.piece
    run = last.run
    return sequence_of_text(pieces, &piece, &run, end, True, sequence)


cdef inline int add_branch(
    Completions *completions, const uint8_t *branch, size_t length
) noexcept nogil:
    """Adds the completion for some bytes after the unstable text."""
    cdef PossiblePieces *pieces = &completions.pieces
    cdef uint32_t sequence
    cdef int status
    set_branch(completions, branch, length)
    if is_valid_utf8(branch, length):
        status = complete_by_split(completions, &sequence)
    else:
        status = sequence_of_piece(
            pieces, completions.merged, pieces.stem + length, &sequence)
    if status == STATUS_OK:
        status = note_completion(completions, sequence)
    if status == STATUS_OK:
        status = count_work(pieces.interrupt, BRANCH_WORK + length)
    return status


cdef inline int add_branches(
    Completions *completions, const uint32_t *order, size_t length
) noexcept nogil:
    """Adds the completions with tokens that begin with the last `length` bytes."""
    cdef PossiblePieces *pieces = &completions.pieces
    cdef const Vocabulary *vocabulary = pieces.tables.vocabulary
    cdef const uint8_t *beginning = completions.text + (pieces.stem - length)
    cdef const uint8_t *token
    cdef size_t place = first_token_from(vocabulary, order, beginning, length)
    cdef size_t size
    cdef uint32_t sequence
    cdef int status = STATUS_OK
    while status == STATUS_OK and place < vocabulary.token_count:
        token = vocabulary.token_bytes + vocabulary.starts[order[place]]
        size = token_length(vocabulary, order[place])
        if size < length or memcmp(token, beginning, length) != 0:
            break
        if length < pieces.stem:
            pieces.guess = order[place]
            status = add_branch(completions, token + length, size - length)
        else:
            sequence = EMPTY_SEQUENCE
            status = append_token(&pieces.sequences, &sequence, order[place])
            if status == STATUS_OK:
                status = note_completion(completions, sequence)
        place += 1
    return status


cdef inline int find_completions(
    Completions *completions, const uint32_t *order, size_t last
) noexcept nogil:
    """Finds all completions.

    Args:
        order: the tokens in the order of their bytes.
        last: bytes of the last character, if the split pattern may give it up; or 0.
    """
    cdef PossiblePieces *pieces = &completions.pieces
    cdef size_t length
    cdef uint32_t sequence, piece
    cdef int status = STATUS_OK
    for length in range(1, min(pieces.stem, <size_t>pieces.tables.vocabulary.longest_token) + 1):
        if status == STATUS_OK:
            status = add_branches(completions, order, length)
    if status != STATUS_OK or last == 0:
        return status
    pieces.guess = NO_TOKEN
    status = sequence_of_piece(pieces, completions.merged, pieces.stem - last, &sequence)
    if status == STATUS_OK:
        status = add_piece(pieces, pieces.stem - last, sequence, True, &piece)
    if status == STATUS_OK:
        status = sequence_of_piece(pieces, piece, pieces.stem, &sequence)
    if status == STATUS_OK:
        status = note_completion(completions, sequence)
    return status
