# Counts tokens of parts of a text, given where the tokens of the whole text begin.
#
# The tokens between two sure cuts (sure_cuts.pxd) are the same in every part that has a sure border
# between them. So its tokens are: those up to its first sure cut, counted; those up to its last
# one, by subtraction; and the rest, counted. The few characters counted are often the same again.

from libc.stdint cimport uint8_t

from engine.base.types cimport STATUS_OK
from engine.encode.call cimport Engine
from engine.encode.text cimport encode_text
from engine.encode.workspace cimport Workspace
from engine.growing.sure_cuts cimport first_sure_cut, is_joined, last_sure_cut, searched
from engine.growing.token_places cimport TokenPlaces, starts_token, token_at
from engine.split.sure_borders cimport (
    in_special_token, is_sure_border, last_sure_border, next_sure_border)
from engine.text.utf8 cimport TextView

cdef enum:
    COUNTS_KEPT = 16      # counted parts of the text that are remembered

cdef struct Counted:
    size_t start, end
    size_t tokens

cdef struct CountedText:
    const Engine *engine          # borrowed, as is all below
    Workspace *workspace
    TextView view                 # without surrogates
    const uint8_t *allowed        # as for `encode_text`
    bint any_allowed
    TokenPlaces places
    int status                    # of a count that failed
    Counted counted[COUNTS_KEPT]  # parts counted before; the end is 0 if there is none

# What is counted of the parts that begin, or end, at a place
cdef struct Side:
    size_t place
    size_t border      # the first sure border from there on; not if parts end there
    size_t cut         # the first sure cut from there on, or the last one up to there
    size_t used        # tokens between the two
    size_t token       # of the whole text, that begins at the cut


cdef inline size_t count_range(CountedText *text, size_t start, size_t end) noexcept nogil:
    """Returns the tokens of a part of the text, as if it were the whole.

    Chunk ends, overlaps and the starts of the next chunks need the same counts: a few are kept.
    """
    cdef TextView part
    cdef Workspace *workspace = text.workspace
    cdef Counted *counted = &text.counted[(start + 5 * end) % COUNTS_KEPT]
    cdef int status
    if start >= end:
        return 0
    if counted.start == start and counted.end == end:
        return counted.tokens
    part.width = text.view.width
    part.data = <const uint8_t *>text.view.data + start * max(part.width, 1)
    part.length = end - start
    workspace.ids.length = 0
    workspace.last_piece_ids = 0
    status = encode_text(text.engine, workspace, &part, text.allowed, text.any_allowed, True,
                         &workspace.ids)
    if status != STATUS_OK:
        text.status = status
    counted.start = start
    counted.end = end
    counted.tokens = workspace.ids.length
    return workspace.ids.length


cdef inline bint fits(CountedText *text, size_t start, size_t end, size_t limit) noexcept nogil:
    return count_range(text, start, end) <= limit


# ---- borders and cuts -----------------------------------------------------------------------


cdef inline bint is_sure(const CountedText *text, size_t place) noexcept nogil:
    """Returns whether there is a sure border at a place, or an end of the text."""
    return (place == 0 or place == text.view.length
            or (is_sure_border(text.engine.automaton, &text.view, place)
                and not in_special_token(searched(text.engine, text.any_allowed), &text.view,
                                         place)))


cdef inline size_t border_after(
    const CountedText *text, size_t place, size_t limit
) noexcept nogil:
    """Returns the first sure border from a place on, which is not 0, or `limit`."""
    return next_sure_border(text.engine.automaton, searched(text.engine, text.any_allowed),
                            &text.view, place, limit)


cdef inline size_t border_before(const CountedText *text, size_t place, size_t low) noexcept nogil:
    """Returns the last sure border up to a place, or `low`; the end of the text is one."""
    if place == text.view.length:
        return place
    return last_sure_border(text.engine.automaton, searched(text.engine, text.any_allowed),
                            &text.view, place, low)


cdef inline size_t cut_after(CountedText *text, size_t place, size_t border) noexcept nogil:
    """Returns the first sure cut of parts that begin at a place, which is not 0."""
    if place == border:
        return border
    return first_sure_cut(text.engine, &text.view, text.any_allowed, place, border,
                          starts_token(&text.places, place))


cdef inline size_t cut_before(CountedText *text, size_t place, size_t low) noexcept nogil:
    """Returns the last sure cut of parts that end at a place, or `low`."""
    if place == text.view.length or (
            is_joined(text.engine, &text.view, text.any_allowed, place)
            and starts_token(&text.places, place)):
        return place
    return last_sure_cut(text.engine, &text.view, text.any_allowed, place, low)


cdef inline bint is_firm(const CountedText *text, size_t place) noexcept nogil:
    """Returns whether a place, which is neither end of the text, is a sure cut of parts that end
    anywhere after it."""
    return place == last_sure_cut(text.engine, &text.view, text.any_allowed, place, place - 1)


# ---- parts with one side in common ----------------------------------------------------------


cdef inline void open_left(
    CountedText *text, Side *side, size_t place, size_t border
) noexcept nogil:
    """Prepares for counting from a place on, after which a sure border is the next."""
    side.place = place
    side.border = border
    side.cut = cut_after(text, place, border)
    side.used = count_range(text, place, side.cut)
    side.token = token_at(&text.places, side.cut)


cdef inline void open_right(
    CountedText *text, Side *side, size_t place, size_t low
) noexcept nogil:
    """Prepares for counting from places not below `low` up to a place."""
    side.place = place
    side.cut = cut_before(text, place, low)
    side.used = count_range(text, side.cut, place)
    side.token = token_at(&text.places, side.cut)


cdef inline size_t count_to(CountedText *text, const Side *left, size_t end) noexcept nogil:
    """Returns the tokens from the place of a side up to `end`."""
    cdef size_t cut
    if end <= left.border:
        return count_range(text, left.place, end)
    cut = cut_before(text, end, left.border)
    return left.used + token_at(&text.places, cut) - left.token + count_range(text, cut, end)


cdef inline size_t count_from(CountedText *text, const Side *right, size_t start) noexcept nogil:
    """Returns the tokens from `start` up to the place of a side."""
    cdef size_t border = start, cut
    if start < right.cut and not is_sure(text, start):
        border = border_after(text, start + 1, right.cut)
    if start >= right.cut or (border == right.cut and not is_sure(text, border)):
        return count_range(text, start, right.place)
    cut = start if border == start else cut_after(text, start, border)
    return (count_range(text, start, cut) + right.token - token_at(&text.places, cut)
            + right.used)
