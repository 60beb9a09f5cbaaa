# Cuts a text into chunks of limited size, given where the tokens of the whole text begin, or of
# what has been encoded of it.
#
# Adding a character to a text may reduce its tokens, so the longest chunk is not looked for, but a
# *tight* end: the chunk fits, but does not with the next character. If one character adds more
# than two tokens, the chunk may be more than one token short; then its neighbourhood is searched
# for a better end.
#
# Most chunks end, and most overlaps begin, where a token of the whole text does; that place is
# tried first, by counts that need few characters (chunk_counts.pxd). Only if it is not tight, the
# end is searched for between sure borders (split/sure_borders.pxd).
#
# If only the text up to a sure border has been encoded, a chunk is found if it certainly ends
# before that. Then all tokens whose places are needed are there: the part from any sure border in
# the chunk up to the last one has too many tokens, so no end is looked for beyond. A chunk without
# a sure border may end there; it is looked for again when more has been encoded.
#
# Bounds: O(characters) for texts with sure borders. Loses on long texts without any, such as a
# million times one letter: each chunk is then counted as a whole about ten times.

from engine.base.types cimport STATUS_OK
from engine.growing.chunk_counts cimport (
    CountedText, Side, border_after, border_before, count_from, count_range, count_to, cut_after,
    fits, is_firm, is_sure, open_left, open_right)
from engine.growing.text_borders cimport (
    ANY_CHARACTER, WORDS, Boundary, is_border, is_sure_grapheme)
from engine.growing.token_places cimport TokenPlaces, is_inside, start_of, token_at

cdef enum:
    NEIGHBOURHOOD = 32    # characters on either side of a cut where a better one is looked for
    FAR = 1024            # characters from a sure border from which none is looked for

cdef enum Search:
    CHUNK_FOUND
    TEXT_NEEDED    # more of the text has to be encoded
    NO_CHUNK       # is left

# Returns the last place from `low` to `place` where a grapheme cluster begins; one does at `low`.
ctypedef size_t (*GraphemeFloor)(void *context, size_t low, size_t place) noexcept nogil

cdef struct CutText:
    CountedText text
    size_t max_tokens
    size_t overlap                # tokens
    Boundary boundary             # where chunks end, if possible
    GraphemeFloor grapheme_floor  # NULL: grapheme clusters may be cut
    void *context                 # borrowed
    size_t start                  # of the next chunk
    size_t end                    # of the last one
    size_t known_from             # a place from which the first sure border is known; 0: none
    size_t known_border           # that border

cdef struct Chunk:
    size_t start
    bint has_border    # whether some sure border is near enough
    size_t border      # the first from `start` on; `start` if there is none
    Side left          # of `start`, if there is a sure border
    size_t end
    size_t tokens
    size_t last_border   # up to `end`, or `start`; only if `end` was searched for


# ---- the end of a chunk ---------------------------------------------------------------------


cdef inline size_t first_border(CutText *cut, size_t start) noexcept nogil:
    """Returns the first sure border after a place that is none, or that place if it is too far
    away for a chunk."""
    cdef size_t token, border, limit = cut.text.view.length
    if start == cut.known_from:
        return cut.known_border
    token = token_at(&cut.text.places, start)
    if cut.max_tokens < cut.text.places.count - token:
        limit = start_of(&cut.text.places, token + cut.max_tokens)
    border = border_after(&cut.text, start + 1, limit)
    return border if border > start and is_sure(&cut.text, border) else start


cdef inline void open_chunk(CutText *cut, Chunk *chunk, size_t start) noexcept nogil:
    """Finds the first sure border of a chunk that begins at `start`."""
    cdef size_t border = start, used
    chunk.has_border = is_sure(&cut.text, start)
    if not chunk.has_border:
        border = first_border(cut, start)
        if border > start:
            open_left(&cut.text, &chunk.left, start, border)
            used = (chunk.left.used + token_at(&cut.text.places, border) - chunk.left.token)
            chunk.has_border = used <= cut.max_tokens
    chunk.start = start
    chunk.border = border if chunk.has_border else start
    if chunk.border == start:
        chunk.left.place = chunk.left.border = chunk.left.cut = start
        chunk.left.used = 0
        chunk.left.token = token_at(&cut.text.places, start)


