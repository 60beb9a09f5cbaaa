# Encodes a text section by section, while the chunks in what is encoded are found and copied.
#
# A section ends at a sure border, so its tokens are those of the whole text. It is small enough for
# the processor's second cache: its ids and its characters are still there when they are needed
# again. Tokens before the next chunk are dropped.
#
# Memory: the tokens of a section and of a chunk, and a mark per 256 characters of them.

from libc.stdint cimport uint32_t
from libc.string cimport memmove, memset

from engine.base.heap cimport grow, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.decode.offsets cimport sum_lengths
from engine.encode.marks cimport MARK_BITS, Mark
from engine.encode.text cimport AHEAD_FROM, encode_text, expected_ids, prepare_for_texts
from engine.growing.chunk_counts cimport CountedText, border_after
from engine.growing.token_places cimport TokenPlaces, token_at
from engine.sink.id_buffer cimport IdBuffer, release_ids, reserve_ids
from engine.text.utf8 cimport TextView

cdef enum:
    CHUNKED_SECTION = 1 << 15    # characters of a section

cdef struct Sections:
    IdBuffer ids          # owned: from the first token that is still needed
    Mark *marks           # owned: [mark_room]
    size_t mark_room
    size_t characters     # of a section
    bint differs          # whether the tokens of a section are not its text


cdef inline void free_sections(Sections *sections) noexcept nogil:
    release_ids(&sections.ids, True)
    release(sections.marks)


cdef inline void drop_tokens(Sections *sections, TokenPlaces *places, size_t start) noexcept nogil:
    """Drops the tokens before the one at a character, if they are at least half of all."""
    cdef size_t dropped = token_at(places, start), kept = places.count - dropped
    cdef size_t first = 0, i
    if dropped < kept:
        return
    sections.ids.length = kept
    if kept == 0:
        places.mark_count = 0
        return
    memmove(sections.ids.data, sections.ids.data + dropped, kept * sizeof(uint32_t))
    while first + 1 < places.mark_count and sections.marks[first + 1].ids <= dropped:
        first += 1
    sections.marks[first].character = places.last.character
    sections.marks[first].ids = <uint32_t>dropped
    places.mark_count -= first
    for i in range(places.mark_count):
        sections.marks[i] = sections.marks[first + i]
        sections.marks[i].ids -= <uint32_t>dropped


cdef inline int make_slots(Sections *sections, size_t used, size_t count) noexcept nogil:
    """Makes room for marks after those that are used, with zeros."""
    cdef size_t room = used + count
    if room > sections.mark_room:
        room += room // 2
        if grow(<void **>&sections.marks, room * sizeof(Mark)) != STATUS_OK:
            return STATUS_NO_MEMORY
        sections.mark_room = room
    memset(sections.marks + used, 0, count * sizeof(Mark))
    return STATUS_OK


cdef inline void join_marks(Sections *sections, TokenPlaces *places, size_t slots) noexcept nogil:
    """Moves the marks of a section to those before it, and counts from the text's beginning."""
    cdef Mark *slot = sections.marks + places.mark_count
    cdef Mark *end = slot + slots
    while slot < end:
        if slot.character:
            sections.marks[places.mark_count].character = <uint32_t>places.length + slot.character
            sections.marks[places.mark_count].ids = slot.ids
            places.mark_count += 1
        slot += 1


cdef inline void expect_sections(
    CountedText *text, Sections *sections, size_t max_tokens
) noexcept nogil:
    """Prepares for all sections of a text, whose chunks have at most some number of tokens."""
    cdef const TextView *view = &text.view
    text.workspace.much_text = view.length * <size_t>view.width >= AHEAD_FROM
    prepare_for_texts(text.engine, text.workspace, view.length)
    if max_tokens > sections.characters:
        text.status = reserve_ids(
            &sections.ids, sections.characters + min(expected_ids(view), 2 * max_tokens))


cdef inline int encode_section(CountedText *text, Sections *sections, size_t start) noexcept nogil:
    """Encodes the next section of a text; returns the status, which the text keeps.

    Args:
        start: where the next chunk begins; what is before it may be dropped.
    """
    cdef TokenPlaces *places = &text.places
    cdef size_t length = text.view.length - places.length, slots, before
    cdef TextView part = text.view
    if length > 2 * sections.characters:
        length = border_after(
            text, places.length + sections.characters, text.view.length) - places.length
    part.data = <const char *>part.data + places.length * <size_t>max(part.width, 1)
    part.length = length
    drop_tokens(sections, places, start)
    before = sections.ids.length
    slots = (length >> MARK_BITS) + 1
    if make_slots(sections, places.mark_count, slots + 1) != STATUS_OK:
        text.status = STATUS_NO_MEMORY
        return text.status
    sections.marks[places.mark_count].character = <uint32_t>places.length
    sections.marks[places.mark_count].ids = <uint32_t>before
    places.mark_count += 1
    text.workspace.marks.slots = sections.marks + places.mark_count
    text.workspace.marks.first_id = 0
    text.workspace.following = text.view.length - places.length - length
    text.workspace.last_piece_ids = 0
    text.status = encode_text(text.engine, text.workspace, &part, text.allowed, text.any_allowed,
                              False, &sections.ids)
    text.workspace.marks.slots = NULL
    text.workspace.following = 0
    if text.status != STATUS_OK:
        return text.status
    join_marks(sections, places, slots)
    places.ids = sections.ids.data
    places.count = sections.ids.length
    places.length += length
    places.marks = sections.marks
    places.mark = 0
    places.last = sections.marks[0]
    # The id of a special token may be that of other text, too.
    if text.any_allowed:
        sections.differs |= length != sum_lengths(
            &places.lengths, places.ids + before, places.count - before)
    return STATUS_OK
