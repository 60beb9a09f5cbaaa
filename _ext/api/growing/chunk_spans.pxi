"""`chunk_spans`: where the chunks of a text begin and end, for `Encoding.split`."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset

from api.arguments cimport view_text
from api.substrings cimport substring
from engine.base.allocator_tuning cimport expect_again
from engine.base.errors cimport raise_status
from engine.base.heap cimport allocate_zeroed, release
from engine.base.types cimport STATUS_OK
from engine.decode.offsets cimport open_token_lengths, sum_lengths
from engine.encode.marks cimport MARK_BITS, Mark
from engine.encode.threads cimport Task
from engine.encode.workspace cimport give_back
from engine.growing.chunk_ends cimport (
    CHUNK_FOUND, NO_CHUNK, Chunk, CutText, Search, next_chunk)
from engine.growing.sections cimport (
    CHUNKED_SECTION, Sections, encode_section, expect_sections, free_sections)
from engine.growing.text_borders cimport Boundary, is_sure_grapheme
from engine.growing.token_places cimport TokenPlaces
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


@cython.final
cdef class TextTokens:
    """The tokens of a text, and what it takes to find their places."""
    cdef TokenBuffer ids       # if several threads have encoded the whole text
    cdef Mark *slots           # owned: as the threads leave them, later as many as there are
    cdef Sections sections     # if not
    cdef TokenPlaces places

    def __cinit__(self, CoreBPE core not None, str text not None):
        self.places.lengths.known = 0
        self.sections.characters = min(thread_sizes.section, <size_t>CHUNKED_SECTION)
        open_token_lengths(&self.places.lengths, &core.vocabulary.lengths, core.engine.vocabulary,
                           &core.special_tokens.token_bytes, False, <size_t>len(text) // 4)

    cdef int encode_all(self, CoreBPE core, str text, allowed_special, size_t num_threads) \
            except -1:
        """Encodes the whole text by several threads."""
        cdef TextBatch batch = TextBatch(core, 1)
        cdef TextView view
        batch.add_strings([text])
        view_text(text, &view)
        self._make_slots(batch, view.length)
        batch.run((allowed_mask(core.special_tokens, text, allowed_special), empty_mask),
                  num_threads, ROW)
        if batch.any_failed():
            core.encode(text, allowed_special)    # raises the reason
            raise MemoryError("no memory for the ids of a text")
        self._join_marks(batch)
        self.ids = batch.take_ids()
        self.places.ids = self.ids.ids.data
        self.places.count = self.ids.ids.length
        self.places.length = view.length
        self.sections.differs = view.length != sum_lengths(
            &self.places.lengths, self.places.ids, self.places.count)
        return 0

    def __dealloc__(self):
        release(self.slots)
        free_sections(&self.sections)

    cdef int _make_slots(self, TextBatch batch, size_t length) except -1:
        """Makes room for the marks of all sections."""
        cdef size_t start = 0, task
        self.slots = <Mark *>allocate_zeroed(
            (length >> MARK_BITS) + 2 * batch.task_count + 1, sizeof(Mark))
        if self.slots == NULL:
            raise MemoryError("no memory for the places of tokens")
        for task in range(batch.task_count):
            # A section has a slot more than whole stretches, and one for its beginning.
            batch.job.tasks[task].first_mark = (start >> MARK_BITS) + 2 * task + 1
            start += batch.job.tasks[task].view.length
        batch.job.marks = self.slots
        return 0

    cdef void _join_marks(self, TextBatch batch) noexcept:
        """Moves the marks together and counts from the beginning of the text."""
        cdef size_t count = 0, character = 0, ids = 0, number, slot
        cdef const Task *task
        cdef Mark mark
        for number in range(batch.task_count):
            task = &batch.job.tasks[number]
            self.slots[count].character = <uint32_t>character
            self.slots[count].ids = <uint32_t>ids
            count += 1
            for slot in range((task.view.length >> MARK_BITS) + 1):
                mark = self.slots[task.first_mark + slot]
                if mark.character:
                    self.slots[count].character = <uint32_t>character + mark.character
                    self.slots[count].ids = <uint32_t>ids + mark.ids
                    count += 1
            character += task.view.length
            ids += task.count
        self.places.marks = self.slots
        self.places.mark_count = count


def chunk_spans(CoreBPE core not None, str text not None, allowed_special, size_t num_threads,
                tuple limits not None, int boundary, clusters, list chunks):
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
        chunks: receives the chunks as strings; None: they are not made.

    Returns:
        The chunks as int64[n, 3]: where each begins and ends, in characters, and its tokens; and
        the place of a character that takes more tokens than a chunk may have, or None.
    """
    cdef CutText cut
    cdef Chunk chunk
    cdef ChunkSpan spans[SPANS_AT_ONCE]
    cdef size_t count, size = 0, i
    cdef str part
    cdef TextView part_view
    cdef TextTokens tokens = TextTokens(core, text)
    cdef bytearray found = bytearray()
    cdef bytearray mask = allowed_mask(core.special_tokens, text, allowed_special)
    cdef object context = (text, clusters)
    cdef bint in_sections = num_threads == 1
    cdef Search outcome = CHUNK_FOUND
    memset(&cut, 0, sizeof(CutText))
    view_text(text, &cut.text.view)
    if not in_sections:
        tokens.encode_all(core, text, allowed_special, num_threads)
    cut.text.engine = &core.engine
    cut.text.allowed = <const uint8_t *>mask
    cut.text.any_allowed = core.special_tokens.trie.count > 0 and len(mask) > 0
    cut.text.places = tokens.places
    cut.max_tokens, cut.overlap, cut.start, cut.end = limits
    cut.boundary = <Boundary>boundary
    if clusters is not None:
        cut.grapheme_floor = grapheme_floor
    cut.context = <void *>context
    cut.text.workspace = core.take(cut.text.view.length if in_sections else 0)
    try:
        if in_sections:
            expect_sections(&cut.text, &tokens.sections, cut.max_tokens)
        while outcome != NO_CHUNK:
            with nogil:
                count = 0
                while count < SPANS_AT_ONCE:
                    outcome = next_chunk(&cut, &chunk)
                    if outcome == CHUNK_FOUND:
                        spans[count].start = <int64_t>chunk.start
                        spans[count].end = <int64_t>chunk.end
                        spans[count].tokens = <int64_t>chunk.tokens
                        count += 1
                    elif outcome == NO_CHUNK or count > 0:
                        break
                    elif encode_section(&cut.text, &tokens.sections, cut.start) != STATUS_OK:
                        break
            if cut.text.status != STATUS_OK:
                raise_status(cut.text.status, text)
            # The id of a special token may be that of other text, too.
            if cut.text.any_allowed and tokens.sections.differs:
                raise ValueError("the tokens of the text have other characters than the text")
            found += (<const char *>spans)[:count * sizeof(ChunkSpan)]
            if chunks is not None:
                for i in range(count):
                    part = substring(text, &cut.text.view, &vectors, <size_t>spans[i].start,
                                     <size_t>spans[i].end)
                    chunks.append(part)
                    view_text(part, &part_view)
                    size += part_view.length * <size_t>max(part_view.width, 1)
        expect_again(size)
    finally:
        cut.text.workspace.much_text = False
        give_back(&core.vocabulary.pool, cut.text.workspace)
    return found, cut.start if cut.end < cut.text.view.length else None


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
