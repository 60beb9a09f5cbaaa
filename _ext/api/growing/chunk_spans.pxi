"""`chunk_spans`: where the chunks of a text begin and end, for `Encoding.split`."""

from cpython.list cimport PyList_New
from libc.stdint cimport int64_t, uint8_t

from api.arguments cimport view_text
from engine.base.errors cimport raise_status
from engine.base.types cimport STATUS_OK
from engine.decode.offsets cimport replace_by_starts
from engine.encode.workspace cimport give_back
from engine.growing.chunk_ends cimport Chunk, CutText, next_chunk
from engine.growing.text_borders cimport Boundary, is_sure_grapheme
from engine.text.utf8 cimport TextView, utf8_length

cdef extern from "Python.h":
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)

cdef enum:
    SPANS_AT_ONCE = 64    # chunks that are searched for before they become a Python object

cdef struct Span64:
    int64_t start, end              # characters
    int64_t first_byte, last_byte   # the chunk ends before the latter
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


def chunk_spans(CoreBPE core not None, str text not None, TokenBuffer ids not None, allowed_special,
                size_t max_tokens, size_t overlap, int boundary, clusters):
    """Finds chunks of at most so many tokens.

    Args:
        core: whose split pattern has an automaton that leaves no character out.
        text: without surrogates, of fewer than 2**32 characters.
        ids: of the text; overwritten.
        allowed_special: a set of special tokens.
        max_tokens: tokens per chunk, at least 1.
        overlap: tokens of a chunk that the next one repeats, at most.
        boundary: 0 = any character, 1 = words, 2 = sentences, 3 = lines.
        clusters: what finds grapheme clusters, which then stay whole; or None.

    Returns:
        The chunks as int64[n, 5]: first and last character, first and last byte, tokens; and the
        place of a character that takes more than `max_tokens` tokens, or None.
    """
    cdef CutText cut
    cdef Chunk chunk
    cdef Span64 spans[SPANS_AT_ONCE]
    cdef Span64 span
    cdef size_t count = SPANS_AT_ONCE
    cdef bytearray found = bytearray()
    cdef bytearray mask = allowed_mask(core.special_tokens, text, allowed_special)
    cdef object context = (text, clusters)
    view_text(text, &cut.view)
    span.end = span.last_byte = 0
    cut.engine = &core.engine
    cut.allowed = <const uint8_t *>mask
    cut.any_allowed = core.special_tokens.trie.count > 0 and len(mask) > 0
    cut.starts = ids.ids.data
    cut.count = ids.ids.length
    cut.max_tokens = max_tokens
    cut.overlap = overlap
    cut.boundary = <Boundary>boundary
    cut.grapheme_floor = NULL
    if clusters is not None:
        cut.grapheme_floor = grapheme_floor
    cut.context = <void *>context
    cut.start = cut.end = cut.near = 0
    cut.status = STATUS_OK
    with nogil:
        if not replace_by_starts(core.engine.vocabulary, &core.special_tokens.token_bytes,
                                 ids.ids.data, ids.ids.length, cut.view.width == 0,
                                 cut.view.length):
            count = 0
    if count == 0:
        raise ValueError("the ids are not the text's")
    cut.workspace = core.take()
    try:
        while count == SPANS_AT_ONCE:
            with nogil:
                count = 0
                while count < SPANS_AT_ONCE and next_chunk(&cut, &chunk):
                    span.start = <int64_t>chunk.start
                    span.first_byte = span.last_byte - <int64_t>(
                        utf8_length(&cut.view, chunk.start, <size_t>span.end))
                    span.last_byte += <int64_t>utf8_length(
                        &cut.view, <size_t>span.end, chunk.end)
                    span.end = <int64_t>chunk.end
                    span.tokens = <int64_t>chunk.tokens
                    spans[count] = span
                    count += 1
            found += (<const char *>spans)[:count * sizeof(Span64)]
    finally:
        give_back(&core.vocabulary.pool, cut.workspace)
    if cut.status != STATUS_OK:
        raise_status(cut.status, text)
    return found, cut.start if cut.end < cut.view.length else None


def strings_of_spans(str text not None, bytearray spans not None) -> list:
    """Returns the chunks whose spans `chunk_spans` has found in a text."""
    cdef const Span64 *span = <const Span64 *><const char *>spans
    cdef Py_ssize_t count = len(spans) // <Py_ssize_t>sizeof(Span64), i
    cdef list chunks = PyList_New(count)
    for i in range(count):
        put(chunks, <size_t>i, PyUnicode_Substring(text, span[i].start, span[i].end))
    return chunks
