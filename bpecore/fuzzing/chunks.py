"""Checks of chunks: what `split`, `split_batch` and `split_spans` cut, by boundary.

tiktoken has none of these. So the parts of a text are counted by tiktoken, and where words,
sentences and lines end is written down again here.
"""

from __future__ import annotations

from typing import Any

from bpecore._limits.rules import BOUNDARIES, grapheme_clusters
from bpecore.fuzzing.limits import (
    NEIGHBOURHOOD,
    Limited,
    counts_of,
    has_surrogates,
)
from bpecore.fuzzing.outcomes import Difference, Raised, outcome
from bpecore.fuzzing.special_choices import EXHAUSTIVE, choices_for, drawn_by, shown
from bpecore.fuzzing.subject import Subject

CHUNKED_LIMIT = 200
"""Characters of the longest text that is cut into chunks, whose parts are all counted."""

SIZES = (4, 7)
"""Tokens of the chunks of a short text. A character has at most four."""

MOST_STEP = 2
"""Tokens that a character adds at most in a text whose chunks end where they fit exactly."""

LINE_ENDS = frozenset("\n\r\v\f\x85\u2028\u2029")
BREAKING_SPACES = (
    LINE_ENDS
    | frozenset("\t \u1680\u205f\u3000")
    | frozenset(chr(point) for point in range(0x2000, 0x200B) if point != 0x2007)
)
WIDE_STOPS = frozenset("\u3002\uff01\uff1f\uff61")
STOPS = WIDE_STOPS | frozenset(".!?\u2026\u203c\u2047\u2048\u2049\u061f\u06d4\u0964\u0965\u0589")
STOPS |= frozenset("\u1362")
CLOSERS = frozenset("\"')]}\u201d\u2019\u00bb\u300b\u300d\u300f\u3011\uff09")
MOST_CLOSERS = 8


def is_end(text: str, place: int, kind: str) -> bool:
    """Returns whether a word, sentence or line ends before a character, which is not the first."""
    left, right = text[place - 1], text[place]
    if left in LINE_ENDS and left + right != "\r\n":
        return True
    before_space = right in BREAKING_SPACES and left not in BREAKING_SPACES
    if kind != "sentence":
        return kind == "word" and (before_space or is_end(text, place, "sentence"))
    last = place - 1
    while last > 0 and place - last <= MOST_CLOSERS and text[last] in CLOSERS:
        last -= 1
    if text[last] in WIDE_STOPS and right not in CLOSERS | STOPS:
        return True
    return before_space and text[last] in STOPS


def wanted_places(text: str, boundary: str, whole_graphemes: bool) -> list[list[int]]:
    """Returns where a text may be cut: at places of the kind, then of each finer one."""
    inner = range(1, len(text))
    kinds = BOUNDARIES[1 : BOUNDARIES.index(boundary) + 1][::-1]
    places = [[place for place in inner if is_end(text, place, kind)] for kind in kinds]
    if whole_graphemes:
        whole = {cluster.end() for cluster in grapheme_clusters().finditer(text)} - {len(text)}
        places = [[place for place in row if place in whole] for row in places]
        places.append(sorted(whole))
    return places


def arguments_for(text: str) -> list[dict[str, Any]]:
    """Returns all boundaries for a short text, and one, drawn by the text, for a long one."""
    found = [
        {"boundary": boundary, "whole_graphemes": whole, "overlap": overlap}
        for boundary in BOUNDARIES
        for whole in (False, True)
        for overlap in (0, 2)
    ]
    return found if len(text) <= EXHAUSTIVE else drawn_by(text).sample(found, 2)


def chunks(subject: Subject, text: str) -> Difference | None:
    """`split`, `split_batch` and `split_spans` at characters, words, sentences and lines."""
    text = text[:CHUNKED_LIMIT]
    if has_surrogates(text) or not text:
        return None
    for choice in choices_for(subject, text, count=1)[:2]:
        count = counts_of(subject, choice)
        whole = outcome(count, text)
        if not isinstance(whole, int) or isinstance(
            outcome(subject.theirs.encode, text, **choice), Raised
        ):
            continue
        limited = Limited(subject, text, choice, count, False)
        sizes = [size for size in SIZES if size < whole] if len(text) <= EXHAUSTIVE else SIZES[1:]
        for arguments in arguments_for(text):
            for size in sizes:
                difference = chunks_of(limited, size, arguments)
                if difference is not None:
                    return difference._replace(call=f"{difference.call}, {shown(choice)}")
    return None


