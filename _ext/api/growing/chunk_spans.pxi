"""`chunk_spans`: where the chunks of a text begin and end, for `Encoding.split`."""

from cpython.list cimport PyList_New
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset

from api.arguments cimport view_text
from api.substrings cimport substring
from engine.base.errors cimport raise_status
from engine.base.types cimport STATUS_OK
from engine.decode.offsets cimport TokenLengths, open_token_lengths, replace_by_starts
from engine.encode.workspace cimport give_back
from engine.growing.chunk_ends cimport Chunk, CutText, next_chunk
from engine.growing.text_borders cimport Boundary, is_sure_grapheme
from engine.text.utf8 cimport TextView, utf8_length

cdef enum:
    SPANS_AT_ONCE = 64    # chunks that are searched for before they become a Python object

cdef struct ChunkSpan:
    int64_t start, end      # characters
    int64_t tokens


cdef size_t grapheme_floor(void *context, size_t low, size_t place) noexcept with gil:
    """Returns the last start of a grapheme cluster, as the regex library finds them."""
    cdef TextView view
    text, clusters = <object>context
    view_text(text, &view)
    cdef size_t first = place - 1, floor
    while first > low and not is_sure_grapheme(&view, first):
        first -= 1
    floor = first
    for cluster in clusters.finditer(text[first:place + 1]):
        if first + <size_t>cluster.end() > place:
            break
        floor = first + <size_t>cluster.end()
    return floor


cdef struct TextStarts:
    TokenLengths lengths
    TextView view
    int wrong           # whether the tokens are not together the text; set by any thread


cdef void replace_ids(
    void *context, const TextView *view, uint32_t *ids, size_t count
) noexcept nogil:
    """Replaces the ids of a section of a text by where their tokens begin in the text."""
    cdef TextStarts *text = <TextStarts *>context
    cdef size_t start = <size_t>(
        <const uint8_t *>view.data - <const uint8_t *>text.view.data) // max(view.width, 1)
    if replace_by_starts(&text.lengths, ids, count, start) != start + view.length:
        text.wrong = True


cdef TokenBuffer token_starts(CoreBPE core, str text, allowed_special, size_t num_threads):
    """Returns the character in which each token of a text begins, in place of the ids."""
    cdef TextStarts starts
    cdef TextBatch batch = TextBatch(core, 1)
    batch.add_strings([text])
    view_text(text, &starts.view)
    starts.wrong = False
    open_token_lengths(&starts.lengths, &core.vocabulary.lengths, core.engine.vocabulary,
                       &core.special_tokens.token_bytes, starts.view.width == 0,
                       starts.view.length // 4)
    batch.job.at_end = replace_ids
    batch.job.context = &starts
    batch.run((allowed_mask(core.special_tokens, text, allowed_special), empty_mask),
              num_threads, ROW)
    if batch.any_failed():
        core.encode(text, allowed_special)    # raises the reason
        raise MemoryError("no memory for the ids of a text")
    if starts.wrong:
        raise ValueError("the split pattern leaves characters of the text out")
    return batch.take_ids()


def chunk_spans(CoreBPE core not None, str text not None, allowed_special, size_t num_threads,
                tuple limits not None, int boundary, clusters):
    """Finds chunks of at most some number of tokens.

    Args:
        core: whose split pattern has an automaton that leaves no character out.
        text: without surrogates, of fewer than 2**32 characters.
        allowed_special: a set of special tokens.
        num_threads: threads to encode the text with, at most.
        limits: tokens per chunk, at least 1, and tokens of a chunk that the next one repeats, both
            at most; where the first chunk begins, and where the one before it ended.
        boundary: 0 = any character, 1 = words, 2 = sentences, 3 = lines.
        clusters: what finds grapheme clusters, which then stay whole; or None.

    Returns:
        The chunks as int64[n, 3]: where each begins and ends, in characters, and its tokens; and
        the place of a character that takes more tokens than a chunk may have, or None.
    """
    cdef CutText cut
    cdef Chunk chunk
    cdef ChunkSpan spans[SPANS_AT_ONCE]
    cdef size_t count = SPANS_AT_ONCE
    cdef TokenBuffer starts = token_starts(core, text, allowed_special, num_threads)
    cdef bytearray found = bytearray()
    cdef bytearray mask = allowed_mask(core.special_tokens, text, allowed_special)
    cdef object context = (text, clusters)
    memset(&cut, 0, sizeof(CutText))
    view_text(text, &cut.view)
    cut.engine = &core.engine
    cut.allowed = <const uint8_t *>mask
    cut.any_allowed = core.special_tokens.trie.count > 0 and len(mask) > 0
    cut.starts = starts.ids.data
    cut.count = starts.ids.length
    cut.max_tokens, cut.overlap, cut.start, cut.end = limits
    cut.boundary = <Boundary>boundary
    if clusters is not None:
        cut.grapheme_floor = grapheme_floor
    cut.context = <void *>context
    cut.workspace = core.take()
    try:
        while count == SPANS_AT_ONCE:
            with nogil:
                count = 0
                while count < SPANS_AT_ONCE and next_chunk(&cut, &chunk):
                    spans[count].start = <int64_t>chunk.start
                    spans[count].end = <int64_t>chunk.end
                    spans[count].tokens = <int64_t>chunk.tokens
                    count += 1
            found += (<const char *>spans)[:count * sizeof(ChunkSpan)]
    finally:
        give_back(&core.vocabulary.pool, cut.workspace)
    if cut.status != STATUS_OK:
        raise_status(cut.status, text)
    return found, cut.start if cut.end < cut.view.length else None


def bytes_of_spans(str text not None, bytearray spans not None) -> bytearray:
    """Returns where the chunks of a text begin and end in its UTF-8, as int64[n, 2].

    Args:
        text: without surrogates.
        spans: of the chunks, as `chunk_spans` returns them; starts and ends ascend.
    """
    cdef const ChunkSpan *span = <const ChunkSpan *><const char *>spans
    cdef Py_ssize_t count = len(spans) // <Py_ssize_t>sizeof(ChunkSpan), i
    cdef bytearray found = bytearray(count * 2 * sizeof(int64_t))
    cdef int64_t *places = <int64_t *><char *>found
    cdef size_t start = 0, end = 0, following, start_byte = 0, end_byte = 0
    cdef TextView view
    view_text(text, &view)
    with nogil:
        for i in range(count):
            following = <size_t>span[i].start
            if end - following < following - start:    # an overlap shorter than what precedes it
                start_byte = end_byte - utf8_length(&view, following, end)
            else:
                start_byte += utf8_length(&view, start, following)
            start = following
            following = <size_t>span[i].end
            end_byte += utf8_length(&view, end, following)
            end = following
            places[2 * i] = <int64_t>start_byte
            places[2 * i + 1] = <int64_t>end_byte
    return found


def strings_of_spans(str text not None, bytearray spans not None) -> list:
    """Returns the chunks whose spans `chunk_spans` has found in a text."""
    cdef const ChunkSpan *span = <const ChunkSpan *><const char *>spans
    cdef Py_ssize_t count = len(spans) // <Py_ssize_t>sizeof(ChunkSpan), i
    cdef list chunks = PyList_New(count)
    cdef TextView view
    view_text(text, &view)
    for i in range(count):
        put(chunks, <size_t>i,
            substring(text, &view, <size_t>span[i].start, <size_t>span[i].end))
    return chunks
