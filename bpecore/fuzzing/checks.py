"""Checks of the entry points: each compares some of them with tiktoken's on one text.

A check returns None or a difference. Texts are strings; for an entry point that takes bytes, lone
surrogates U+DC80 to U+DCFF stand for bytes that are not UTF-8 (Python's `surrogateescape`).
"""

from __future__ import annotations

import functools
import re
from typing import Any, Callable

from bpecore.fuzzing.arrays import arrays
from bpecore.fuzzing.chunks import chunks
from bpecore.fuzzing.decoding import decoding, growing_ids, known_ids, offsets
from bpecore.fuzzing.growing_texts import streams
from bpecore.fuzzing.limits import limits
from bpecore.fuzzing.outcomes import (
    Difference,
    Raised,
    compare,
    excerpt,
    first_difference,
    given,
    is_lost,
    outcome,
)
from bpecore.fuzzing.pool_messages import pool_messages
from bpecore.fuzzing.special_choices import Choice, choices_for, choices_of, shown
from bpecore.fuzzing.subject import Subject
from bpecore.fuzzing.thread_cuts import thread_cuts
from bpecore.fuzzing.vocabularies import GENERATED

Check = Callable[[Subject, str], "Difference | None"]

SURROGATE = re.compile("[\ud800-\udfff]")

UNSTABLE_LIMIT = 24
"""Characters of the longest text whose completions are compared; there can be thousands."""

GENERATED_UNSTABLE_LIMIT = 100
"""The same for a generated encoding, in which few tokens can follow."""

REFERENCE_LIMIT = 300
"""Characters of the longest text for the naive reference, whose merge is quadratic."""

WINDOW_LENGTHS = (4096, 4097, 4098)
WINDOW_FILLERS = ("a é ", "中b ")

PIECE_LIMIT = 3_000
"""Bytes of the longest text encoded as a single piece."""


def encode_ordinary(subject: Subject, text: str) -> Difference | None:
    """`encode_ordinary`: the check that most texts get."""
    expected = outcome(lambda: subject.theirs.encode_ordinary(text))
    found = outcome(lambda: subject.ours.encode_ordinary(text))
    if found == expected or is_lost(expected):
        return None
    return Difference("encode_ordinary", found, expected)


def encode_to_numpy(subject: Subject, text: str) -> Difference | None:
    """`encode_to_numpy`: for long texts, because it makes no int objects."""
    clean = text
    if SURROGATE.search(text):  # which tiktoken refuses here
        clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    expected = outcome(lambda: subject.theirs.encode_to_numpy(clean, disallowed_special=()))
    found = outcome(lambda: subject.ours.encode_to_numpy(text, disallowed_special=()))
    if isinstance(expected, Raised) or isinstance(found, Raised):
        raised = isinstance(expected, Raised) and isinstance(found, Raised)
        same = is_lost(expected) or (raised and found == expected)
    else:
        same = found.dtype == expected.dtype and found.tobytes() == expected.tobytes()  # type: ignore[attr-defined]
    if same:
        return None
    return Difference("encode_to_numpy", as_list(found), as_list(expected))


def as_list(value: Any) -> object:
    return value if isinstance(value, Raised) else value.tolist()


def sinks(subject: Subject, text: str) -> Difference | None:
    """All ways to get the ids of a text, or their number, without special tokens."""
    ours, theirs = subject.ours, subject.theirs
    expected = outcome(lambda: theirs.encode(text, disallowed_special=()))
    number = expected if isinstance(expected, Raised) else len(expected)  # type: ignore[arg-type]
    return first_difference(
        lambda: compare(
            "encode", lambda: ours.encode(text, disallowed_special=()), lambda: expected
        ),
        lambda: encode_ordinary(subject, text),
        lambda: encode_to_numpy(subject, text),
        lambda: compare("count", lambda: ours.count(text, disallowed_special=()), lambda: number),
    )


def special_tokens(subject: Subject, text: str) -> Difference | None:
    """`encode`, `count` and `encode_to_numpy` with each choice of special tokens."""
    for choice in choices_of(subject):
        difference = with_choice(subject, text, choice)
        if difference is not None:
            return difference._replace(call=f"{difference.call}, {shown(choice)}")
    return None


def with_choice(subject: Subject, text: str, chosen: Choice) -> Difference | None:
    """`encode`, `count` and `encode_to_numpy` with one choice of special tokens."""
    ours, theirs = subject.ours, subject.theirs
    expected = outcome(lambda: theirs.encode(text, **chosen))
    number = expected if isinstance(expected, Raised) else len(expected)  # type: ignore[arg-type]
    return first_difference(
        lambda: compare("encode", lambda: ours.encode(text, **chosen), lambda: expected),
        lambda: compare("count", lambda: ours.count(text, **chosen), lambda: number),
        lambda: compare(
            "encode_to_numpy",
            lambda: ours.encode_to_numpy(text, **chosen).tolist(),
            lambda: expected,
        ),
    )


