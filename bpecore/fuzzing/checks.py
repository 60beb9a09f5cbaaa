"""Checks of the entry points: each compares some of them with tiktoken's on one text.

A check returns None or a difference. Texts are strings; for an entry point that takes bytes, lone
surrogates U+DC80 to U+DCFF stand for bytes that are not UTF-8 (Python's `surrogateescape`).
"""

from __future__ import annotations

import functools
import random
import re
from typing import Any, Callable

from bpecore._core import StreamDecoder, StreamEncoder, TokenCounter
from bpecore.fuzzing.outcomes import (
    Difference,
    Raised,
    compare,
    excerpt,
    first_difference,
    is_lost,
    outcome,
)
from bpecore.fuzzing.subject import Subject

Check = Callable[[Subject, str], "Difference | None"]

SURROGATE = re.compile("[\ud800-\udfff]")

UNSTABLE_LIMIT = 24
"""Characters of the longest text whose completions are compared; there can be thousands."""

DECODING_METHODS = (
    *("decode", "decode_bytes", "decode_tokens_bytes", "decode_with_offsets"),
    *("decode_batch", "decode_bytes_batch"),
)

REFERENCE_LIMIT = 300
"""Characters of the longest text for the naive reference, whose merge is quadratic."""

LIMITED_LIMIT = 1_000
"""Characters of the longest text that is cut to a limit, which is quadratic for some patterns."""

MOST_TOKENS_PER_CHARACTER = 4
"""The bytes of a character in UTF-8."""

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
    expected = outcome(lambda: subject.theirs.encode_to_numpy(text, disallowed_special=()))
    found = outcome(lambda: subject.ours.encode_to_numpy(text, disallowed_special=()))
    if isinstance(expected, Raised) or isinstance(found, Raised):
        same = is_lost(expected) or (isinstance(found, Raised) and found == expected)
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
    """`encode`, `count` and `encode_to_numpy` with special tokens allowed, or some, or refused."""
    some = set(sorted(subject.theirs.special_tokens_set)[::2])
    arguments: list[dict[str, Any]] = [
        {"allowed_special": "all"},
        {"allowed_special": some, "disallowed_special": ()},
        {"allowed_special": some},
        {},
    ]
    for chosen in arguments:
        difference = with_arguments(subject, text, chosen)
        if difference is not None:
            return difference._replace(call=f"{difference.call}, {shown(chosen)}")
    return None


def with_arguments(subject: Subject, text: str, chosen: dict[str, Any]) -> Difference | None:
    """`encode`, `count` and `encode_to_numpy` with some arguments about special tokens."""
    ours, theirs = subject.ours, subject.theirs
    expected = outcome(lambda: theirs.encode(text, **chosen))
    number = expected if isinstance(expected, Raised) else len(expected)  # type: ignore[arg-type]
    return first_difference(
        lambda: compare("encode", lambda: ours.encode(text, **chosen), lambda: expected),
        lambda: compare("count", lambda: ours.count(text, **chosen), lambda: number),
        lambda: compare(
            "encode_to_numpy",
            lambda: ours.encode_to_numpy(text, **chosen).tolist(),
            lambda: theirs.encode_to_numpy(text, **chosen).tolist(),
        ),
    )


def shown(arguments: dict[str, Any]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items()) or "by default"
    return text if len(text) < 200 else text[:200] + "…"


def given(value: object) -> object:
    """Returns an outcome that is already known."""
    return value


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
    ]
    names = ("encode_ordinary_batch", "encode_batch", "count_batch", "encode_batch_to_numpy")
    if not SURROGATE.search(text):
        calls.append((in_one_array, expected))
    return first_difference(
        *(
            functools.partial(compare, name, call, functools.partial(given, wanted))
            for name, (call, wanted) in zip(names, calls)
        )
    )


def in_both(subject: Subject, method: str, argument: object) -> Difference | None:
    """Compares a method called with one argument."""
    ours, theirs = (getattr(engine, method) for engine in (subject.ours, subject.theirs))
    return compare(method, lambda: ours(argument), lambda: theirs(argument))


