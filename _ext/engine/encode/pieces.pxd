# Turns batches of pieces into ids: cache, then frozen vocabulary, then cuts and merging.
#
# A batch is walked twice: first all keys are made and the cache entries they need are asked for
# (cache/probes.pxd), then the entries are read, so that one piece's cache miss hides behind the others'
# work. Walking once, without keys in between, was a quarter slower. Between the two a new cache
# learns what it does not know (cache/learn.pxd); doing that at each missing piece instead made first
# calls 3 % faster and all later ones 9 % slower (NOTES.md).
#
# What is only counted need not be found in order: pieces of 16 bytes or more are counted behind the
# others of their batch, so that where they come need not be guessed twice (Russian 1.16). Ids of
# such pieces found before a batch is walked, and read there like those of short ones: Russian 1.09
# with o200k_base, 0.98 with cl100k_base, all others 1.00; not kept.
#
# A piece that is a token as a whole is that token, even if merging would not reach it. A part of a
# cut piece is only what merging makes of it; pieces are cut only where the vocabulary has no token
# that merging cannot reach, so that both are the same.
#
# Time: O(1) for a piece in the cache or of one token, else as merge/merge.pxd says.

from libc.stdint cimport uint8_t, uint32_t, SIZE_MAX

from engine.split.automaton cimport GROUP_PIECES
from engine.cache.cache cimport (
    LargeProbe, PieceCache, copy_wider_ids, keep_medium, keep_narrow, keep_short, keep_wider,
    narrow_line, probe_medium, probe_medium_again, probe_wide, probe_wide_again)
from engine.cache.entries cimport (
    MEDIUM_IDS, NARROW_IDS, WIDE_IDS, MediumEntry, NarrowEntry, brought_home, copy_ids,
    copy_large_ids, find_large, find_narrow, same_key)
from engine.simd.vectors cimport same_pieces
from engine.vocab.borders cimport next_cut
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.base.interrupt cimport count_work
from engine.cache.learn cimport KNOWN_PIECES, MANY_UNKNOWN, learn_pieces
from engine.merge.merge cimport merge_piece
from engine.cache.probes cimport (
    LEARNING_PIECES, LargePiece, Probe, Probes, likely_entry, probe_pieces)
from engine.base.types cimport (
    MEDIUM_PIECE, NO_TOKEN, SHORT_PIECE, STATUS_MISSING_BYTE, STATUS_NO_MEMORY, STATUS_OK,
    WIDE_PIECE, likely)
from engine.vocab.tables cimport Key, Vocabulary, find_long, find_short, id_of, length_of, short_key
from engine.encode.workspace cimport Workspace


cdef inline int merge_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Key *key, NarrowEntry *line,
    bint is_known, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of up to 15 bytes that is no token, through the other tables or by merging.

    Other arguments as for `encode_short`.

    Args:
        is_known: whether the narrow cache says that it is no token and has more than three ids;
            only then the others are asked.
    """
    cdef PieceCache *cache = &workspace.cache
    cdef const uint8_t *piece = <const uint8_t *>key
    cdef size_t length = length_of(key)
    cdef LargeProbe medium
    cdef LargeProbe wide
    cdef bint is_wider = False
    cdef int status
    if is_known:
        probe_medium_again(cache, key, &medium)
        is_wider = copy_large_ids(<MediumEntry *>medium.line, medium.key, out, count)
        if is_wider and count[0] <= MEDIUM_IDS:
            return STATUS_OK
    if is_wider:
        probe_wide_again(cache, &medium, &wide)
        if copy_wider_ids(cache, piece, length, &wide, out, count):
            return STATUS_OK
    status = merge_piece(vocabulary, &workspace.merging, &workspace.interrupt, piece, length, out,
                         count)
    if status != STATUS_OK:
        return status
    if is_wider:
        keep_wider(cache, piece, length, &wide, out, count[0])
    elif is_known:
        keep_medium(cache, piece, length, &medium, out, count[0])
    else:
        keep_short(cache, line, key, out, count[0])
    return STATUS_OK


cdef inline int encode_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Key *key, NarrowEntry *line,
    uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of up to 15 bytes.

    Args:
        key: its own.
        line: its place in the narrow cache.
        out: room for an id a byte and WIDE_IDS more.
        count: receives the number of ids.
    """
    cdef NarrowEntry *entry = find_narrow(line, key[0])
    cdef uint32_t index
    if entry != NULL and entry.count <= NARROW_IDS:
        entry = brought_home(line, entry)
        copy_ids(out, entry)
        count[0] = entry.count
        return STATUS_OK
    if entry == NULL:
        workspace.unknown += 1
        index = find_short(vocabulary, key[0])
        if index != NO_TOKEN:
            out[0] = id_of(vocabulary, index)
            count[0] = 1
            keep_narrow(&workspace.cache, line, key[0], out, 1)
            return STATUS_OK
    return merge_short(vocabulary, workspace, key, line, entry != NULL, out, count)