def batches(subject: Subject, text: str) -> Difference | None:
    """The batch methods, in threads, on the text's lines and on the whole text."""
    texts = [*text.split("\n"), text]
    ours, theirs = subject.ours, subject.theirs
    expected: Any = outcome(lambda: [theirs.encode(part, disallowed_special=()) for part in texts])
    counts = expected if isinstance(expected, Raised) else [len(ids) for ids in expected]

    def in_one_array() -> list[list[int]]:
        ids, offsets = ours.encode_batch_to_numpy(texts, num_threads=2, disallowed_special=())
        return [ids[start:end].tolist() for start, end in zip(offsets, offsets[1:])]

    calls: list[tuple[Callable[[], object], object]] = [
        (lambda: ours.encode_ordinary_batch(texts, num_threads=3), expected),
        (lambda: ours.encode_batch(texts, num_threads=2, disallowed_special=()), expected),
        (lambda: ours.count_batch(texts, disallowed_special=()), counts),
        (in_one_array, expected),
    ]
    names = ("encode_ordinary_batch", "encode_batch", "count_batch", "encode_batch_to_numpy")
    return first_difference(
        *(
            functools.partial(compare, name, call, functools.partial(given, wanted))
            for name, (call, wanted) in zip(names, calls)
        )
    )


def same_for(subject: Subject, method: str, argument: object) -> Difference | None:
    """Compares a method called with one argument."""
    ours, theirs = (getattr(engine, method) for engine in (subject.ours, subject.theirs))
    return compare(method, lambda: ours(argument), lambda: theirs(argument))


def unstable(subject: Subject, text: str) -> Difference | None:
    """`encode_with_unstable` on the beginning of the text."""
    generated = subject.name.startswith(GENERATED)
    text = text[: GENERATED_UNSTABLE_LIMIT if generated else UNSTABLE_LIMIT]

    def call(encoding: Any) -> object:
        stable, completions = encoding.encode_with_unstable(text, allowed_special="all")
        return stable, set(map(tuple, completions))

    name = f"encode_with_unstable({text!a})"
    return compare(name, lambda: call(subject.ours), lambda: call(subject.theirs))


def bytes_of_text(subject: Subject, text: str) -> Difference | None:
    """`_encode_bytes`, and single pieces and tokens of any bytes."""
    try:
        content = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
    methods = ["_encode_bytes", "encode_single_token"]
    if 0 < len(content) <= PIECE_LIMIT:
        methods.append("_encode_single_piece")
    return first_difference(
        *(functools.partial(same_for, subject, method, content) for method in methods)
    )


def again(subject: Subject, text: str) -> Difference | None:
    """The same text again after similar ones, which change what the caches hold."""
    expected = outcome(lambda: subject.theirs.encode_ordinary(text))
    if isinstance(expected, Raised):
        return None
    for other in ("", text[: len(text) // 2], text[1:], text.swapcase(), f"{text} {text}"):
        outcome(functools.partial(subject.ours.encode_ordinary, other))
        found = outcome(lambda: subject.ours.encode_ordinary(text))
        if found != expected:
            return Difference(f"encode_ordinary after {excerpt(other, 0)}", found, expected)
    return None


def windows(subject: Subject, text: str) -> Difference | None:
    """The text at the end of a longer one, which ends about where a window of the engine does.

    Not for generated patterns: some take tiktoken seconds.
    """
    if subject.name.startswith("generated"):
        return None
    for filler in WINDOW_FILLERS:
        for length in WINDOW_LENGTHS:
            longer = (filler * length + text)[-length:]
            difference = encode_ordinary(subject, longer)
            if difference is not None:
                return difference._replace(
                    call=f"encode_ordinary after {filler!a}, {length} in all"
                )
    return None


def naive(subject: Subject, text: str) -> Difference | None:
    """The naive reference against both engines."""
    text = re.sub("[\ud800-\udfff]", "", text[:REFERENCE_LIMIT])
    return compare(
        "encode_ordinary (expected: the naive reference)",
        lambda: subject.ours.encode_ordinary(text),
        lambda: subject.reference.encode_ordinary(text),
    )


def long_special(subject: Subject, text: str) -> Difference | None:
    """A long text with special tokens: as ids, as a count, and cut for threads."""
    for choice in choices_for(subject, text, count=1):
        difference = with_choice(subject, text, choice)
        if difference is not None:
            return difference._replace(call=f"{difference.call}, {shown(choice)}")
    return thread_cuts(subject, text)


QUICK_CHECKS: dict[str, Check] = {"encode_ordinary": encode_ordinary}
LONG_CHECKS: dict[str, Check] = {"encode_to_numpy": encode_to_numpy, "long_special": long_special}
SLOW_CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        *(sinks, special_tokens, batches, thread_cuts, decoding, growing_ids),
        *(bytes_of_text, again, naive, windows, streams, limits, pool_messages),
        *(arrays, chunks, known_ids, offsets),
    )
}
RARE_CHECKS: dict[str, Check] = {"unstable": unstable}
"""Checks that can take a tenth of a second, in which tiktoken searches the whole vocabulary."""

CHECKS: dict[str, Check] = {**QUICK_CHECKS, **LONG_CHECKS, **SLOW_CHECKS, **RARE_CHECKS}
"""All checks by name."""