cdef inline size_t count_chunk(CutText *cut, const Chunk *chunk, size_t end) noexcept nogil:
    """Returns the tokens that a chunk has if it ends at a place."""
    if chunk.has_border:
        return count_to(&cut.text, &chunk.left, end)
    return count_range(&cut.text, chunk.start, end)


cdef inline size_t tight_end(
    CutText *cut, size_t start, size_t guess, size_t limit
) noexcept nogil:
    """Returns a place up to which the text fits, but not with the next character.

    Args:
        start: a place; up to there it fits.
        guess: a place after it where the end may be near.
        limit: tokens.
    """
    cdef size_t low = start, high = guess, step = 1, middle
    if guess <= start:
        high = guess = start + 1
    if fits(&cut.text, start, guess, limit):
        low = guess
        while True:
            if low == cut.text.view.length or cut.text.status != STATUS_OK:
                return low
            high = low + min(step, cut.text.view.length - low)
            if not fits(&cut.text, start, high, limit):
                break
            low = high
            step *= 2
    else:
        while high - start > step:
            if fits(&cut.text, start, high - step, limit):
                low = high - step
                break
            high -= step
            step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(&cut.text, start, middle, limit):
            low = middle
        else:
            high = middle
    return low


cdef inline void improve_end(CutText *cut, Chunk *chunk) noexcept nogil:
    """Moves the end to the last place near it that is at most one token short, if there is one;
    otherwise to that with the most tokens."""
    cdef size_t first = max(chunk.start + NEIGHBOURHOOD, chunk.end) - NEIGHBOURHOOD
    cdef size_t place = min(chunk.end + NEIGHBOURHOOD, cut.text.view.length)
    cdef size_t found
    if (chunk.tokens + 1 >= cut.max_tokens or chunk.end == cut.text.view.length
            or chunk.end - chunk.last_border >= FAR):
        return
    while place > first and place > chunk.start:
        found = count_chunk(cut, chunk, place)
        if found <= cut.max_tokens and found > chunk.tokens:
            chunk.end = place
            chunk.tokens = found
            if found >= cut.max_tokens - 1:
                return
        place -= 1


cdef inline bint ends_at(CutText *cut, Chunk *chunk, size_t place) noexcept nogil:
    """Ends a chunk at a place if that is a tight end at most one token short; returns whether it
    is. Most are, and need few characters counted."""
    cdef size_t tokens = count_chunk(cut, chunk, place)
    if not cut.max_tokens <= tokens + 1 <= cut.max_tokens + 1:
        return False
    # One token more does not fit, so after a firm cut the next character is not even counted.
    if not (tokens == cut.max_tokens and is_firm(&cut.text, place)) and (
            count_chunk(cut, chunk, place + 1) <= cut.max_tokens):
        return False
    chunk.end = place
    chunk.tokens = tokens
    return True


cdef inline void find_end(CutText *cut, Chunk *chunk) noexcept nogil:
    """Finds a tight end of a chunk."""
    cdef TokenPlaces *places = &cut.text.places
    cdef size_t left = cut.max_tokens - chunk.left.used, rest = places.count - chunk.left.token
    cdef size_t border, guess, place
    if chunk.has_border and left >= rest:
        chunk.end = cut.text.view.length
        chunk.tokens = chunk.left.used + rest
        return
    guess = start_of(places, chunk.left.token + min(left, rest))
    border = chunk.border
    chunk.tokens = 0
    if chunk.has_border:
        # A character that a token begins in the middle of does not fit.
        place = guess - is_inside(places, chunk.left.token + left)
        if place > border and ends_at(cut, chunk, place):
            return
        border = border_before(&cut.text, guess, border)
        chunk.tokens = chunk.left.used + token_at(places, border) - chunk.left.token
        while chunk.tokens > cut.max_tokens:
            border = border_before(&cut.text, border - 1, chunk.border)
            chunk.tokens = chunk.left.used + token_at(places, border) - chunk.left.token
    left = cut.max_tokens - chunk.tokens
    chunk.end = border
    if left:
        chunk.end = tight_end(cut, border, guess, left)
        chunk.tokens += count_range(&cut.text, border, chunk.end)
    chunk.last_border = border


# ---- boundaries -----------------------------------------------------------------------------


