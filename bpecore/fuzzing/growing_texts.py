"""Checks of texts that arrive in chunks: `TokenCounter`, its checkpoints, and `StreamEncoder`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

from bpecore._core import StreamEncoder, TokenCounter
from bpecore.fuzzing.outcomes import Difference, Raised, excerpt, is_lost, outcome
from bpecore.fuzzing.special_choices import EXHAUSTIVE, Choice, choices_for, drawn_by, shown
from bpecore.fuzzing.subject import Subject

CHUNK_LENGTHS = (1, 1, 2, 4, 9, 70, 1000)

COUNTED_LIMIT = 2_000
"""Characters of the longest text whose beginnings are all counted."""


def streams(subject: Subject, text: str) -> Difference | None:
    """The text in chunks, for each choice of special tokens: ids, and counts after each chunk."""
    for choice in choices_for(subject, text):
        try:
            TokenCounter(subject.ours, **choice)
        except (TypeError, ValueError):
            return None  # not our encoding, or a pattern with no automaton
        for chunks in divisions(text):
            difference = counted(subject, chunks, choice) or encoded(subject, chunks, choice)
            if difference is not None:
                return difference._replace(call=f"{difference.call}, {shown(choice)}")
    return None


def divisions(text: str) -> Iterator[list[str]]:
    """Yields the text in chunks: character by character if it is short, and of any lengths."""
    if len(text) <= EXHAUSTIVE:
        yield list(text)
    source = drawn_by(text)
    place = 0
    chunks = []
    while place < len(text):
        chunks.append(text[place : place + source.choice(CHUNK_LENGTHS)])
        place += len(chunks[-1])
    yield chunks


def counts_of(subject: Subject, choice: Choice) -> Callable[[str], object]:
    """Returns a function that gives tiktoken's count of a text, or what it raises."""
    known: dict[str, object] = {}

    def number_of_ids(text: str) -> int:
        return len(subject.theirs.encode(text, **choice))

    def count(text: str) -> object:
        # A high surrogate at the end waits for its other half.
        text = text[:-1] if "\ud800" <= text[-1:] <= "\udbff" else text
        if text not in known:
            known[text] = outcome(number_of_ids, text)
        return known[text]

    return count


def counted(subject: Subject, chunks: list[str], choice: Choice) -> Difference | None:
    """Counts the text after each chunk; before every other one, an end that is taken back."""
    if sum(map(len, chunks)) > COUNTED_LIMIT:
        return None
    counter = TokenCounter(subject.ours, **choice)
    count = counts_of(subject, choice)
    ends = [*sorted(subject.theirs.special_tokens_set)[:1], "'s", "<", " ", *chunks[:1], "中"]
    text = ""
    for number, chunk in enumerate(chunks):
        if number % 2:
            checkpoint, total = counter.checkpoint(), counter.total
            difference = fed(counter, count, text, ends[number // 2 % len(ends)])
            if difference is not None:
                return difference
            if number % 4 == 3:
                counter = TokenCounter(subject.ours, **choice)
            counter.restore(checkpoint)
            if counter.total != total:
                return Difference(f"restore after {text!a}", counter.total, total)
        before = counter.total
        difference = fed(counter, count, text, chunk)
        if difference is not None:
            return difference
        if isinstance(count(text + chunk), Raised):
            found = counter.total
            return None if found == before else Difference("total after an error", found, before)
        text += chunk
    return None


def fed(
    counter: TokenCounter, count: Callable[[str], object], text: str, chunk: str
) -> Difference | None:
    """Feeds a chunk to a counter of `text`, and compares the count of both together."""
    expected = count(text + chunk)
    found = outcome(counter.feed, chunk)
    if found == expected or is_lost(expected):
        return None
    return Difference(
        f"TokenCounter of {excerpt(text, 0)} and {excerpt(chunk, 0)}", found, expected
    )


def encoded(subject: Subject, chunks: list[str], choice: Choice) -> Difference | None:
    """Encodes the text chunk by chunk."""
    expected: Any = outcome(subject.theirs.encode, "".join(chunks), **choice)

    def call() -> list[int]:
        encoder = StreamEncoder(subject.ours, **choice)
        ids = [number for chunk in chunks for number in encoder.feed(chunk)]
        return ids + encoder.flush()

    found = outcome(call)
    if found == expected or is_lost(expected):
        return None
    return Difference(f"StreamEncoder of {len(chunks)} chunks", found, expected)
