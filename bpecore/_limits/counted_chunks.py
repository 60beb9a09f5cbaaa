"""Cuts texts into chunks by counting them again, for split patterns without an automaton or with
pieces that leave characters out."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right

from bpecore._limits.counting import Counting
from bpecore._limits.rules import BOUNDARIES, Rules, grapheme_clusters
from bpecore._limits.tight_cuts import tight_end, tight_start

SPACE = "[\t-\r \x85\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]"
"""White space at which a line may be broken."""

WIDE_STOPS = "\u3002\uff01\uff1f\uff61"
STOPS = ".!?\u2026\u203c\u2047-\u2049\u061f\u06d4\u0964\u0965\u0589\u1362" + WIDE_STOPS
CLOSERS = "\"')\\]}\u201d\u2019\u00bb\u300b\u300d\u300f\u3011\uff09"

ENDS = {
    "line": re.compile("(?:\r\n|[\n-\r\x85\u2028\u2029])"),
    "sentence": re.compile(
        f"[{STOPS}][{CLOSERS}]{{0,8}}(?={SPACE})"
        f"|[{WIDE_STOPS}][{CLOSERS}]{{0,8}}(?![{CLOSERS}{STOPS}])"
    ),
    "word": re.compile(f"(?<!{SPACE})(?={SPACE})"),
}
"""Where lines, sentences and words end; `_ext/engine/growing/text_borders.pxd` says the same."""


def wanted_cuts(text: str, rules: Rules) -> list[list[int]]:
    """Returns the places where a text may be cut: those of the wanted kind, then of finer ones."""
    wanted = BOUNDARIES.index(rules.boundary)
    places: set[int] = set()
    whole = None
    if rules.whole_graphemes:
        whole = {cluster.end() for cluster in grapheme_clusters().finditer(text)}
    cuts = []
    for number, kind in reversed(list(enumerate(BOUNDARIES))[1:]):
        places.update(found.end() for found in ENDS[kind].finditer(text))
        if number <= wanted:
            cuts.append(sorted(places & whole if whole is not None else places))
    return cuts if whole is None else [*cuts, sorted(whole)]


def counted_spans(counting: Counting, text: str, rules: Rules) -> tuple[bytearray, int | None]:
    """Finds the chunks of a text as `chunk_spans` does.

    Args:
        counting: how to count.
        text: without surrogates.
        rules: checked.
    """
    limit, overlap = rules.max_tokens, rules.overlap
    cuts = wanted_cuts(text, rules)
    spans = array("q")
    start, end = rules.start, rules.end
    while end < len(text):
        following = tight_end(counting, text, start, limit)
        if following <= end and start < end:
            start = end  # the overlap leaves no room for anything new
            continue
        if following == start:
            return bytearray(spans.tobytes()), start
        if following < len(text):
            cut = last_cut(counting, text, cuts, start, end, following, limit)
            if cut is None and rules.whole_graphemes and start < end:
                start = end  # a cluster may fit without the overlap
                continue
            following = following if cut is None else cut
        spans.extend((start, following, counting.count(text[start:following])))
        end = following
        previous, start = start, end
        if overlap and end < len(text):
            start -= (end - previous) - tight_start(counting, text[previous:end], overlap)
            start = first_cut(counting, text, cuts, previous, start, end, overlap)
    return bytearray(spans.tobytes()), None


def last_cut(
    counting: Counting,
    text: str,
    cuts: list[list[int]],
    start: int,
    low: int,
    end: int,
    limit: int,
) -> int | None:
    """Returns the last wanted cut after `low` up to `end` to which the text fits, if any."""
    for places in cuts:
        for place in reversed(places[bisect_right(places, low) : bisect_right(places, end)]):
            if counting.fits(text[start:place], limit):
                return place
    return None


def first_cut(
    counting: Counting,
    text: str,
    cuts: list[list[int]],
    low: int,
    start: int,
    end: int,
    limit: int,
) -> int:
    """Returns the first wanted cut from `start` on from which the text up to `end` fits."""
    if start == low:
        return start
    for places in cuts:
        for place in places[bisect_left(places, start) : bisect_left(places, end)]:
            if counting.fits(text[place:end], limit):
                return place
    return start