cdef inline bint is_whole(CutText *cut, size_t low, size_t place) noexcept nogil:
    """Returns whether no grapheme cluster that must stay whole crosses a place."""
    return (cut.grapheme_floor == NULL or place <= low or place == cut.text.view.length
            or is_sure_grapheme(&cut.text.view, place)
            or cut.grapheme_floor(cut.context, low, place) == place)


cdef inline bint is_wanted(
    CutText *cut, size_t low, size_t place, Boundary kind
) noexcept nogil:
    """Returns whether a place is a boundary; if of any character, of grapheme clusters."""
    return ((kind == ANY_CHARACTER or is_border(&cut.text.view, place, kind))
            and is_whole(cut, low, place))


cdef inline int last_kind(const CutText *cut) noexcept nogil:
    """Returns the last kind of boundary that is tried before a text is cut anywhere."""
    return ANY_CHARACTER if cut.grapheme_floor != NULL else WORDS


cdef inline bint move_end(CutText *cut, Chunk *chunk) noexcept nogil:
    """Moves the end of a chunk back to a boundary after the last chunk's end, if there is one.

    Returns:
        Whether the chunk now ends at a boundary.
    """
    cdef size_t low = max(chunk.start, cut.end), place, found
    cdef int kind = cut.boundary
    if chunk.end == cut.text.view.length:
        return True
    while kind >= last_kind(cut):
        place = chunk.end
        while place > low and cut.text.status == STATUS_OK:
            if kind == ANY_CHARACTER and not is_sure_grapheme(&cut.text.view, place):
                place = cut.grapheme_floor(cut.context, chunk.start, place)
                if place <= low:
                    break
            if kind == ANY_CHARACTER or is_wanted(cut, chunk.start, place, <Boundary>kind):
                found = chunk.tokens if place == chunk.end else count_chunk(cut, chunk, place)
                if found <= cut.max_tokens:
                    chunk.end = place
                    chunk.tokens = found
                    return True
            place -= 1
        kind -= 1
    return False


# ---- the start of an overlap ----------------------------------------------------------------


cdef inline size_t tight_start(
    CutText *cut, size_t low, size_t guess, size_t end, size_t limit
) noexcept nogil:
    """Returns a place from which the text up to `end` fits, but not with the previous character.

    Args:
        low: the lowest place.
        guess: a place after it where the start may be near.
        limit: tokens.
    """
    cdef size_t high = guess, step = 1, middle
    cdef size_t first = low    # does not fit, once the loops have ended
    if not fits(&cut.text, high, end, limit):
        first = high
        while end - first > step and not fits(&cut.text, first + step, end, limit):
            first += step
            step *= 2
        high = first + min(step, end - first)
    else:
        while True:
            if high == low or cut.text.status != STATUS_OK:
                return high
            first = high - min(step, high - low)
            if not fits(&cut.text, first, end, limit):
                break
            high = first
            step *= 2
    while high - first > 1:
        middle = (first + high) // 2
        if fits(&cut.text, middle, end, limit):
            high = middle
        else:
            first = middle
    return high


cdef inline size_t improve_start(
    CutText *cut, const Side *tail, size_t low, size_t start, size_t tokens
) noexcept nogil:
    """Returns the first place near a start that is at most one token short of the overlap, or the
    one with the most tokens."""
    cdef size_t place = max(low + NEIGHBOURHOOD, start) - NEIGHBOURHOOD, found, best = start
    while place < min(tail.place, start + NEIGHBOURHOOD):
        found = count_from(&cut.text, tail, place)
        if tokens < found <= cut.overlap:
            best = place
            tokens = found
            if found + 1 >= cut.overlap:
                break
        place += 1
    return best


cdef inline bint starts_at_guess(
    CutText *cut, const Chunk *chunk, const Side *tail, size_t *start
) noexcept nogil:
    """Finds where an overlap begins if that is where the tokens of the whole text say, and at most
    one token is missing; returns whether it does. Most do, and need few characters counted."""
    cdef size_t tokens = tail.token + tail.used, guess, border, after
    if tail.cut == chunk.start or tokens < cut.overlap:
        return False
    guess = start_of(&cut.text.places, tokens - cut.overlap)
    if not chunk.start < guess < chunk.end:
        return False
    border = border_after(&cut.text, guess, chunk.end)
    if border == chunk.end and not is_sure(&cut.text, border):
        return False
    after = cut_after(&cut.text, guess, border)
    tokens += count_range(&cut.text, guess, after) - token_at(&cut.text.places, after)
    if not cut.overlap <= tokens + 1 <= cut.overlap + 1:
        return False
    if not (tokens == cut.overlap and after == guess and is_firm(&cut.text, guess)) and (
            count_from(&cut.text, tail, guess - 1) <= cut.overlap):
        return False
    start[0] = cut.known_from = guess
    cut.known_border = border
    return True


