# Cuts a text into chunks of limited size, given where the tokens of the whole text begin.
#
# Adding a character to a text may reduce its tokens, so the longest chunk is not looked for, but a
# *tight* end: the chunk fits, but does not with the next character. If one character adds more
# than two tokens, the chunk may be more than one token short; then its neighbourhood is searched
# for a better end.
#
# The tokens between two sure borders (split/sure_borders.pxd) are the same in every chunk. So a
# chunk's tokens are: those up to its first sure border, counted; those up to its last one, by
# subtraction; and the rest, counted. With words between spaces, a chunk costs one such count.
#
# Bounds: O(characters) for texts with sure borders. Loses on long texts without any, such as a
# million times one letter: each chunk is then counted as a whole about ten times.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport STATUS_OK
from engine.encode.call cimport Engine
from engine.encode.text cimport encode_text
from engine.encode.workspace cimport Workspace
from engine.growing.text_borders cimport (
    ANY_CHARACTER, WORDS, Boundary, is_border, is_sure_grapheme)
from engine.split.sure_borders cimport (
    in_special_token, is_sure_border, last_sure_border, next_sure_border)
from engine.text.utf8 cimport TextView

cdef enum:
    COUNTS_KEPT = 16      # counted parts of the text that are remembered
    NEIGHBOURHOOD = 32    # characters on either side of a cut where a better one is looked for
    FAR = 1024            # characters from a sure border from which none is looked for

# Returns the last place from `low` to `place` where a grapheme cluster begins; one does at `low`.
ctypedef size_t (*GraphemeFloor)(void *context, size_t low, size_t place) noexcept nogil

cdef struct Counted:
    size_t start, end
    size_t tokens

cdef struct CutText:
    const Engine *engine          # borrowed, as is all below
    Workspace *workspace
    TextView view                 # without surrogates
    const uint8_t *allowed        # as for `encode_text`
    bint any_allowed
    const uint32_t *starts        # [count]: characters that begin before each token
    size_t count                  # tokens
    size_t max_tokens
    size_t overlap                # tokens
    Boundary boundary             # where chunks end, if possible
    GraphemeFloor grapheme_floor  # NULL: grapheme clusters may be cut
    void *context
    size_t start                  # of the next chunk
    size_t end                    # of the last one
    size_t near                   # a token near the next one that is looked for
    int status                    # of a count that failed
    Counted counted[COUNTS_KEPT]  # parts counted before; the end is 0 if there is none

cdef struct Chunk:
    size_t start
    size_t border      # the first sure border from `start` on; `start` if it is too far away
    bint has_border    # whether it is one
    size_t used        # tokens up to the border
    size_t token       # of the whole text, that begins at the border
    size_t end
    size_t tokens
    size_t last_border   # up to `end`, or `start`


# ---- counting -------------------------------------------------------------------------------


cdef inline size_t count_range(CutText *cut, size_t start, size_t end) noexcept nogil:
    """Returns the tokens of a part of the text, as if it were the whole.

    Chunk ends, overlaps and the starts of the next chunks need the same counts: a few are kept.
    """
    cdef TextView part
    cdef Workspace *workspace = cut.workspace
    cdef Counted *counted = &cut.counted[(start + 5 * end) % COUNTS_KEPT]
    cdef int status
    if start >= end:
        return 0
    if counted.start == start and counted.end == end:
        return counted.tokens
    part.width = cut.view.width
    part.data = <const uint8_t *>cut.view.data + start * max(part.width, 1)
    part.length = end - start
    workspace.ids.length = 0
    workspace.last_piece_ids = 0
    status = encode_text(cut.engine, workspace, &part, cut.allowed, cut.any_allowed, True,
                         &workspace.ids)
    if status != STATUS_OK:
        cut.status = status
    counted.start = start
    counted.end = end
    counted.tokens = workspace.ids.length
    return workspace.ids.length


