"""Finds where to cut a text so that it has at most a number of tokens.

Adding a character to a text may reduce its tokens, so adding characters until the text is too long
does not find the longest text that fits. A *tight* cut is found instead: the text fits, but not
with the next character. If one character adds more than two tokens, the cut may be more than one
token short; then its neighbourhood is searched for a better one.

No text here contains surrogates.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

from bpecore._limits.counting import Counting, growing

NEIGHBOURHOOD = 32
"""Characters on either side of a cut that is too short, where a better one is looked for."""

STRETCHES_AT_ONCE = 64
"""Stretches between sure borders that are counted together, until the text is too long."""

NEARBY_HEADS = 8
"""Characters by which the beginning may be shorter or longer than half the limit, if both halves
together would otherwise be too short."""

# ---- cutting the end ------------------------------------------------------------------------


def tight_end(counting: Counting, text: str, start: int, max_tokens: int) -> int:
    """Returns where a text that begins at `start` may end so that it fits tightly.

    Args:
        counting: how to count.
        text: without surrogates.
        start: a character.
        max_tokens: tokens.

    Returns:
        A character; `start` itself if nothing fits.
    """
    counter = growing(counting)
    checkpoint = counter.checkpoint()
    end, total = start, 0
    step, doubles = max(16, 2 * max_tokens), True
    while end < len(text):
        following = min(end + step, len(text))
        found = counter.feed(text[end:following])
        if found <= max_tokens:
            end, total = following, found
            checkpoint = counter.checkpoint()
            step = 2 * step if doubles else max(1, step // 2)
        else:
            if following - end == 1:
                break
            counter.restore(checkpoint)
            step, doubles = (following - end) // 2, False
    if end < len(text) and total < max_tokens - 1:
        return better_end(counting, text, start, end, max_tokens)
    return end


def better_end(counting: Counting, text: str, start: int, end: int, max_tokens: int) -> int:
    """Returns the best end near a tight one: the last that is at most one token short, if any."""
    first = max(start, end - NEIGHBOURHOOD)
    counter = growing(counting)
    total = counter.feed(text[start:first])
    best, most = end, -1
    for position in range(first, min(end + NEIGHBOURHOOD, len(text)) + 1):
        if most <= min(total, max_tokens - 1) and total <= max_tokens:
            best, most = position, min(total, max_tokens - 1)
        total = counter.feed(text[position : position + 1])
    return best


# ---- cutting the start ----------------------------------------------------------------------


def tight_start(counting: Counting, text: str, max_tokens: int) -> int:
    """Returns where the end of a text may begin so that it fits tightly.

    The text is counted backwards from one sure border to the previous one. Only the stretch that
    makes it too long is searched.

    Args:
        counting: how to count.
        text: without surrogates.
        max_tokens: tokens.

    Returns:
        A character; the text's length if nothing fits.
    """
    size = 8 * max_tokens + 256
    while True:
        first = max(0, len(text) - size)
        window = text[first:]
        borders = [0, *counting.core._sure_borders(window), len(window)]
        last, total = len(borders) - 1, 0
        while last > 0:
            begin = max(0, last - STRETCHES_AT_ONCE)
            found = counting.up_to(window[borders[begin] : borders[last]], max_tokens - total)
            if found is None:
                stretches = stretches_from(counting, window, borders, begin, last, total)
                return first + start_in(counting, window, stretches, max_tokens)
            last, total = begin, total + found
        if first == 0:
            return 0
        size *= 2


class Stretches(NamedTuple):
    """A part of a text, in stretches that can be counted separately.

    Attributes:
        borders: where each stretch begins, and where the last one ends.
        counts: tokens of each stretch.
        after: tokens of the text after the last stretch.
    """

    borders: list[int]
    counts: list[int]
    after: int


def stretches_from(
    counting: Counting, text: str, borders: list[int], begin: int, last: int, after: int
) -> Stretches:
    """Returns the stretches between two borders, and those after them that may hold better cuts.

    Args:
        counting: how to count.
        text: without surrogates.
        borders: all of the text's sure borders, its beginning and its end.
        begin: the number of a border.
        last: the number of a later one.
        after: tokens of the text after the latter.
    """
    chosen = borders[begin : last + NEIGHBOURHOOD + 1]
    counts = counting.each([text[start:end] for start, end in zip(chosen, chosen[1:])])
    return Stretches(chosen, counts, after - sum(counts[last - begin :]))


def start_in(counting: Counting, text: str, stretches: Stretches, max_tokens: int) -> int:
    """Returns where in some stretches the end of a text may begin so that it fits tightly.

    Args:
        counting: how to count.
        text: without surrogates.
        stretches: together with the text after them too long, which fits without them.
        max_tokens: tokens.
    """
    borders, counts, after = stretches
    place, total = len(counts), after
    while total <= max_tokens:
        place -= 1
        total += counts[place]
    left = max_tokens - (total - counts[place])
    begin, end = borders[place : place + 2]
    position = first_fitting(lambda at: counting.fits(text[at:end], left), begin, end)
    if counting.count(text[position:end]) >= left - 1:
        return position
    return better_start(
        counting, text, Stretches(borders[place:], counts[place:], after), position, max_tokens
    )


def better_start(
    counting: Counting, text: str, stretches: Stretches, position: int, max_tokens: int
) -> int:
    """Returns the best start near a tight one: the first at most one token short, if there is one.

    It is in these stretches, since the text does not fit with all of the first one.
    """
    best, most = position, -1
    stretch, after = 0, stretches.after + sum(stretches.counts[1:])
    first = max(stretches.borders[0] + 1, position - NEIGHBOURHOOD)
    for other in range(first, min(stretches.borders[-1], position + NEIGHBOURHOOD)):
        if other == stretches.borders[stretch + 1]:
            stretch += 1
            after -= stretches.counts[stretch]
        end = stretches.borders[stretch + 1]
        found = counting.up_to(text[other:end], max_tokens - after)
        if found is not None and found + after > most:
            best, most = other, found + after
            if most >= max_tokens - 1:
                break
    return best


def first_fitting(fits: Callable[[int], bool], low: int, high: int) -> int:
    """Returns a place that fits while the one before it does not.

    Args:
        fits: whether a place fits.
        low: a place that does not.
        high: a later place that does.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle
    return high


