"""What `fuzz.coverage_guided` runs: bytes become an encoding, a text and one of the entry points.

The fuzzer mutates bytes and keeps those that reach new code of the extension. The first bytes
choose the call, the rest is the text. The ids are compared with those of tiktoken or of the naive
reference, so a wrong id ends the run as a crash does.
"""

from __future__ import annotations

import contextlib
import functools
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import atheris

from bpecore import _core
from bpecore._pattern import Automaton, compile_pattern
from bpecore._pattern.families import CL100K_PATTERN
from bpecore.fuzzing.checks import CHECKS
from bpecore.fuzzing.outcomes import Difference, compare
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject
from bpecore.fuzzing.texts import SHORT_GENERATORS, Material, real_texts
from bpecore.fuzzing.vocabularies import random_definition, random_pattern, with_special_tokens

ENCODINGS = ("r50k_base", "cl100k_base", "o200k_harmony")
"""One encoding for each pattern; the last has the most special tokens."""

HEADER = 5
"""Bytes in front of the text: subject, instruction set, call, form of the text, repetitions."""

DEFINITION = 48
"""Bytes after the header from which a vocabulary and a pattern are generated."""

PATTERNS = 24
"""The number of generated patterns: compiling is slow, and these stay compiled."""

REPETITIONS = (1, 1, 1, 1, 2, 5, 17, 64, 300)
LONGEST = 20_000
"""The most characters of a repeated text."""


class ByteSource(random.Random):
    """A source of randomness that reads given bytes first, so that mutations steer generators.

    After them it continues as a seeded source: with endless zeros `sample` would never end.
    """

    def __init__(self, content: bytes) -> None:
        self.bits, self.left = int.from_bytes(content, "little"), 8 * len(content)
        super().__init__(len(content))

    def getrandbits(self, count: int) -> int:
        if self.left < count:
            return super().getrandbits(count)
        taken = self.bits & ((1 << count) - 1)
        self.bits >>= count
        self.left -= count
        return taken

    def random(self) -> float:
        return self.getrandbits(16) / 65_536


@functools.lru_cache(maxsize=200)
def generated_subject(content: bytes) -> Subject:
    """Returns a subject with a vocabulary made of these bytes and one of the patterns."""
    source = ByteSource(content[1:])
    definition = random_definition(source)
    definition["pat_str"] = random_pattern(random.Random(content[0] % PATTERNS if content else 0))
    if source.random() < 0.5:
        definition = with_special_tokens(source, definition)
    return Subject(definition)


TEXT_FORMS: tuple[Callable[[bytes], str], ...] = (
    lambda content: content.decode("utf-8", "replace"),
    lambda content: content.decode("utf-8", "surrogateescape"),
    lambda content: content.decode("latin-1"),
    lambda content: content.decode("ascii", "ignore"),
    lambda content: content.decode("utf-16-le", "replace"),
    lambda content: "".join(chr(0x10000 + (byte << 8 | byte)) for byte in content),
)
"""How bytes become a text: strings of 1, 2 and 4 bytes per character, some with surrogates."""


def decoding_of_bytes(subject: Subject, text: str) -> Difference | None:
    """Decodes ids that nobody encoded, known or not: three bytes of the text per id."""
    content = text.encode("utf-8", "surrogatepass")
    ids = [int.from_bytes(content[i : i + 3], "little") for i in range(0, len(content), 3)]
    few = [number % (subject.theirs.max_token_value + 2) for number in ids]
    calls: list[tuple[str, list[int]]] = [
        (name, part)
        for name in ("decode_bytes", "decode", "decode_tokens_bytes", "decode_with_offsets")
        for part in (ids, few)
    ]
    for name, part in calls:
        difference = compare(
            f"{name}({part})",
            functools.partial(getattr(subject.ours, name), part),
            functools.partial(getattr(subject.theirs, name), part),
        )
        if difference is not None:
            return difference
    for token in few[:4]:
        difference = compare(
            f"decode_single_token_bytes({token})",
            functools.partial(subject.ours.decode_single_token_bytes, token),
            functools.partial(subject.theirs.decode_single_token_bytes, token),
        )
        if difference is not None:
            return difference
    return None