def decoding(subject: Subject, text: str) -> Difference | None:
    """The methods that take ids, with a text's ids and with parts that can cut characters."""
    ids = outcome(lambda: subject.theirs.encode(text, allowed_special="all"))
    if isinstance(ids, Raised):
        return None
    assert isinstance(ids, list)
    for part in (ids, ids[1:], ids[: len(ids) // 2]):
        for method in DECODING_METHODS:
            argument = [part, ids] if method.endswith("batch") else part
            difference = in_both(subject, method, argument)
            if difference is not None:
                return difference._replace(call=f"{method}({excerpt(argument, 0)})")
    return None


def unstable(subject: Subject, text: str) -> Difference | None:
    """`encode_with_unstable` on the beginning of the text."""
    text = text[:UNSTABLE_LIMIT]

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
        *(functools.partial(in_both, subject, method, content) for method in methods)
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


def streams(subject: Subject, text: str) -> Difference | None:
    """The text in chunks, counted after each and encoded, and its ids decoded one by one."""
    source = random.Random(text.encode("utf-8", "surrogatepass"))
    arguments: dict[str, Any] = {"allowed_special": "all"}
    if source.random() < 0.5:
        arguments = {"disallowed_special": ()}
    ours = subject.ours
    expected: Any = outcome(lambda: subject.theirs.encode(text, **arguments))
    try:
        counter, encoder = TokenCounter(ours, **arguments), StreamEncoder(ours, **arguments)
        ours.count(text, **arguments)
    except (TypeError, ValueError):
        return None  # not our encoding, a pattern with no automaton, or a byte is not a token
    if isinstance(expected, Raised):
        return None
    ids: list[int] = []
    place = 0
    while place < len(text):
        chunk = text[place : place + source.choice((1, 1, 2, 4, 9, 70, 1000))]
        place += len(chunk)
        ids += encoder.feed(chunk)
        total = counter.feed(chunk)
        waits = "\ud800" <= text[place - 1] <= "\udbff"
        count = ours.count(text[: place - 1 if waits else place], **arguments)
        if total != count:
            return Difference(
                f"TokenCounter of {place} characters, {shown(arguments)}", total, count
            )
    ids += encoder.flush()
    if ids != expected:
        return Difference(f"StreamEncoder, {shown(arguments)}", ids, expected)
    for errors in ("replace", "surrogateescape"):
        decoder = StreamDecoder(ours, errors)
        broken = expected[1:] if source.random() < 0.5 else expected[::-1]
        decoded = "".join([decoder.feed(number) for number in broken]) + decoder.flush()
        if decoded != ours.decode(broken, errors):
            return Difference(f"StreamDecoder, {errors}", decoded, ours.decode(broken, errors))
    return None


def limits(subject: Subject, text: str) -> Difference | None:
    """`count_up_to`, `truncate`, `split`: results are within a limit by tiktoken's count."""
    text = text[:LIMITED_LIMIT]
    source = random.Random(text.encode("utf-8", "surrogatepass"))
    ours = subject.ours

    def count(part: str) -> int:
        return len(subject.theirs.encode(part, disallowed_special=()))

    whole = outcome(lambda: count(text))
    if not isinstance(whole, int):
        return None
    limit = source.randint(0, whole + 1)
    found: Any = outcome(lambda: ours.count_up_to(text, limit, disallowed_special=()))
    expected = whole if whole <= limit else None
    if found != expected:
        return Difference(f"count_up_to {limit}", found, expected)
    for side in ("end", "start", "middle"):
        found = outcome(
            functools.partial(ours.truncate, text, limit, side=side, disallowed_special=())
        )
        if isinstance(found, Raised) or count(found) > limit or (whole <= limit and found != text):
            return Difference(f"truncate to {limit} tokens, side={side!r}", found, text)
    chunk = max(limit, MOST_TOKENS_PER_CHARACTER)
    found = outcome(lambda: ours.split(text, chunk, disallowed_special=()))
    if isinstance(found, Raised) or "".join(found) != text or any(count(x) > chunk for x in found):
        return Difference(f"split into {chunk} tokens each", found, text)
    return None


def naive(subject: Subject, text: str) -> Difference | None:
    """The naive reference against both engines."""
    text = re.sub("[\ud800-\udfff]", "", text[:REFERENCE_LIMIT])
    return compare(
        "encode_ordinary (expected: the naive reference)",
        lambda: subject.ours.encode_ordinary(text),
        lambda: subject.reference.encode_ordinary(text),
    )


QUICK_CHECKS: dict[str, Check] = {"encode_ordinary": encode_ordinary}
LONG_CHECKS: dict[str, Check] = {"encode_to_numpy": encode_to_numpy}
SLOW_CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        *(sinks, special_tokens, batches, decoding),
        *(bytes_of_text, again, naive, streams, limits),
    )
}
RARE_CHECKS: dict[str, Check] = {"unstable": unstable}
"""Checks that can take a tenth of a second, in which tiktoken searches the whole vocabulary."""

CHECKS: dict[str, Check] = {**QUICK_CHECKS, **LONG_CHECKS, **SLOW_CHECKS, **RARE_CHECKS}
"""All checks by name."""
