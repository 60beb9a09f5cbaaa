"""A round: some dozens of texts through the checks that suit them, in one encoding.

A round depends only on the seed, its number and the encoding, so it can be run again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from bpecore.fuzzing.case_patterns import case_definition, text_of_case
from bpecore.fuzzing.checks import (
    CHECKS,
    LONG_CHECKS,
    QUICK_CHECKS,
    RARE_CHECKS,
    SLOW_CHECKS,
)
from bpecore.fuzzing.finding import Finding
from bpecore.fuzzing.minimise import minimise
from bpecore.fuzzing.outcomes import Tally
from bpecore.fuzzing.split_family import family_definition, text_of_family
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject
from bpecore.fuzzing.texts import (
    BAD_GENERATORS,
    LONG_GENERATORS,
    SHORT_GENERATORS,
    Material,
    glued_special_tokens,
    joined_snippets,
    mutated_page,
    mutated_snippet,
    sentences,
)
from bpecore.fuzzing.vocabularies import (
    GENERATED,
    random_definition,
    text_over,
    with_special_tokens,
)

GENERATED_ENCODINGS = 4
GENERATED_TEXTS = 30
CASE_ENCODINGS = 8
CASE_TEXTS = 12
FAMILY_ENCODINGS = 4
FAMILY_TEXTS = 12
SHORT_TEXTS = 200
JOINED_TEXTS = 6
PAGES = 4
SLOW_SHARE = 0.08
"""The share of short texts that goes through all entry points."""

MANY_SPECIAL_TOKENS = 100

RARE_SHARE = 0.01
"""The share of short texts that goes through the entry points that are slow in tiktoken."""


class Case(NamedTuple):
    """A text and the names of its checks."""

    text: str
    checks: tuple[str, ...]


def origin_of(name: str, seed: int, number: int) -> str:
    """Returns the command that runs a round again."""
    return f"python -m fuzz --seed {seed} --round {number} --encoding {name}"


def run_round(name: str, seed: int, number: int, texts: list[str], tally: Tally) -> Finding | None:
    """Runs a round.

    Args:
        name: one of OpenAI's encodings, or `GENERATED`.
        seed: the whole run's seed.
        number: the round's number.
        texts: real texts.
        tally: counts what is compared.

    Returns:
        The first mismatch, made small.
    """
    source = random.Random(f"{seed} {number} {name}")
    origin = origin_of(name, seed, number)
    instructions = source.choice(available_instructions())
    for subject, cases in subjects_of(name, source, instructions, texts):
        for case in cases:
            for check in case.checks:
                if CHECKS[check](subject, case.text) is not None:
                    return minimise(subject, check, case.text, origin)
            tally.add(case.text, subject.ours.count(case.text, disallowed_special=()))
    return None


def subjects_of(
    name: str, source: random.Random, instructions: str, texts: list[str]
) -> Iterator[tuple[Subject, Iterator[Case]]]:
    """Yields a round's encodings, several if they are generated, and the cases of each."""
    if name != GENERATED:
        subject = openai_subject(name)
        subject.use(instructions)
        material = Material(texts, sorted(subject.theirs.special_tokens_set))
        yield subject, openai_cases(source, material)
        return
    for _ in range(GENERATED_ENCODINGS):
        definition = random_definition(source)
        if source.random() < 0.7:
            definition = with_special_tokens(source, definition)
        subject = Subject(definition, instructions)
        yield subject, generated_cases(source, subject)
    for _ in range(CASE_ENCODINGS):
        definition = case_definition(source)
        subject = Subject(definition, instructions)
        yield subject, case_cases(source, subject)
    for _ in range(FAMILY_ENCODINGS):
        definition = family_definition(source)
        subject = Subject(definition, instructions)
        yield subject, family_cases(source, subject)


def openai_cases(source: random.Random, material: Material) -> Iterator[Case]:
    """Yields the cases of a round of one of OpenAI's encodings."""
    short = [*SHORT_GENERATORS.values(), mutated_snippet]
    slow = tuple(SLOW_CHECKS)
    # A call with a choice of more than a thousand special tokens takes long in both engines.
    share = SLOW_SHARE / 8 if len(material.special_tokens) > MANY_SPECIAL_TOKENS else SLOW_SHARE
    for _ in range(SHORT_TEXTS):
        make = source.choice(short)
        wanted = 4 * share if make in (glued_special_tokens, sentences) else share
        yield Case(make(source, material), short_checks(source, wanted))
    for make in BAD_GENERATORS.values():
        yield Case(make(source, material), slow)
    for number in range(JOINED_TEXTS):
        text = joined_snippets(source, material)
        yield Case(text, tuple(LONG_CHECKS) if number == 0 else ("encode_to_numpy",))
    for make in LONG_GENERATORS.values():
        if source.random() < 0.4:
            check = source.choice((*LONG_CHECKS, "sinks", "again"))
            yield Case(make(source, material), (check,))
    for _ in range(PAGES):
        yield Case(mutated_page(source, material), ("encode_to_numpy",))
    if source.random() < 0.2:
        yield Case(mutated_page(source, material), ("sinks", "batches", "decoding"))


def generated_cases(source: random.Random, subject: Subject) -> Iterator[Case]:
    """Yields the cases of a round of a generated encoding."""
    for number in range(GENERATED_TEXTS):
        checks = short_checks(source, 0.3) + (tuple(RARE_CHECKS) if number < 2 else ())
        yield Case(text_over(source, subject.definition), checks)


def case_cases(source: random.Random, subject: Subject) -> Iterator[Case]:
    """Yields the cases of an encoding whose pattern ignores case."""
    for _ in range(CASE_TEXTS):
        yield Case(text_of_case(source, subject.definition), tuple(QUICK_CHECKS))


def family_cases(source: random.Random, subject: Subject) -> Iterator[Case]:
    """Yields the cases of an encoding whose pattern is a model's, or like one."""
    for _ in range(FAMILY_TEXTS):
        yield Case(text_of_family(source, subject.definition), tuple(QUICK_CHECKS))


def short_checks(source: random.Random, slow_share: float) -> tuple[str, ...]:
    """Returns the checks of a short text."""
    place = source.random()
    if place < RARE_SHARE:
        return tuple(RARE_CHECKS)
    return tuple(SLOW_CHECKS if place < RARE_SHARE + slow_share else QUICK_CHECKS)