cdef inline bint fits(CutText *cut, size_t start, size_t end, size_t limit) noexcept nogil:
    return count_range(cut, start, end) <= limit


cdef inline size_t token_at(CutText *cut, size_t place) noexcept nogil:
    """Returns the number of the token that begins at a place, or of the one across it.

    It is looked for around `cut.near`, which is then that token.
    """
    cdef size_t low = min(cut.near, cut.count - 1), high, step = 1, middle
    if place >= cut.view.length:
        return cut.count
    high = low + 1
    while cut.starts[low] > place:
        high = low
        low -= min(low, step)
        step *= 2
    while high < cut.count and cut.starts[high] <= place:
        low = high
        high += min(step, cut.count - high)
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if cut.starts[middle] <= place:
            low = middle
        else:
            high = middle
    cut.near = low
    return low


cdef inline size_t start_of(const CutText *cut, size_t token) noexcept nogil:
    return cut.starts[token] if token < cut.count else cut.view.length


cdef inline bint is_sure(const CutText *cut, size_t place) noexcept nogil:
    """Returns whether the whole text, or any part of it, may be cut at a place for counting."""
    return (place == 0 or place == cut.view.length
            or (is_sure_border(cut.engine.automaton, &cut.view, place)
                and not in_special_token(cut.engine.special_tokens, &cut.view, place)))


cdef inline size_t border_after(const CutText *cut, size_t place, size_t limit) noexcept nogil:
    """Returns the first sure border from a place on, which is not 0, or `limit`."""
    return next_sure_border(cut.engine.automaton, cut.engine.special_tokens, &cut.view, place,
                            limit)


cdef inline size_t border_before(const CutText *cut, size_t place, size_t low) noexcept nogil:
    """Returns the last sure border up to a place, or `low`; the end of the text is one."""
    if place == cut.view.length:
        return place
    return last_sure_border(cut.engine.automaton, cut.engine.special_tokens, &cut.view, place, low)


cdef inline size_t count_to(CutText *cut, const Chunk *chunk, size_t end) noexcept nogil:
    """Returns the tokens that a chunk has if it ends at a place."""
    cdef size_t border
    if end <= chunk.border or not chunk.has_border:
        return count_range(cut, chunk.start, end)
    border = border_before(cut, end, chunk.border)
    return (chunk.used + token_at(cut, border) - chunk.token) + count_range(cut, border, end)


# ---- the end of a chunk ---------------------------------------------------------------------


cdef inline void open_chunk(CutText *cut, Chunk *chunk, size_t start) noexcept nogil:
    """Finds the first sure border of a chunk that begins at `start`."""
    cdef size_t limit
    chunk.start = chunk.border = start
    chunk.used = 0
    chunk.token = token_at(cut, start)
    chunk.has_border = is_sure(cut, start)
    if chunk.has_border:
        return
    limit = start_of(cut, chunk.token + cut.max_tokens) if (
        cut.max_tokens < cut.count - chunk.token) else cut.view.length
    limit = border_after(cut, start + 1, limit)
    if limit > start and is_sure(cut, limit):
        chunk.used = count_range(cut, start, limit)
        if chunk.used <= cut.max_tokens:
            chunk.has_border = True
            chunk.border = limit
            chunk.token = token_at(cut, limit)
        else:
            chunk.used = 0


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
    if fits(cut, start, guess, limit):
        low = guess
        while True:
            if low == cut.view.length or cut.status != STATUS_OK:
                return low
            high = low + min(step, cut.view.length - low)
            if not fits(cut, start, high, limit):
                break
            low = high
            step *= 2
    else:
        while high - start > step:
            if fits(cut, start, high - step, limit):
                low = high - step
                break
            high -= step
            step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if fits(cut, start, middle, limit):
            low = middle
        else:
            high = middle
    return low