cdef inline int encode_part(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *part, size_t length,
    const uint8_t *readable_end, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a part of a cut piece."""
    cdef Key key
    if length > SHORT_PIECE:
        return merge_piece(vocabulary, &workspace.merging, &workspace.interrupt, part, length,
                           out, count)
    key = short_key(part, length, readable_end)
    return encode_short(vocabulary, workspace, &key, narrow_line(&workspace.cache, key), out, count)


cdef inline int encode_parts(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    size_t first_cut, const uint8_t *readable_end, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece whose first cut is known, part by part."""
    cdef size_t start = 0, end = first_cut, part_count
    cdef int status
    count[0] = 0
    while True:
        status = encode_part(vocabulary, workspace, piece + start, end - start, readable_end,
                             out + count[0], &part_count)
        if status != STATUS_OK:
            return status
        count[0] += part_count
        status = count_work(&workspace.interrupt, end - start)
        if status != STATUS_OK:
            return status
        if end == length:
            return STATUS_OK
        start = end
        end = next_cut(vocabulary, piece, start, length)


cdef inline int encode_unknown_long(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    const uint8_t *readable_end, bint valid_utf8, uint32_t *out, size_t *count
) noexcept nogil:
    """Encodes a piece of 16 bytes or more that the cache does not know.

    Arguments as for `encode_long`.
    """
    cdef uint32_t index = find_long(vocabulary, piece, length)
    cdef size_t cut = length
    if index != NO_TOKEN:
        out[0] = id_of(vocabulary, index)
        count[0] = 1
        return STATUS_OK
    if valid_utf8 and vocabulary.unreachable_count == 0:
        cut = next_cut(vocabulary, piece, 0, length)
    if cut < length:
        return encode_parts(vocabulary, workspace, piece, length, cut, readable_end, out, count)
    return merge_piece(vocabulary, &workspace.merging, &workspace.interrupt, piece, length, out,
                       count)


cdef inline int encode_long(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    const uint8_t *readable_end, bint valid_utf8, const LargeProbe *large, uint32_t *out,
    size_t *count
) noexcept nogil:
    """Encodes a piece of 16 bytes or more.

    Args:
        valid_utf8: whether the piece may be cut.
        large: its probe, if it has WIDE_PIECE bytes or less.
        out: room for `length` ids and WIDE_IDS more.
    """
    cdef PieceCache *cache = &workspace.cache
    cdef const LargeProbe *wider = large
    cdef LargeProbe wide
    cdef bint is_wider = length > MEDIUM_PIECE
    cdef int status
    if not is_wider and copy_large_ids(<MediumEntry *>large.line, large.key, out, count):
        if count[0] <= MEDIUM_IDS:
            return STATUS_OK
        is_wider = True
        probe_wide_again(cache, large, &wide)
        wider = &wide
    if is_wider and copy_wider_ids(cache, piece, length, wider, out, count):
        return STATUS_OK
    status = encode_unknown_long(vocabulary, workspace, piece, length, readable_end, valid_utf8,
                                 out, count)
    if status != STATUS_OK:
        return status
    if is_wider:
        keep_wider(cache, piece, length, wider, out, count[0])
    else:
        keep_medium(cache, piece, length, large, out, count[0])
    return STATUS_OK


cdef inline int encode_piece(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    bint valid_utf8, IdBuffer *sink
) noexcept nogil:
    """Encodes one piece and appends its ids to the sink."""
    cdef PieceCache *cache = &workspace.cache
    cdef const uint8_t *end = piece + length
    cdef Key key
    cdef LargeProbe large
    cdef size_t count = 0
    cdef int status
    if length > SIZE_MAX - sink.length - 2 * WIDE_IDS:
        return STATUS_NO_MEMORY
    status = grow_ids(sink, sink.length + length + WIDE_IDS)
    if status == STATUS_OK and length > SHORT_PIECE:
        if length <= MEDIUM_PIECE:
            probe_medium(cache, piece, length, end, &large)
        elif length <= WIDE_PIECE:
            probe_wide(cache, piece, length, end, &large)
        status = encode_long(vocabulary, workspace, piece, length, end, valid_utf8, &large,
                             sink.data + sink.length, &count)
    elif status == STATUS_OK:
        key = short_key(piece, length, end)
        status = encode_short(vocabulary, workspace, &key, narrow_line(cache, key),
                              sink.data + sink.length, &count)
    sink.length += count
    return status


cdef inline void begin_batch(
    const Vocabulary *vocabulary, Workspace *workspace
) noexcept nogil:
    """Has a new cache learn what it does not know of a batch."""
    workspace.unknown = 0
    if workspace.learns:
        workspace.unknown = learn_pieces(vocabulary, &workspace.cache, &workspace.probes)


cdef inline void end_batch(Workspace *workspace, size_t count) noexcept nogil:
    """Notes whether the cache is still new, after so many pieces."""
    workspace.learns = (workspace.unknown > MANY_UNKNOWN
                        and KNOWN_PIECES * workspace.unknown > count)


cdef inline int encode_batch(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *text, uint32_t start,
    const uint32_t *ends, size_t count, const uint8_t *readable_end, uint32_t *out,
    size_t *written
) noexcept nogil:
    """Encodes up to LEARNING_PIECES pieces; arguments as for `encode_pieces`.

    Args:
        out: room for an id a byte and WIDE_IDS more.
        written: receives the number of ids.
    """
    cdef Probes *probes = &workspace.probes
    cdef const Probe *probe = probes.pieces
    cdef const Probe *last
    cdef const LargePiece *large = probes.large
    cdef const NarrowEntry *entry
    # The address of `several` is taken: what is found at once shall stay in a register.
    cdef size_t found = 0, several = 0, total = 0
    cdef int status
    probe_pieces(&workspace.cache, text, start, ends, count, readable_end, False,
                 &workspace.ahead, probes)
    begin_batch(vocabulary, workspace)
    last = probes.end
    while probe < last:
        entry = likely_entry(probe)
        if likely(same_key(entry.key, probe.key)):
            copy_ids(out + total, entry)
            found = entry.count
            total += found
            probe += 1
            continue
        if probe.key.high:
            status = encode_short(vocabulary, workspace, &probe.key, probe.line, out + total,
                                  &several)
        else:
            status = encode_long(vocabulary, workspace, text + large.start,
                                 large.end - large.start, readable_end, True, &large.probe,
                                 out + total, &several)
            large += 1
        if status != STATUS_OK:
            return status
        found = several
        total += found
        probe += 1
    end_batch(workspace, count)
    workspace.last_piece_ids = found
    written[0] = total
    return STATUS_OK


cdef inline int count_short(
    const Vocabulary *vocabulary, Workspace *workspace, const Key *key, NarrowEntry *line,
    uint32_t *scratch, size_t *count
) noexcept nogil:
    """Counts the ids of a piece of up to 15 bytes; arguments as for `encode_short`."""
    cdef NarrowEntry *entry = find_narrow(line, key[0])
    if entry == NULL:
        return encode_short(vocabulary, workspace, key, line, scratch, count)
    count[0] = brought_home(line, entry).count
    return STATUS_OK


cdef inline int count_long(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *piece, size_t length,
    const uint8_t *readable_end, const LargeProbe *large, uint32_t *scratch, size_t *count
) noexcept nogil:
    """Counts the ids of a piece of 16 bytes or more, valid UTF-8; arguments as for
    `encode_long`."""
    cdef MediumEntry *line = <MediumEntry *>large.line
    cdef MediumEntry *entry
    if length <= MEDIUM_PIECE:
        entry = find_large(line, large.key)
        if entry != NULL:
            count[0] = brought_home(line, entry).count
            return STATUS_OK
    return encode_long(vocabulary, workspace, piece, length, readable_end, True, large, scratch,
                       count)


cdef inline int count_batch(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *text, uint32_t start,
    const uint32_t *ends, size_t count, const uint8_t *readable_end, uint32_t *scratch,
    size_t *counted
) noexcept nogil:
    """Counts the ids of up to LEARNING_PIECES pieces; other arguments as for `encode_batch`.

    Args:
        scratch: where ids may be written.
        counted: receives the number of ids.
    """
    cdef Probes *probes = &workspace.probes
    cdef const Probe *probe = probes.pieces
    cdef const Probe *last
    cdef const LargePiece *large = probes.large
    cdef const NarrowEntry *entry
    cdef const NarrowEntry *next_entry
    cdef size_t several = 0, total = 0
    cdef int status
    probe_pieces(&workspace.cache, text, start, ends, count, readable_end, True,
                 &workspace.ahead, probes)
    begin_batch(vocabulary, workspace)
    last = probes.end
    while probe + 1 < last:
        entry = likely_entry(probe)
        next_entry = likely_entry(probe + 1)
        if likely(same_pieces(&entry.key, &probe.key, &next_entry.key, &probe[1].key)):
            total += entry.count + next_entry.count
            probe += 2
            continue
        status = count_short(vocabulary, workspace, &probe.key, probe.line, scratch, &several)
        if status != STATUS_OK:
            return status
        total += several
        probe += 1
    if probe < last:
        status = count_short(vocabulary, workspace, &probe.key, probe.line, scratch, &several)
        if status != STATUS_OK:
            return status
        total += several
    while large < probes.large_end:
        status = count_long(vocabulary, workspace, text + large.start, large.end - large.start,
                            readable_end, &large.probe, scratch, &several)
        if status != STATUS_OK:
            return status
        total += several
        large += 1
    end_batch(workspace, count)
    counted[0] = total
    return STATUS_OK


cdef inline int encode_pieces(
    const Vocabulary *vocabulary, Workspace *workspace, const uint8_t *text,
    const uint32_t *ends, size_t count, const uint8_t *readable_end, bint counting,
    IdBuffer *sink
) noexcept nogil:
    """Encodes pieces that follow each other, which are valid UTF-8, into the sink.

    Args:
        text: the first piece's first byte.
        ends: where each piece ends.
        count: at least 1.
        readable_end: one past the last byte that may be read.
        counting: only `sink.length` grows; its memory is used again by each batch.
    """
    cdef size_t done = 0, batch, written, place
    cdef uint32_t start = 0
    cdef int status
    while done < count:
        batch = <size_t>LEARNING_PIECES if workspace.learns else <size_t>GROUP_PIECES
        if batch > count - done:
            batch = count - done
        place = 0 if counting else sink.length
        if grow_ids(sink, place + (ends[done + batch - 1] - start) + WIDE_IDS) != STATUS_OK:
            return STATUS_NO_MEMORY
        if counting:
            status = count_batch(vocabulary, workspace, text, start, ends + done, batch,
                                 readable_end, sink.data, &written)
        if not counting or status >= STATUS_MISSING_BYTE:
            # Of several bytes that are no tokens, the first one is told.
            status = encode_batch(vocabulary, workspace, text, start, ends + done, batch,
                                  readable_end, sink.data + place, &written)
        if status != STATUS_OK:
            return status
        sink.length += written
        done += batch
        start = ends[done - 1]
    return STATUS_OK
