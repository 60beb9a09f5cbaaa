"""A mismatch, made small: the string that matters, and the plain text that it must stand in.

Some faults show only in long texts: splitting by blocks needs 48 characters, the heap 129 bytes. So
a string is looked for that fails within a frame, which is nothing but a repeated plain string on
either side; the string is what a reader has to understand.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NamedTuple

from bpecore.fuzzing.checks import CHECKS, Difference
from bpecore.fuzzing.shrink import shrink, simplify
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject

SMALL = 10
"""Characters of a string that needs no further shrinking."""

SECONDS = 25.0
"""How long a mismatch may be shrunk."""

OFFSETS = range(40, 72)
"""Numbers of plain characters that put a string at and around the border of a block."""


class Framed(NamedTuple):
    """A text that is a string, repeated, within repetitions of plain strings."""

    string: str
    before: tuple[str, int] = ("", 0)
    after: tuple[str, int] = ("", 0)
    times: int = 1

    @property
    def text(self) -> str:
        """The whole text."""
        return (
            self.before[0] * self.before[1]
            + self.string * self.times
            + self.after[0] * self.after[1]
        )

    @property
    def weight(self) -> int:
        """How much there is to understand: characters of the string, and of a frame not plain."""
        return len(self.string) + sum(
            len(part) * count for part, count in (self.before, self.after) if part.strip("a ")
        )

    def __str__(self) -> str:
        middle = ascii(self.string) + (f" * {self.times}" if self.times > 1 else "")
        parts = [f"{part!a} * {count}" for part, count in (self.before,) if count]
        parts.append(middle)
        parts += [f"{part!a} * {count}" for part, count in (self.after,) if count]
        return " + ".join(parts)


class Finding(NamedTuple):
    """A mismatch.

    Attributes:
        definition: arguments of `Encoding`, or the name of one of OpenAI's.
        instructions: the instruction set that bpecore used.
        check: the name of the check.
        framed: the text.
        difference: what the engines gave, as text.
        origin: how to run the whole round in which it was found.
        alone: whether it fails in a new encoding, without what came before.
    """

    definition: dict[str, Any] | str
    instructions: str
    check: str
    framed: Framed
    difference: str
    origin: str
    alone: bool

    def describe(self, path: Path | None) -> str:
        """Returns what a reader is told."""
        name = self.definition if isinstance(self.definition, str) else self.definition["name"]
        lines = [
            f"Mismatch: {name}, check {self.check}, instructions {self.instructions}",
            f"  string    {self.framed.string!a}, {len(self.framed.string)} characters",
        ]
        if self.framed.text != self.framed.string:
            lines.append(f"  within    {self.framed}")
        lines.append(self.difference)
        if not isinstance(self.definition, str):
            lines.append(f"  pattern   {self.definition['pat_str']}")
            ranks = [
                item for item in self.definition["mergeable_ranks"].items() if len(item[0]) != 1
            ]
            lines.append(f"  tokens    the single bytes and {ranks[:8]}{'…' * (len(ranks) > 8)}")
        if not self.alone:
            lines.append("  It fails only after other texts: the whole round shows it.")
        if path is not None and self.alone:
            lines.append(f"  replay    python -m fuzz --replay {path}")
        lines.append(f"  round     {self.origin}")
        return "\n".join(lines)

    def save(self, folder: Path) -> Path:
        """Writes a file that `replay` reads; its name depends on nothing but its content."""
        definition = self.definition
        record: dict[str, Any] = {
            "check": self.check,
            "instructions": self.instructions,
            "text": self.framed.text,
            "string": self.framed.string,
            "origin": self.origin,
        }
        if isinstance(definition, str):
            record["encoding"] = name = definition
        else:
            ranks = [[token.hex(), rank] for token, rank in definition["mergeable_ranks"].items()]
            record["definition"] = {**definition, "mergeable_ranks": ranks}
            name = "generated"
        content = json.dumps(record, indent=1, ensure_ascii=True) + "\n"
        digest = hashlib.sha256(content.encode()).hexdigest()[:10]
        path = folder / f"{name}-{self.check}-{digest}.json"
        path.write_text(content, encoding="ascii")
        return path


def read_case(path: Path) -> tuple[Subject, str, str]:
    """Returns the encoding, the check's name and the text that `save` wrote."""
    record = json.loads(path.read_text(encoding="ascii"))
    if "encoding" in record:
        return openai_subject(record["encoding"]), record["check"], record["text"]
    definition = record["definition"]
    definition["mergeable_ranks"] = {
        bytes.fromhex(token): rank for token, rank in definition["mergeable_ranks"]
    }
    return Subject(definition), record["check"], record["text"]


def replay(path: Path) -> Difference | None:
    """Runs a stored case with every instruction set of this machine.

    Args:
        path: a file that `Finding.save` wrote.

    Returns:
        The first difference, or None.
    """
    subject, check, text = read_case(path)
    for instructions in available_instructions():
        subject.use(instructions)
        subject.forget()
        for _ in range(2):
            difference = CHECKS[check](subject, text)
            if difference is not None:
                return difference
    return None


# ---- making it small ------------------------------------------------------------------------


def minimise(subject: Subject, check: str, text: str, origin: str) -> Finding:
    """Returns the smallest finding that a bounded search comes upon.

    Args:
        subject: the encoding, with the instruction set that failed.
        check: the check that failed.
        text: the text that failed.
        origin: how to run the round again.
    """
    deadline = time.monotonic() + SECONDS

    def fails(part: str) -> bool:
        return time.monotonic() < deadline and CHECKS[check](subject, part) is not None

    is_openai = not subject.name.startswith("generated")
    alone = fails_alone(subject, check, text)
    framed = smallest_frame(shrink_text(text, fails), fails)
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
        str(difference) if difference else "  It fails now and then.",
        origin,
        alone,
    )


def fails_alone(subject: Subject, check: str, text: str) -> bool:
    """Whether the check fails in an encoding whose caches are new."""
    new = Subject.__new__(Subject)
    new.__dict__.update(subject.__dict__)
    new.forget()
    return CHECKS[check](new, text) is not None


def shrink_text(text: str, fails: Callable[[str], bool]) -> str:
    """Returns a part of the text, with plain characters where they will do."""
    for length in (100, 400, 2_000, 9_000):
        starts = range(0, max(1, len(text) - length // 2), max(1, length // 2))
        for start in starts if len(text) > 2 * length else ():
            if fails(text[start : start + length]):
                text = text[start : start + length]
                break
    text = shrink(text, fails)
    return shrink(simplify(text, fails), fails)


def smallest_frame(text: str, fails: Callable[[str], bool]) -> Framed:
    """Returns the text as a string within a frame, the string as short as can be."""
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
    """Yields the ways to see runs at a text's ends, or repetitions, as its frame."""
    for period in range(1, SMALL + 1):
        times = len(text) // period
        if times > 1:
            yield Framed(text[:period], times=times)
            rest = text[period * times :]
            yield Framed(text[:period], after=(rest, 1), times=times)
            yield Framed(text[period:][:period], before=(text[:period], 1), times=times - 1)
    for left, right in itertools.product((1, 2, 3), repeat=2):
        before = repetitions(text, left)
        behind = text[before * left :]
        after = repetitions(behind[::-1], right)
        middle = behind[: len(behind) - after * right]
        if middle:
            yield Framed(middle, (text[:left], before), (behind[-right:], after))


def repetitions(text: str, period: int) -> int:
    """Returns how many times a text's first characters stand at its beginning; 0 if only once."""
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
        # In the order of before: the dict's order is part of the case.
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
