"""What the tokens at the end of a text may become when the text goes on.

This reproduces tiktoken's `encode_with_unstable` and `_encode_bytes`, quirks included: they are
heuristics, and callers compare their results.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from api.arguments cimport view_text
from engine.base.errors cimport exception_is_set, raise_status
from engine.base.interrupt cimport run_signal_handlers
from engine.base.types cimport NO_TOKEN, STATUS_OK
from engine.encode.workspace cimport Workspace, give_back
from engine.growing.completions cimport (
    Completions, close_completions, find_completions, open_completions)
from engine.growing.sequences cimport Sequence
from engine.growing.token_parts cimport TokenParts
from engine.sink.id_buffer cimport IdBuffer, grow_ids, release_ids
from engine.sink.int_lists cimport (
    IDS_BETWEEN_CHECKS, hidden_list_after, list_of_ids, show_lists)
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary as VocabularyTables, id_of, index_of, token_length
from engine.vocab.token_order cimport first_token_from


cdef list encode_broken_text(CoreBPE core, bytes text):
    """Encodes bytes; from the first that is not valid UTF-8 they are merged without a split."""
    cdef list tokens
    cdef bytes tail
    try:
        return core.encode_ordinary(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        valid = error.start
    tokens, tail = stable_and_tail(core, text[:valid].decode("utf-8"), frozenset())
    return tokens + core.encode_single_piece(tail + text[valid:])


cdef tuple stable_and_completions(CoreBPE core, text, allowed_special):
    """Returns the ids of a text that stay if it goes on, and the ids that the rest may become."""
    cdef list tokens
    cdef bytes tail
    tokens, tail = stable_and_tail(core, text, allowed_special)
    if not tail:
        return tokens, []
    # Only where each byte of a text is in some piece, and a token.
    if core.longest_token and not core.vocabulary.tables.misses_bytes:
        return tokens, completions_of(core, tail)
    return tokens, [list(found) for found in completions_by_encoding(core, tail)]


cdef tuple stable_and_tail(CoreBPE core, text, allowed_special):
    """Returns the ids of a text that stay if it goes on, and the bytes of the others."""
    cdef list tokens
    cdef Py_ssize_t stable
    tokens, last_piece = encode_with_last_piece(core, text, allowed_special)
    stable = len(tokens) - unstable_tokens(&core.vocabulary.tables, tokens, last_piece)
    tail = core.decode_bytes(tokens[stable:])
    del tokens[stable:]
    return tokens, tail


cdef tuple encode_with_last_piece(CoreBPE core, text, allowed_special):
    """Encodes a text; returns the ids and how many of them belong to the last piece.

    None do if the text is empty or ends in a special token.
    """
    cdef TextView view
    cdef Workspace *workspace
    cdef bytearray mask
    view_text(text, &view)
    mask = allowed_mask(core.special_tokens, text, allowed_special)
    workspace = core.take()
    try:
        encode_into(core, text, &view, mask, False, workspace, &workspace.ids)
        return (list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length),
                workspace.last_piece_ids)
    finally:
        give_back(&core.vocabulary.pool, workspace)


cdef bint is_blank(const VocabularyTables *vocabulary, uint32_t token_id) noexcept nogil:
    """Returns whether a token is empty, or holds only spaces, line feeds and tabs.

    A special token never does.
    """
    cdef uint32_t index = index_of(vocabulary, token_id)
    cdef uint32_t i
    if index == NO_TOKEN:
        return False
    for i in range(vocabulary.starts[index], vocabulary.starts[index + 1]):
        if vocabulary.token_bytes[i] not in (32, 10, 9):
            return False
    return True


cdef Py_ssize_t unstable_tokens(
    const VocabularyTables *vocabulary, list tokens, Py_ssize_t last_piece
):
    """Returns how many tokens at the end are unstable.

    These are the tokens of the last piece, and, if its first token is blank, all blank tokens
    before it, because the split pattern may join them with what follows.
    """
    cdef Py_ssize_t count = last_piece
    if count and is_blank(vocabulary, tokens[len(tokens) - count]):
        while count < len(tokens) and is_blank(vocabulary, tokens[len(tokens) - count - 1]):
            count += 1
    return count


cdef list until_length(CoreBPE core, list tokens, Py_ssize_t length):
    """Returns the first tokens that together have `length` bytes or more."""
    cdef const VocabularyTables *tables = &core.vocabulary.tables
    cdef list kept = []
    cdef Py_ssize_t total = 0
    for token in tokens:
        kept.append(token)
        total += token_length(tables, index_of(tables, token))
        if total >= length:
            break
    return kept


cdef list tokens_beginning_with(Vocabulary vocabulary, bytes prefix):
    """Returns the vocabulary's tokens that begin with a prefix."""
    cdef const uint32_t *order = vocabulary.token_order()
    cdef size_t place = first_token_from(
        &vocabulary.tables, order, <const uint8_t *>PyBytes_AS_STRING(prefix), len(prefix))
    cdef list found = []
    cdef bytes token
    while place < vocabulary.tables.token_count:
        token = vocabulary.token(order[place])
        if not token.startswith(prefix):
            break
        found.append(token)
        place += 1
    return found