cdef inline void improve_end(CutText *cut, Chunk *chunk) noexcept nogil:
    """Moves the end to the last place near it that is at most one token short, if there is one;
    otherwise to that with the most tokens."""
    cdef size_t first = max(chunk.start + NEIGHBOURHOOD, chunk.end) - NEIGHBOURHOOD
    cdef size_t place = min(chunk.end + NEIGHBOURHOOD, cut.view.length)
    cdef size_t found
    if (chunk.tokens + 1 >= cut.max_tokens or chunk.end == cut.view.length
            or chunk.end - chunk.last_border >= FAR):
        return
    while place > first and place > chunk.start:
        found = count_to(cut, chunk, place)
        if found <= cut.max_tokens and found > chunk.tokens:
            chunk.end = place
            chunk.tokens = found
            if found >= cut.max_tokens - 1:
                return
        place -= 1


cdef inline void find_end(CutText *cut, Chunk *chunk) noexcept nogil:
    """Finds a tight end of a chunk."""
    cdef size_t left = cut.max_tokens - chunk.used
    cdef size_t border, guess
    if chunk.has_border and left >= cut.count - chunk.token:
        chunk.end = cut.view.length
        chunk.tokens = chunk.used + cut.count - chunk.token
        return
    cut.near = chunk.token + min(left, cut.count - chunk.token)
    guess = start_of(cut, cut.near)
    border = chunk.border
    chunk.tokens = chunk.used
    if chunk.has_border:
        border = border_before(cut, guess, border)
        chunk.tokens = chunk.used + token_at(cut, border) - chunk.token
        while chunk.tokens > cut.max_tokens:
            border = border_before(cut, border - 1, chunk.border)
            chunk.tokens = chunk.used + token_at(cut, border) - chunk.token
    left = cut.max_tokens - chunk.tokens
    chunk.end = border
    if left:
        chunk.end = tight_end(cut, border, guess, left)
        chunk.tokens += count_range(cut, border, chunk.end)
    chunk.last_border = border


# ---- boundaries -----------------------------------------------------------------------------


cdef inline bint is_whole(CutText *cut, size_t low, size_t place) noexcept nogil:
    """Returns whether no grapheme cluster that must stay whole crosses a place."""
    return (cut.grapheme_floor == NULL or place <= low or place == cut.view.length
            or is_sure_grapheme(&cut.view, place)
            or cut.grapheme_floor(cut.context, low, place) == place)


