"""Makes a mismatch small: the shortest string that fails, in a frame if needed, and few tokens."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Callable

from bpecore.fuzzing.checks import CHECKS
from bpecore.fuzzing.finding import Finding, Framed, size_of
from bpecore.fuzzing.shrink import shrink, simplify
from bpecore.fuzzing.subject import Subject

SMALL = 10
"""Characters of a string that needs no further shrinking; a special token counts as one."""

SECONDS = 25.0
"""How long a mismatch is shrunk, at most."""

OFFSETS = range(40, 72)
"""Numbers of plain characters that put a string at and around the border of a block."""


def minimise(subject: Subject, check: str, text: str, origin: str) -> Finding:
    """Returns the smallest finding of a bounded search.

    Args:
        subject: the encoding, with the instruction set that failed.
        check: the check that failed.
        text: the text that failed.
        origin: the command that runs the round again.
    """
    deadline = time.monotonic() + SECONDS

    def fails(part: str) -> bool:
        return time.monotonic() < deadline and CHECKS[check](subject, part) is not None

    is_openai = not subject.name.startswith("generated")
    alone = fails_alone(subject, check, text)
    text = shrink_text(text, fails)
    small = size_of(text, subject.definition["special_tokens"]) <= SMALL
    framed = Framed(text) if small else smallest_frame(text, fails)
    if not is_openai:
        subject = with_fewer_tokens(subject, check, framed.text)
    difference = CHECKS[check](subject, framed.text)
    if not fails_alone(subject, check, framed.text):
        alone = False
    return Finding(
        subject.name if is_openai else subject.definition,
        subject.instructions,
        check,
        framed,
        str(difference) if difference else "  It fails only sometimes.",
        origin,
        alone,
    )


def fails_alone(subject: Subject, check: str, text: str) -> bool:
    """Whether the check fails in an encoding with empty caches."""
    new = Subject.__new__(Subject)
    new.__dict__.update(subject.__dict__)
    new.forget()
    return CHECKS[check](new, text) is not None


def shrink_text(text: str, fails: Callable[[str], bool]) -> str:
    """Returns a part of the text that fails, with plain characters where they suffice."""
    for length in (100, 400, 2_000, 9_000):
        starts = range(0, max(1, len(text) - length // 2), max(1, length // 2))
        for start in starts if len(text) > 2 * length else ():
            if fails(text[start : start + length]):
                text = text[start : start + length]
                break
    text = shrink(text, fails)
    return shrink(simplify(text, fails), fails)


def smallest_frame(text: str, fails: Callable[[str], bool]) -> Framed:
    """Returns the text as a string within a frame, with the shortest string found."""
    best = Framed(text)
    if len(text) <= SMALL:
        return best
    for framed in itertools.chain(frames_of(text), frames_around_parts(text)):
        if framed.weight > best.weight:
            continue
        shorter = (framed.weight, len(framed.text)) < (best.weight, len(best.text))
        if shorter and (framed.text == text or fails(framed.text)):
            best = framed
    return best


def frames_of(text: str) -> Iterator[Framed]:
    """Yields the text with runs at its ends, or its repetitions, taken for a frame."""
    for period in range(1, SMALL + 1):
        times = len(text) // period
        if times > 1:
            yield Framed(text[:period], times=times)
            rest = text[period * times :]
            yield Framed(text[:period], after=(rest, 1), times=times)
            yield Framed(text[period:][:period], before=(text[:period], 1), times=times - 1)
    for left, right in itertools.product((1, 2, 3), repeat=2):
        before = repetitions(text, left)
        remaining = text[before * left :]
        after = repetitions(remaining[::-1], right)
        middle = remaining[: len(remaining) - after * right]
        if middle:
            yield Framed(middle, (text[:left], before), (remaining[-right:], after))


def repetitions(text: str, period: int) -> int:
    """Returns how many times a text's first characters repeat at its start; 0 if only once."""
    count = 1
    while text[count * period :] and text.startswith(text[:period], count * period):
        count += 1
    return count if count > 1 else 0


def frames_around_parts(text: str) -> Iterator[Framed]:
    """Yields short parts of a text, the shortest first, within plain text."""
    seen = set()
    for length in range(1, SMALL + 1):
        for start in range(min(len(text), 200) - length + 1):
            part = text[start : start + length]
            if part in seen:
                continue
            seen.add(part)
            for plain, after in itertools.product(("a", " "), ((" a", 32), ("a", 32))):
                for count in OFFSETS if length < 4 else (48, 61, 62, 63, 64):
                    yield Framed(part, (plain, count), after)
            for times in (9, 17, 33, 65, 129):
                yield Framed(part, times=times)


def with_fewer_tokens(subject: Subject, check: str, text: str) -> Subject:
    """Returns a subject that still fails, with as few tokens and special tokens as possible."""
    definition = subject.definition
    single = {
        token: rank for token, rank in definition["mergeable_ranks"].items() if len(token) == 1
    }
    other = [item for item in definition["mergeable_ranks"].items() if len(item[0]) != 1]
    best = subject

    def fails(items: list[tuple[bytes, int]]) -> bool:
        nonlocal best
        # In the same order as before, because the dict's order is part of the case.
        kept = {**single, **dict(items)}
        ranks = {
            token: rank for token, rank in definition["mergeable_ranks"].items() if token in kept
        }
        candidate = Subject({**definition, "mergeable_ranks": ranks}, subject.instructions)
        if CHECKS[check](candidate, text) is None:
            return False
        best = candidate
        return True

    shrink(other, fails)
    return best