cdef tuple last_character(bytes text):
    """Returns the last character and its length in bytes; None and a length if it is broken."""
    cdef Py_ssize_t length
    for length in range(1, min(4, len(text)) + 1):
        if text[len(text) - length] & 0xC0 != 0x80:
            try:
                return text[len(text) - length:].decode("utf-8"), length
            except UnicodeDecodeError:
                return None, length
    return None, 1


cdef Py_ssize_t final_blank(bytes text):
    """Returns the bytes of the last character if it is white space after something, otherwise 0.

    `\\s+(?!\\S)` may give it up if text follows.
    """
    character, length = last_character(text)
    # Python counts four control characters as white space that Unicode does not.
    if (character is not None and character.isspace()
            and not "\x1c" <= character <= "\x1f" and len(text) > length):
        return length
    return 0


cdef list completions_of(CoreBPE core, bytes unstable):
    """Returns the sequences of ids that may begin with the bytes `unstable`, each once."""
    cdef Completions completions
    cdef Workspace *workspace
    cdef const uint32_t *order = core.vocabulary.token_order()
    cdef const TokenParts *parts = core.vocabulary.token_parts()
    cdef const uint8_t *text = <const uint8_t *>PyBytes_AS_STRING(unstable)
    cdef size_t length = PyBytes_GET_SIZE(unstable), last = final_blank(unstable)
    cdef int status
    workspace = core.take()
    try:
        with nogil:
            status = open_completions(
                &completions, &core.vocabulary.tables, parts, core.engine.automaton,
                text, length, &workspace.interrupt)
            if status == STATUS_OK:
                status = find_completions(&completions, order, last)
        if status != STATUS_OK:
            raise_status(status, unstable)
        return lists_of_completions(core, &completions, workspace)
    finally:
        close_completions(&completions)
        give_back(&core.vocabulary.pool, workspace)


cdef list lists_of_completions(
    CoreBPE core, const Completions *completions, Workspace *workspace
):
    """Returns the ids of each sequence that was found."""
    cdef const Sequence *nodes = completions.pieces.sequences.nodes
    cdef list lists = [], last = []
    cdef IdBuffer path       # the beginnings of the last sequence, as nodes
    cdef size_t i, since_check = 0
    cdef size_t common
    memset(&path, 0, sizeof(IdBuffer))
    workspace.ids.length = 0
    try:
        for i in range(completions.found_count):
            common = follow_sequence(
                &core.vocabulary.tables, nodes, completions.found[i], &path, &workspace.ids)
            last = hidden_list_after(
                &int_objects, last, common, workspace.ids.data, workspace.ids.length)
            lists.append(last)
            since_check += workspace.ids.length
            if since_check >= IDS_BETWEEN_CHECKS:
                since_check = 0
                if run_signal_handlers():
                    exception_is_set()
    finally:
        release_ids(&path, False)
    show_lists(lists)
    return lists


cdef Py_ssize_t follow_sequence(
    const VocabularyTables *vocabulary, const Sequence *nodes, uint32_t node, IdBuffer *path,
    IdBuffer *ids
) except? -1:
    """Writes the ids of a sequence over those of the last one; returns how many both begin with.

    Args:
        path: the last sequence's beginnings, as nodes; becomes this one's.
        ids: the last sequence's ids; becomes this one's.
    """
    cdef size_t length = nodes[node].length, place = length
    if grow_ids(path, length) != STATUS_OK or grow_ids(ids, length) != STATUS_OK:
        raise MemoryError("no memory for the ids of a completion")
    while place and (place > path.length or path.data[place - 1] != node):
        path.data[place - 1] = node
        ids.data[place - 1] = id_of(vocabulary, nodes[node].token)
        node = nodes[node].before
        place -= 1
    path.length = length
    ids.length = length
    return place


cdef set completions_by_encoding(CoreBPE core, bytes unstable):
    """As `completions_of`, for any encoding, by encoding all texts that may come of the bytes."""
    cdef set found = set(), seen = set()
    cdef Py_ssize_t cut, last, longest = core.vocabulary.tables.longest_token
    cdef bytes token, possibility
    for token in tokens_beginning_with(core.vocabulary, unstable):
        found.add((core.encode_single_token(token),))
    # A token may begin at any byte and go beyond the end of the text. Encode what that makes.
    for cut in range(max(1, len(unstable) - longest), len(unstable)):
        for token in tokens_beginning_with(core.vocabulary, unstable[cut:]):
            if token[len(unstable) - cut:] in seen:
                continue
            seen.add(token[len(unstable) - cut:])
            if run_signal_handlers():
                exception_is_set()
            possibility = unstable[:cut] + token
            try:
                encoded = core.encode_ordinary(possibility.decode("utf-8"))
            except UnicodeDecodeError:
                encoded = core._merge(possibility)
            found.add(tuple(until_length(core, encoded, len(unstable))))
    last = final_blank(unstable)
    if last:
        found.add(tuple(core._merge(unstable[:len(unstable) - last])
                        + core._merge(unstable[len(unstable) - last:])))
    return found
