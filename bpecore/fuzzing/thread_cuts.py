"""Checks of batches, divided for threads as if their texts were long.

A text of more than 2^19 characters is cut into sections that threads encode, and threads start from
2^17 characters on. Here both happen to texts of a few characters.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, Callable

from bpecore._core import (
    CoreBPE,
    count_batch,
    encode_batch,
    encode_batch_to_buffer,
    set_thread_sizes,
)
from bpecore.fuzzing.outcomes import Difference, Raised, outcome
from bpecore.fuzzing.special_choices import EXHAUSTIVE, Choice, choices_for, drawn_by, shown
from bpecore.fuzzing.subject import Subject

THREADS = 3

Sizes = tuple[int, int, int]
"""Arguments of `set_thread_sizes`, in characters."""

SHORT_SIZES: tuple[Sizes, ...] = ((1, 1, 1), (2, 1, 1), (3, 5, 2), (6, 1, 4))


@contextlib.contextmanager
def divided_by(sizes: Sizes) -> Iterator[None]:
    """Lowers the sizes by which batches are divided."""
    set_thread_sizes(*sizes)
    try:
        yield
    finally:
        set_thread_sizes()


def sizes_for(text: str) -> tuple[Sizes, ...]:
    """Returns sizes that cut a text into a few sections, or, if it is short, into many."""
    if len(text) <= EXHAUSTIVE:
        return SHORT_SIZES
    source = drawn_by(text)
    section = source.randint(1, len(text) // 3)
    return ((section, source.randint(1, section), source.randint(1, len(text))),)


def as_lists(core: CoreBPE, texts: list[str], *arguments: Any) -> list[Any]:
    return encode_batch(core, texts, *arguments)[0]


def as_counts(core: CoreBPE, texts: list[str], *arguments: Any) -> list[Any]:
    return count_batch(core, texts, *arguments)[0]


def as_row(core: CoreBPE, texts: list[str], *arguments: Any) -> list[Any]:
    found = encode_batch_to_buffer(core, texts, *arguments)
    if found is None:
        return [None] * len(texts)
    ids, offsets = found[0], memoryview(found[1]).cast("q").tolist()
    return [ids.to_list(start, end) for start, end in zip(offsets, offsets[1:])]


FORMS: tuple[Callable[..., list[Any]], ...] = (as_lists, as_counts, as_row)


def thread_cuts(subject: Subject, text: str) -> Difference | None:
    """Batches in threads, as lists, counts and one row, for each choice of special tokens."""
    texts = [text, text[len(text) // 2 :], "", text]
    cases = itertools.product(choices_for(subject, text), sizes_for(text))
    for number, (choice, sizes) in enumerate(cases):
        form = FORMS[number % len(FORMS)]
        expected = [outcome(subject.theirs.encode, part, **choice) for part in texts]
        if form is as_counts:
            expected = [ids if isinstance(ids, Raised) else len(ids) for ids in expected]  # type: ignore[arg-type]
        found = in_threads(subject, texts, form, choice, sizes)
        for ours, theirs in zip(found, expected):
            # None: the text is encoded by itself, which other checks try.
            if ours is not None and ours != theirs and not isinstance(theirs, Raised):
                call = f"{form.__name__} in sections of {sizes[0]} characters, {shown(choice)}"
                return Difference(call, ours, theirs)
            if ours is not None and theirs == Raised("ValueError"):
                return Difference(
                    f"{form.__name__} of a refused text, {shown(choice)}", ours, theirs
                )
    return None


def in_threads(
    subject: Subject, texts: list[str], form: Callable[..., list[Any]], choice: Choice, sizes: Sizes
) -> list[Any]:
    """Returns what the engine gives for each text; None for one that has to be encoded alone."""
    ours = subject.ours
    with divided_by(sizes):
        return form(
            ours._core_bpe,
            texts,
            choice.get("allowed_special", set()),
            choice.get("disallowed_special", "all"),
            ours.special_tokens_set,
            THREADS,
        )
