"""A mismatch: the string that matters, the frame that it needs, and how to store and replay it.

Some faults show only in long texts: splitting by blocks needs 48 characters, windows 129 bytes. So
the string can have a frame, a repeated plain string on either side; only the string has to be
understood.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bpecore._plural import counted
from bpecore.fuzzing.checks import CHECKS
from bpecore.fuzzing.outcomes import Difference
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject


def size_of(text: str, special_tokens: Iterable[str]) -> int:
    """Returns the characters of a text, with each special token as one."""
    for name in special_tokens:
        text = text.replace(name, "\0")
    return len(text)


class Framed(NamedTuple):
    """A text: a string, repeated, between repetitions of plain strings."""

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
        """Characters to understand: those of the string, and of parts of the frame not plain."""
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
        instructions: bpecore's instruction set.
        check: the name of the check.
        framed: the text.
        difference: the results of both engines, as text.
        origin: the command that runs the whole round again.
        alone: whether it fails in a new encoding, without the texts before it.
    """

    definition: dict[str, Any] | str
    instructions: str
    check: str
    framed: Framed
    difference: str
    origin: str
    alone: bool

    @property
    def special_tokens(self) -> Iterable[str]:
        """The names of the encoding's special tokens."""
        if isinstance(self.definition, str):
            return openai_subject(self.definition).theirs.special_tokens_set
        return self.definition["special_tokens"]  # type: ignore[no-any-return]

    def describe(self, path: Path | None) -> str:
        """Returns the report."""
        name = self.definition if isinstance(self.definition, str) else self.definition["name"]
        string = self.framed.string
        size = size_of(string, self.special_tokens)
        tokens = f", {size} with each special token as one" if size < len(string) else ""
        lines = [
            f"Mismatch: {name}, check {self.check}, instructions {self.instructions}",
            f"  string    {string!a}, {counted(len(string), 'character')}{tokens}",
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
            lines.append("  It fails only after other texts: run the whole round to see it.")
        if path is not None and self.alone:
            lines.append(f"  replay    python -m fuzz --replay {path}")
        lines.append(f"  round     {self.origin}")
        return "\n".join(lines)

    def save(self, folder: Path) -> Path:
        """Writes a file that `replay` reads, named after its content."""
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


class NoCaseError(Exception):
    """A file is not one that `Finding.save` wrote."""


def read_case(path: Path) -> tuple[Subject, str, str]:
    """Returns the encoding, the check's name and the text in a file that `save` wrote.

    Raises:
        NoCaseError: it is another file; the message names it.
    """
    try:
        record = json.loads(path.read_text(encoding="ascii"))
        check, text = record["check"], record["text"]
        if check not in CHECKS or not isinstance(text, str):
            raise ValueError(f"no text, or no check {check!r:.100}")
        if "encoding" in record:
            return openai_subject(record["encoding"]), check, text
        definition = record["definition"]
        ranks = {bytes.fromhex(token): rank for token, rank in definition["mergeable_ranks"]}
        return Subject({**definition, "mergeable_ranks": ranks}), check, text
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise NoCaseError(f"{path}: not a stored mismatch: {reason:.300}") from None


def replay(path: Path) -> Difference | None:
    """Runs a stored mismatch again, with every instruction set of this machine.

    Args:
        path: a file that `Finding.save` wrote.

    Returns:
        The first difference, or None.

    Raises:
        NoCaseError: it is another file.
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