# ---- cutting the middle ---------------------------------------------------------------------


class Kept(NamedTuple):
    """What is left of a text: its beginning up to `end`, and its end from `start` on."""

    end: int
    start: int


def tight_ends(
    counting: Counting, text: str, max_tokens: int, is_refused: Callable[[str], bool]
) -> Kept:
    """Returns a beginning and an end of a text, about equal in tokens, that fit tightly together.

    If they are more than one token short, beginnings that are some characters shorter or longer
    are tried too, and the best is taken.

    Args:
        counting: how to count.
        text: without surrogates; does not fit as a whole.
        max_tokens: tokens.
        is_refused: whether a text contains a disallowed string.
    """
    middle = tight_end(counting, text, 0, (max_tokens + 1) // 2)
    best, most = Kept(middle, len(text)), -1
    for end in nearest(middle, NEARBY_HEADS, len(text)):
        found = tight_tail(counting, text, end, max_tokens, is_refused)
        if found is not None and found.tokens > most:
            best, most = Kept(end, found.start), found.tokens
            if most >= max_tokens - 1:
                break
    return best


def nearest(place: int, distance: int, last: int) -> list[int]:
    """Returns the places from 0 to `last` at most `distance` away, nearest first."""
    around = range(max(0, place - distance), min(last, place + distance) + 1)
    return sorted(around, key=lambda other: abs(other - place))


class Tail(NamedTuple):
    """Where the end of a text begins, and the tokens of a beginning and this end together."""

    start: int
    tokens: int


def tight_tail(
    counting: Counting,
    text: str,
    end: int,
    max_tokens: int,
    is_refused: Callable[[str], bool],
) -> Tail | None:
    """Returns the end of a text that fits tightly after a beginning; None if not even that fits.

    Args:
        counting: how to count.
        text: without surrogates.
        end: where the beginning ends.
        max_tokens: tokens.
        is_refused: whether a text contains a disallowed string.
    """
    head, rest = text[:end], text[end:]
    used = counting.up_to(head, max_tokens)
    if used is None:
        return None
    start = tight_start(counting, rest, max_tokens - used)
    # Joining the two changes tokens only after the head's last sure border, or after the beginning
    # of a special token that the joint completes.
    longest = max(map(len, counting.allowed_special), default=0)
    borders = [0, *(at for at in counting.core._sure_borders(head) if at + longest <= end)]
    before = counting.count(head[: borders[-1]])
    context = head[borders[-1] :]

    def fits(at: int) -> bool:
        return not is_refused(head + rest[at:]) and counting.fits(
            context + rest[at:], max_tokens - before
        )

    def tail(at: int) -> Tail:
        return Tail(end + at, before + counting.count(context + rest[at:]))

    first = start
    step = 1
    if fits(start):
        while start > 0 and fits(max(0, start - step)):
            start = max(0, start - step)
            step *= 2
        start = first_fitting(fits, max(-1, start - step), start)
    else:
        low = start
        while start < len(rest) and not fits(start):
            low, start = start, min(start + step, len(rest))
            step *= 2
        start = first_fitting(fits, low, start)
    found = tail(start)
    # A longer end may have fewer tokens.
    return tail(first) if found.tokens < max_tokens - 1 and start < first else found