cdef inline bint is_wanted(
    CutText *cut, size_t low, size_t place, Boundary kind
) noexcept nogil:
    """Returns whether a place is a boundary; if of any character, of grapheme clusters."""
    return ((kind == ANY_CHARACTER or is_border(&cut.view, place, kind))
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
    if chunk.end == cut.view.length:
        return True
    while kind >= last_kind(cut):
        place = chunk.end
        while place > low and cut.status == STATUS_OK:
            if kind == ANY_CHARACTER and not is_sure_grapheme(&cut.view, place):
                place = cut.grapheme_floor(cut.context, chunk.start, place)
                if place <= low:
                    break
            if kind == ANY_CHARACTER or is_wanted(cut, chunk.start, place, <Boundary>kind):
                found = chunk.tokens if place == chunk.end else count_to(cut, chunk, place)
                if found <= cut.max_tokens:
                    chunk.end = place
                    chunk.tokens = found
                    return True
            place -= 1
        kind -= 1
    return False


# ---- the start of an overlap ----------------------------------------------------------------


cdef struct Tail:
    size_t end         # of the chunk
    size_t border      # its last sure border, or its start
    size_t used        # tokens after the border
    size_t token       # of the whole text, that begins at the border


cdef inline size_t count_from(CutText *cut, const Tail *tail, size_t start) noexcept nogil:
    """Returns the tokens from a place to the end of a chunk."""
    cdef size_t border
    if start >= tail.border:
        return count_range(cut, start, tail.end)
    border = start if is_sure(cut, start) else border_after(cut, start + 1, tail.border)
    return count_range(cut, start, border) + tail.token - token_at(cut, border) + tail.used


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
    if not fits(cut, high, end, limit):
        first = high
        while end - first > step and not fits(cut, first + step, end, limit):
            first += step
            step *= 2
        high = first + min(step, end - first)
    else:
        while True:
            if high == low or cut.status != STATUS_OK:
                return high
            first = high - min(step, high - low)
            if not fits(cut, first, end, limit):
                break
            high = first
            step *= 2
    while high - first > 1:
        middle = (first + high) // 2
        if fits(cut, middle, end, limit):
            high = middle
        else:
            first = middle
    return high


cdef inline size_t improve_start(
    CutText *cut, const Tail *tail, size_t low, size_t start, size_t tokens
) noexcept nogil:
    """Returns the first place near a start that is at most one token short of the overlap, or the
    one with the most tokens."""
    cdef size_t place = max(low + NEIGHBOURHOOD, start) - NEIGHBOURHOOD, found, best = start
    while place < min(tail.end, start + NEIGHBOURHOOD):
        found = count_from(cut, tail, place)
        if tokens < found <= cut.overlap:
            best = place
            tokens = found
            if found + 1 >= cut.overlap:
                break
        place += 1
    return best


cdef inline size_t find_start(CutText *cut, const Chunk *chunk) noexcept nogil:
    """Returns where the end of a chunk begins that the next chunk repeats."""
    cdef Tail tail
    cdef size_t border, left, guess, start, tokens, place
    cdef int kind = cut.boundary
    border = border_before(cut, chunk.end, chunk.start)
    tail.end = chunk.end
    tail.border = border
    tail.used = count_range(cut, border, chunk.end)
    tail.token = token_at(cut, border)
    if border == chunk.start or tail.used > cut.overlap:
        border = chunk.end
        left = cut.overlap
        guess = token_at(cut, border)
        cut.near = guess - min(guess, left)
        guess = start_of(cut, cut.near)
    else:
        left = cut.overlap - tail.used
        cut.near = tail.token - min(tail.token, left)
        guess = start_of(cut, cut.near)
        border = border_after(cut, max(guess, chunk.start + 1), tail.border)
        left -= tail.token - token_at(cut, border)
    start = border
    if left:
        start = tight_start(cut, chunk.start, min(max(guess, chunk.start), border), border, left)
    if start > chunk.start and border - start < FAR:
        tokens = count_from(cut, &tail, start)
        if tokens + 1 < cut.overlap:
            start = improve_start(cut, &tail, chunk.start, start, tokens)
    while kind >= last_kind(cut):
        place = start
        while place < chunk.end and cut.status == STATUS_OK:
            if place == chunk.start or (
                    is_wanted(cut, chunk.start, place, <Boundary>kind)
                    and (place == start or count_from(cut, &tail, place) <= cut.overlap)):
                return place
            place += 1
        kind -= 1
    return chunk.end if cut.grapheme_floor != NULL else start


# ---- all chunks -----------------------------------------------------------------------------


cdef inline bint next_chunk(CutText *cut, Chunk *chunk) noexcept nogil:
    """Finds the next chunk.

    Returns:
        Whether there is one. If not, the text has ended, or a count has failed, or the character
        at `cut.start` takes more tokens than a chunk may have.
    """
    while cut.end < cut.view.length and cut.status == STATUS_OK:
        open_chunk(cut, chunk, cut.start)
        find_end(cut, chunk)
        if not move_end(cut, chunk):
            if cut.grapheme_floor != NULL and cut.start < cut.end:
                cut.start = cut.end    # a cluster may fit without the overlap
                continue
            improve_end(cut, chunk)
        if chunk.end <= cut.end:
            if cut.start == cut.end:
                return False
            cut.start = cut.end    # the overlap leaves no room for anything new
            continue
        if cut.status != STATUS_OK:
            return False
        cut.start = cut.end = chunk.end
        if cut.overlap and cut.end < cut.view.length:
            cut.start = find_start(cut, chunk)
        return True
    return False
