"""Checks of limits: `count_up_to`, `truncate` and `split` keep what they promise.

tiktoken has none of these. So the results are counted by tiktoken: they are within the limit, parts
of the text, and as long as the documentation of `truncate` says.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, NamedTuple

from bpecore.fuzzing.outcomes import Difference, Raised, outcome
from bpecore.fuzzing.special_choices import EXHAUSTIVE, Choice, choices_for, drawn_by, shown
from bpecore.fuzzing.subject import Subject

LIMITED_LIMIT = 1_000
"""Characters of the longest text that is cut to a limit, which is quadratic for some patterns."""

NEIGHBOURHOOD = 32
"""Characters of the longest text whose cuts by `truncate` are all compared."""

MOST_TOKENS_PER_CHARACTER = 4
"""The bytes of a character in UTF-8."""

FEW_TOKENS = 5
"""Tokens of the longest text that is cut to every limit; a longer one is cut to two."""


class Limited(NamedTuple):
    """A text to be cut, with a choice of special tokens.

    Attributes:
        subject: the encoding.
        text: the text.
        choice: the special tokens.
        tokens_of: tiktoken's count of a text, in which nothing is refused.
        refused: whether the text holds something that the choice refuses.
    """

    subject: Subject
    text: str
    choice: Choice
    tokens_of: Callable[[str], int]
    refused: bool

    def call(self, method: str, limit: int, **arguments: Any) -> Any:
        """Calls a method of ours; returns its outcome."""
        call = getattr(self.subject.ours, method)
        return outcome(call, self.text, limit, **arguments, **self.choice)


def counts_of(subject: Subject, choice: Choice) -> Callable[[str], int]:
    """Returns a function that counts a text by tiktoken, with nothing refused."""
    arguments = {**choice, "disallowed_special": ()}

    @functools.cache
    def count(text: str) -> int:
        return len(subject.theirs.encode(text, **arguments))

    return count


def limits(subject: Subject, text: str) -> Difference | None:
    """`count_up_to`, `truncate`, `split`, for each choice of special tokens."""
    text = text[:LIMITED_LIMIT]
    for choice in choices_for(subject, text, count=1):
        count = counts_of(subject, choice)
        whole = outcome(count, text)
        refused = isinstance(outcome(subject.theirs.encode, text, **choice), Raised)
        if not isinstance(whole, int):
            continue
        limited = Limited(subject, text, choice, count, refused)
        few = whole <= FEW_TOKENS and len(text) <= EXHAUSTIVE
        for limit in range(whole + 2) if few else drawn_by(text).sample(range(whole + 2), 2):
            difference = limited_to(limited, limit)
            if difference is not None:
                return difference._replace(call=f"{difference.call}, {shown(choice)}")
    return None


def limited_to(limited: Limited, limit: int) -> Difference | None:
    """Counts and cuts a text up to one limit."""
    text, count = limited.text, limited.tokens_of
    whole = count(text)
    found = limited.call("count_up_to", limit)
    expected = whole if whole <= limit else None
    if found != expected and not (limited.refused and found == Raised("ValueError")):
        return Difference(f"count_up_to {limit}", found, expected)
    for side in ("end", "start", "middle"):
        found = limited.call("truncate", limit, side=side)
        if limited.refused and found == Raised("ValueError"):
            continue
        if isinstance(found, Raised) or not is_truncated(limited, found, limit, side):
            return Difference(f"truncate to {limit} tokens, side={side!r}", found, text)
    size = max(limit, MOST_TOKENS_PER_CHARACTER)
    for overlap in (0, size // 2):
        found = limited.call("split", size, overlap=overlap)
        if limited.refused and found == Raised("ValueError"):
            continue
        if isinstance(found, Raised) or not is_split(limited, found, size, overlap):
            return Difference(f"split into {size} tokens each, overlap={overlap}", found, text)
    return None


def has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def is_truncated(limited: Limited, found: str, limit: int, side: str) -> bool:
    """Returns whether `truncate` may give this."""
    text, count = limited.text, limited.tokens_of
    if count(text) <= limit:
        return found == text
    if count(found) > limit or len(found) >= len(text):
        return False
    left = len(found)
    if side == "middle":
        return any(text.startswith(found[:i]) and text.endswith(found[i:]) for i in range(left + 1))
    if not (text.startswith(found) if side == "end" else text.endswith(found)):
        return False
    if len(text) > 2 * EXHAUSTIVE or has_surrogates(text):
        return True
    parts = [text[:i] if side == "end" else text[len(text) - i :] for i in range(len(text) + 1)]
    return is_best([*map(count, parts)], left, limit)


def is_best(counts: list[int], length: int, limit: int) -> bool:
    """Returns whether a part of a text is as long as documented.

    Args:
        counts: the tokens of the text's part of each length.
        length: the length that was chosen, within the limit.
        limit: tokens.
    """
    if counts[length] >= limit - 1:
        return True
    steps = max(following - count for count, following in zip(counts, counts[1:]))
    if len(counts) <= NEIGHBOURHOOD:
        return counts[length] == max(count for count in counts if count <= limit)
    return steps > 2


def is_split(limited: Limited, chunks: list[str], size: int, overlap: int) -> bool:
    """Returns whether `split` may give these chunks."""
    text, count = limited.text, limited.tokens_of
    if any(count(chunk) > size for chunk in chunks):
        return False
    if overlap == 0 or has_surrogates(text):
        return bool(overlap) or ("".join(chunks) == text and are_full(limited, chunks, size))
    # Where a chunk begins is not unique in a text that repeats itself.
    ends = {0}
    for chunk in chunks:
        ends = {
            start + len(chunk)
            for end in ends
            for start in range(max(0, end - len(chunk) + 1), end + 1)
            if text.startswith(chunk, start) and count(text[start:end]) <= overlap
        }
    return len(text) in ends


def are_full(limited: Limited, chunks: list[str], size: int) -> bool:
    """Returns whether each chunk but the last is as long as fits; long texts are taken to be."""
    text, count = limited.text, limited.tokens_of
    if len(text) > EXHAUSTIVE or has_surrogates(text):
        return True
    start = 0
    for chunk in chunks[:-1]:
        # Up to the first end beyond the chunk that does not fit; later ones may fit again.
        counts = [count(text[start : start + length]) for length in range(len(chunk) + 1)]
        for end in range(start + len(chunk) + 1, len(text) + 1):
            counts.append(count(text[start:end]))
            if counts[-1] > size:
                break
        if not is_best(counts, len(chunk), size):
            return False
        start += len(chunk)
    return True