cdef inline size_t search_start(CutText *cut, const Chunk *chunk, const Side *tail) noexcept nogil:
    """Finds where an overlap begins, whatever the text is."""
    cdef TokenPlaces *places = &cut.text.places
    cdef size_t border = border_before(&cut.text, chunk.end, chunk.start)
    cdef size_t used = count_range(&cut.text, border, chunk.end)
    cdef size_t left = cut.overlap, token, guess, start, tokens
    if border == chunk.start or used > cut.overlap:
        border = chunk.end
        token = token_at(places, border)
        guess = start_of(places, token - min(token, left))
    else:
        left -= used
        token = token_at(places, border)
        guess = start_of(places, token - min(token, left))
        border = border_after(&cut.text, max(guess, chunk.start + 1), border)
        left -= token - token_at(places, border)
    start = border
    if left:
        start = tight_start(cut, chunk.start, min(max(guess, chunk.start), border), border, left)
    if start > chunk.start and border - start < FAR:
        tokens = count_from(&cut.text, tail, start)
        if tokens + 1 < cut.overlap:
            start = improve_start(cut, tail, chunk.start, start, tokens)
    return start


cdef inline size_t find_start(CutText *cut, const Chunk *chunk) noexcept nogil:
    """Returns where the end of a chunk begins that the next chunk repeats."""
    cdef Side tail
    cdef size_t start, place
    cdef int kind = cut.boundary
    open_right(&cut.text, &tail, chunk.end, chunk.start)
    if not starts_at_guess(cut, chunk, &tail, &start):
        start = search_start(cut, chunk, &tail)
    while kind >= last_kind(cut):
        place = start
        while place < chunk.end and cut.text.status == STATUS_OK:
            if place == chunk.start or (
                    is_wanted(cut, chunk.start, place, <Boundary>kind)
                    and (place == start or count_from(&cut.text, &tail, place) <= cut.overlap)):
                return place
            place += 1
        kind -= 1
    return chunk.end if cut.grapheme_floor != NULL else start


# ---- all chunks -----------------------------------------------------------------------------


cdef inline bint has_tokens(
    const CutText *cut, size_t used, size_t token
) noexcept nogil:
    """Returns whether more tokens than a chunk may have are known, or all.

    Args:
        used: tokens of the chunk before some token.
        token: its number.
    """
    cdef const TokenPlaces *places = &cut.text.places
    return places.length == cut.text.view.length or (
        used > cut.max_tokens or cut.max_tokens - used < places.count - token)


cdef inline Search next_chunk(CutText *cut, Chunk *chunk) noexcept nogil:
    """Finds the next chunk.

    If there is none, the text has ended, or a count has failed, or the character at `cut.start`
    takes more tokens than a chunk may have.
    """
    while cut.end < cut.text.view.length and cut.text.status == STATUS_OK:
        if not has_tokens(cut, 0, token_at(&cut.text.places, cut.start)):
            return TEXT_NEEDED
        open_chunk(cut, chunk, cut.start)
        if not has_tokens(cut, chunk.left.used, chunk.left.token):
            return TEXT_NEEDED
        find_end(cut, chunk)
        if not move_end(cut, chunk):
            if cut.grapheme_floor != NULL and cut.start < cut.end:
                cut.start = cut.end    # a cluster may fit without the overlap
                continue
            improve_end(cut, chunk)
        if chunk.end > cut.text.places.length:
            return TEXT_NEEDED
        if chunk.end <= cut.end:
            if cut.start == cut.end:
                return NO_CHUNK
            cut.start = cut.end    # the overlap leaves no room for anything new
            continue
        if cut.text.status != STATUS_OK:
            return NO_CHUNK
        cut.start = cut.end = chunk.end
        if cut.overlap and cut.end < cut.text.view.length:
            cut.start = find_start(cut, chunk)
        return CHUNK_FOUND
    return NO_CHUNK