def chunks_of(limited: Limited, size: int, arguments: dict[str, Any]) -> Difference | None:
    """Cuts a text with some arguments."""
    text = limited.text
    spans = limited.call("split_spans", size, **arguments)
    call = f"split_spans into {size} tokens each, {arguments}"
    if isinstance(spans, Raised):
        return Difference(call, spans, text)
    places = spans.characters.tolist()
    parts = [text[start:end] for start, end in places]
    ends = [[len(text[:place].encode()) for place in row] for row in places]
    for name, found, expected in (
        ("tokens", spans.tokens.tolist(), [*map(limited.tokens_of, parts)]),
        ("bytes", spans.bytes.tolist(), ends),
        ("split", limited.call("split", size, **arguments), parts),
        ("split_batch", batch_of(limited, size, arguments), [parts, []]),
    ):
        if found != expected:
            return Difference(f"{call}: {name}", found, expected)
    fault = fault_of(limited, places, size, arguments)
    return None if fault is None else Difference(f"{call}: {fault}", parts, text)


def batch_of(limited: Limited, size: int, arguments: dict[str, Any]) -> object:
    """Returns the chunks of the text and of an empty one."""
    call = limited.subject.ours.split_batch
    return outcome(call, [limited.text, ""], size, **arguments, **limited.choice)


def fault_of(
    limited: Limited, places: list[list[int]], size: int, arguments: dict[str, Any]
) -> str | None:
    """Returns what is wrong with where chunks begin and end; None if nothing is."""
    text, count = limited.text, limited.tokens_of
    wanted = wanted_places(text, arguments["boundary"], arguments["whole_graphemes"])
    clusters = grapheme_clusters().findall(text) if arguments["whole_graphemes"] else []
    # What follows a cut inside a grapheme cluster is divided into clusters again.
    are_cut = any(count(cluster) > size for cluster in clusters)
    low = 0
    for number, (start, end) in enumerate(places):
        if not start <= low < end or count(text[start:end]) > size:
            return f"chunk {number} does not go on where the last one ended, or is too long"
        if count(text[start:low]) > arguments["overlap"]:
            return f"chunk {number} overlaps too much"
        if (
            end < len(text)
            and not are_cut
            and not ends_well(limited, wanted, (start, low, end), size)
        ):
            return f"chunk {number} ends at a worse place than it could"
        low = end
    return None if low == len(text) else "the end of the text is missing"


def ends_well(
    limited: Limited, wanted: list[list[int]], chunk: tuple[int, int, int], size: int
) -> bool:
    """Returns whether a chunk ends at a place of the best kind that it has.

    Args:
        limited: the text.
        wanted: places by kind, the best kind first.
        chunk: where it begins, where the last one ended, and where it ends.
        size: tokens of the longest chunk.
    """
    text, count = limited.text, limited.tokens_of
    start, low, end = chunk
    for places in wanted:
        if end in places:
            after = next((place for place in places if place > end), len(text))
            return any(may_end(limited, start, place, size) for place in range(end, after))
        if any(low < place <= end and count(text[start:place]) <= size for place in places):
            return False
    return may_end(limited, start, end, size)


def may_end(limited: Limited, start: int, end: int, size: int) -> bool:
    """Returns whether a chunk may end at a place if every place is as good.

    It may if it fits, and one more character does not or it has all tokens but one; or if some
    character adds so many tokens that other cuts were compared.
    """
    text, count = limited.text, limited.tokens_of
    last = min(end + NEIGHBOURHOOD, len(text))
    counts = [count(text[start:place]) for place in range(start + 1, last + 1)]
    steps = [following - before for before, following in zip([0, *counts], counts)]
    tokens, *more = counts[end - start - 1 :]
    fits = tokens <= size and (tokens >= size - 1 or any(other > size for other in more[:1]))
    return fits or max(steps) > MOST_STEP