def chosen_special_tokens(subject: Subject, text: str) -> Difference | None:
    """Calls `encode` with sets of special tokens and other strings chosen by the text's end."""
    source = ByteSource(text[-8:].encode("utf-8", "surrogatepass"))
    names = sorted(subject.theirs.special_tokens_set)
    others = [text[:1], text[1:3], "a", "\n"]
    allowed = {name for name in names[:40] if source.random() < 0.3}
    refused = {name for name in [*names[:40], *filter(None, others)] if source.random() < 0.1}

    def call(encoding: Any) -> Callable[[], object]:
        return lambda: encoding.encode(text, allowed_special=allowed, disallowed_special=refused)

    return compare(
        f"encode, allowed {allowed}, refused {refused}", call(subject.ours), call(subject.theirs)
    )


def automaton_tables(subject: Subject, text: str) -> Difference | None:
    """Builds a split pattern from damaged tables, which may be refused, and matches nothing."""
    content = text.encode("utf-8", "surrogatepass")
    automaton = compile_pattern(CL100K_PATTERN)
    source = ByteSource(content[:32])
    fields = automaton._asdict()
    name = source.choice(sorted(fields))
    if isinstance(fields[name], int):
        fields[name] = source.getrandbits(source.choice((4, 8, 16, 32)))
    else:
        place = source.randrange(len(fields[name]))
        damaged = fields[name][:place] + content[-4:] + fields[name][place + len(content[-4:]) :]
        fields[name] = damaged[: source.choice((len(damaged), place))]
    with contextlib.suppress(ValueError, OverflowError):
        _core.SplitPattern(Automaton(**fields))
    return None


CALLS: tuple[Callable[[Subject, str], Difference | None], ...] = (
    *(CHECKS["encode_ordinary"] for _ in range(4)),
    *CHECKS.values(),
    *(decoding_of_bytes, chosen_special_tokens, automaton_tables),
)


def run_one(content: bytes) -> None:
    """Makes the call that the bytes describe.

    Raises:
        AssertionError: its result differs from tiktoken's, or the naive reference's.
    """
    if len(content) < HEADER:
        return
    kind, instructions, call, form, repetitions = content[:HEADER]
    rest = content[HEADER:]
    if kind < 128:
        subject = openai_subject(ENCODINGS[kind % len(ENCODINGS)])
    else:
        subject = generated_subject(rest[:DEFINITION])
        rest = rest[DEFINITION:]
    available = available_instructions()
    subject.use(available[instructions % len(available)])
    text = TEXT_FORMS[form % len(TEXT_FORMS)](rest)
    text = (text * REPETITIONS[repetitions % len(REPETITIONS)])[:LONGEST]
    check = CALLS[call % len(CALLS)]
    if check is CHECKS["unstable"] and kind < 128:
        return  # tiktoken would search a hundred thousand tokens
    difference = check(subject, text)
    if difference is not None:
        raise AssertionError(
            f"{subject.name}, {subject.instructions}, {text!a}\n{subject.definition['pat_str']}\n"
            f"{difference}"
        )


def seeds() -> Iterator[bytes]:
    """Yields the first inputs: each call on short texts of each generator."""
    source = random.Random(0)
    material = Material(real_texts(), ["<|endoftext|>"])
    for call in range(len(CALLS)):
        for make in SHORT_GENERATORS.values():
            for kind in (source.randrange(3), 128):
                header = bytes((kind, source.randrange(4), call, source.randrange(3), 0))
                definition = source.randbytes(DEFINITION) if kind == 128 else b""
                text = make(source, material).encode("utf-8", "replace")
                yield header + definition + text[:300]


def main() -> None:
    """`fuzz.coverage_target seeds FOLDER` writes inputs; other arguments go to libFuzzer."""
    if sys.argv[1:2] == ["seeds"]:
        for number, content in enumerate(seeds()):
            (Path(sys.argv[2]) / f"seed-{number}").write_bytes(content)
        return
    for name in ENCODINGS:
        openai_subject(name)
    atheris.Setup(sys.argv, run_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
