"""`python -m fuzz.exhaustive`: every string of a length, split by bpecore and by tiktoken.

A string has one character of each class of the split pattern at each place. tiktoken does not show
pieces, so two vocabularies reveal them. The first holds every string of up to four characters,
shorter ones with lower ranks: a piece of up to four is one token, and merging a longer one leaves
parts of which any two neighbours have more than four characters together. The second holds the
strings of one, three and four characters, which no merge reaches without pairs: a piece of three or
four is one token, and any other falls into its characters. So the ids of the two tell all ways to
split a string of up to six characters apart: where the first shows parts of a piece of five or six,
one of them has three characters or more, and would be a token of the second if it were a piece.

Many strings go through one call, with a special token after each, so each is a text of its own,
its end included.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
import tiktoken

from bpecore import Encoding, _core
from bpecore._pattern import Automaton, compile_pattern
from bpecore._pattern.equivalence import DEAD, START, Tables
from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN
from bpecore._pattern.partition import BLOCK_LENGTH
from bpecore.fuzzing.split_family import MEMBERS
from bpecore.fuzzing.subject import available_instructions
from fuzz.engine_constants import constant

PATTERNS = {"r50k": R50K_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}
"""The three split patterns of OpenAI's seven encodings."""

ALL_PATTERNS = {**PATTERNS, **MEMBERS}
"""These and the patterns of other models that are split by blocks."""
# Its pieces are R50K_PATTERN's; it tells s from other letters, so a frame would end in a string.
del ALL_PATTERNS["whisper"]

LONGEST = 6
"""Characters of the longest strings whose pieces the vocabularies show."""

LONGEST_TOKEN = 4
SEPARATOR = "\x01"
"""The special token after each string."""

BATCH = 20_000
"""Strings per call."""

BLOCK = 64
LEAST_BEFORE = constant("BLOCK_MINIMUM")
"""The fewest characters in front of a string that let its text be split by blocks."""

FRAME_PIECE = 15
"""Characters of the longest piece of a frame; all of them are tokens."""

FRAME_ENDS = (" x's", " x1", " x111")
"""Last pieces of frames; after one of them, a piece always begins."""

FRAME_STARTS = (" xx", " é", " ж", " 😀")
"""First pieces of frames: the text is ASCII, or takes 1, 2 or 4 bytes per character in memory."""

AFTER = " x" + 5 * (" " + "x" * (FRAME_PIECE - 1))
"""What follows a string inside a text: a piece begins here, whatever the string is."""

Ids = npt.NDArray[np.uint32]
CodePoints = npt.NDArray[np.uint32]


class Mismatch(NamedTuple):
    """A string that is split differently.

    Attributes:
        pattern: name of the split pattern.
        string: the string, without its frame.
        instructions: the instruction set.
        text: the string within its frame.
        found: the string's tokens.
        expected: what they should be.
    """

    pattern: str
    string: str
    instructions: str
    text: str
    found: list[str]
    expected: list[str]

    def __str__(self) -> str:
        return (
            f"{self.pattern}, {self.instructions}: {self.string!a} in the text {self.text!a}\n"
            f"  found     {self.found!a}\n"
            f"  expected  {self.expected!a}"
        )


class Revealing(NamedTuple):
    """A vocabulary that reveals pieces, in all engines.

    Attributes:
        ours: by instruction set of the machine; "automaton" splits by the automaton alone.
        theirs: tiktoken's.
        tokens: its tokens by id; the next id is the separator's.
        first_of_frames: the first id of the pieces of frames, which no string contains.
    """

    ours: dict[str, Encoding]
    theirs: tiktoken.Encoding
    tokens: list[str]
    first_of_frames: int


def class_representatives(automaton: Automaton) -> list[str]:
    """Returns the first character of each class of an automaton, except surrogates.

    Args:
        automaton: a compiled split pattern.

    Example:
        >>> class_representatives(compile_pattern(r"[a-y]+|[A-Z]+|[^a-yA-Z]"))
        ['\\x00', 'A', 'a']
    """
    index = memoryview(automaton.block_index).cast("H")
    first_of_class: dict[int, str] = {}
    for block, stored in enumerate(index):
        classes = automaton.block_classes[stored * BLOCK_LENGTH : (stored + 1) * BLOCK_LENGTH]
        for offset, number in enumerate(classes):
            code_point = block * BLOCK_LENGTH + offset
            if not 0xD800 <= code_point <= 0xDFFF:
                first_of_class.setdefault(number, chr(code_point))
    return list(first_of_class.values())


def frame_end(automaton: Automaton) -> str:
    """Returns the end of frames for a pattern, after which a new piece always begins."""
    tables = Tables.of(automaton)
    for end in FRAME_ENDS:
        rest, state = end, START
        while rest:
            state, rest = _after_piece(tables, rest)
        # Whatever follows, the last piece ends and nothing that follows is read.
        if all(entry == 1 for entry in tables.rows[state]):
            return end
    raise ValueError("no end of a frame is known for this pattern")


def _after_piece(tables: Tables, text: str) -> tuple[int, str]:
    """Returns the state after the first piece, and the text after it."""
    state, end = START, 0
    for place, character in enumerate(text):
        entry = tables.rows[state][tables.class_of(ord(character))]
        end = place if entry & 1 else end
        if entry >> 1 == DEAD:
            return state, text[end:]
        state = entry >> 1
    return state, ""


def frame_before(length: int, start: str, end: str = FRAME_ENDS[0]) -> str:
    """Returns text after which a new piece always begins.

    Args:
        length: in characters, at least 11.
        start: the first piece.
        end: one of `FRAME_ENDS`.
    """
    pieces = [start]
    left = length - len(start) - len(end)
    while left:
        # A piece has at least two characters.
        size = left if left <= FRAME_PIECE else min(FRAME_PIECE, left - 2)
        pieces.append(" " + "x" * (size - 1))
        left -= size
    return "".join([*pieces, end])


def words(alphabet: Sequence[str], length: int) -> list[str]:
    """Returns every string of a length over an alphabet."""
    return ["".join(letters) for letters in itertools.product(alphabet, repeat=length)]


def revealing_tokens(alphabet: Sequence[str]) -> list[list[str]]:
    """Returns the tokens of the two vocabularies in rank order, without single bytes."""
    wide = [character for character in alphabet if ord(character) >= 0x80]
    pairs, threes, fours = (words(alphabet, length) for length in (2, 3, LONGEST_TOKEN))
    return [[*wide, *pairs, *threes, *fours], [*wide, *threes, *fours]]


class Exhaustive:
    """The comparison for one split pattern.

    Args:
        name: one of `ALL_PATTERNS`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        automaton = compile_pattern(ALL_PATTERNS[name])
        self.alphabet = class_representatives(automaton)
        self._frame_end = frame_end(automaton)
        self._code_points = code_points("".join(self.alphabet))
        self._instructions = [name for name in available_instructions() if name != "automaton"]
        self._vocabularies = [self._build(tokens) for tokens in revealing_tokens(self.alphabet)]

    def _build(self, revealing: list[str]) -> Revealing:
        frames = {" " + "x" * length for length in range(1, FRAME_PIECE)}
        frames.update([*FRAME_STARTS, " x's", "'s", "1", "111"])
        # o200k tells s from other letters, so "'s" is a string there. It is not a piece of a frame.
        frames -= {*words(self.alphabet, 2)}
        tokens = [bytes([value]) for value in range(256)]
        tokens += [token.encode() for token in [*revealing, *sorted(frames)]]
        arguments: dict[str, Any] = {
            "pat_str": ALL_PATTERNS[self.name],
            "mergeable_ranks": {token: rank for rank, token in enumerate(tokens)},
            "special_tokens": {SEPARATOR: len(tokens)},
        }
        before = _core.simd
        ours = {}
        for instructions in ("automaton", *self._instructions):
            _core.choose_simd(instructions)
            ours[instructions] = Encoding("revealing", **arguments)
        _core.choose_simd(before)
        return Revealing(
            ours,
            tiktoken.Encoding("revealing", **arguments),
            [token.decode("utf-8", "replace") for token in tokens],
            len(tokens) - len(frames),
        )

    def count(self, length: int) -> int:
        """Returns how many strings of a length there are."""
        return int(len(self.alphabet) ** length)

    def strings(self, length: int, first: int, last: int) -> CodePoints:
        """Returns the strings from number `first` to before `last`, each a row."""
        numbers = np.arange(first, last, dtype=np.int64)
        rows = np.empty((len(numbers), length), np.uint32)
        for place in reversed(range(length)):
            numbers, digits = np.divmod(numbers, len(self.alphabet))
            rows[:, place] = self._code_points[digits]
        return rows

    def compare(
        self,
        length: int,
        first: int = 0,
        last: int | None = None,
        batch: int = BATCH,
        framed_batches: int = 1,
    ) -> Iterator[int | Mismatch]:
        """Compares strings of a length, a batch at a time.

        Each is split as a text of its own by the automaton and by tiktoken. At the end and in the
        middle of a long text, which one of the machine's instruction sets splits by blocks, it must
        have the pieces that the automaton finds. Instruction set, frame and place in the block of
        64 characters change from batch to batch.

        Args:
            length: of the strings, in characters, up to `LONGEST`.
            first: number of the first string.
            last: one more than the number of the last; None for all.
            batch: strings per call.
            framed_batches: 1 to put all strings in long texts, 2 those of every second batch, …

        Yields:
            How many strings have been compared since the last item; a mismatch ends it.
        """
        last = self.count(length) if last is None else last
        for start in range(first, last, batch):
            rows = self.strings(length, start, min(start + batch, last))
            for vocabulary in self._vocabularies:
                mismatch = self._compare_alone(vocabulary, rows)
                if mismatch is None and start // batch % framed_batches == 0:
                    mismatch = self._compare_framed(vocabulary, rows, start // batch)
                if mismatch is not None:
                    yield mismatch
                    return
            yield len(rows)

    def _compare_alone(self, vocabulary: Revealing, rows: CodePoints) -> Mismatch | None:
        """Compares the automaton with tiktoken."""
        text = joined("", rows, "")
        found = encoded(vocabulary.ours["automaton"], text)
        expected = encoded(vocabulary.theirs, text)
        if np.array_equal(found, expected):
            return None
        return self._mismatch(vocabulary, rows, "automaton", ("", ""), found, expected)

    def _compare_framed(
        self, vocabulary: Revealing, rows: CodePoints, number: int
    ) -> Mismatch | None:
        """Compares splitting by blocks in long texts with the automaton in short ones."""
        if not self._instructions:
            return None
        instructions = self._instructions[number % len(self._instructions)]
        start = FRAME_STARTS[number // len(self._instructions) % len(FRAME_STARTS)]
        before = frame_before(LEAST_BEFORE + 7 * number % BLOCK, start, self._frame_end)
        for after in ("", AFTER):
            short = joined("", rows, after[:2])
            expected = self._without_frames(vocabulary, "automaton", short)
            found = self._without_frames(vocabulary, instructions, joined(before, rows, after))
            if not np.array_equal(found, expected):
                frame = (before, after)
                return self._mismatch(vocabulary, rows, instructions, frame, found, expected)
        return None

    def _without_frames(self, vocabulary: Revealing, instructions: str, text: str) -> Ids:
        """Returns the ids of a text without those of its frames' pieces."""
        ids = encoded(vocabulary.ours[instructions], text)
        kept: Ids = ids[(ids < vocabulary.first_of_frames) | (ids == len(vocabulary.tokens))]
        return kept

    def _mismatch(
        self,
        vocabulary: Revealing,
        rows: CodePoints,
        instructions: str,
        frame: tuple[str, str],
        found: Ids,
        expected: Ids,
    ) -> Mismatch:
        separator = len(vocabulary.tokens)
        shortest = min(len(found), len(expected))
        differing = found[:shortest] != expected[:shortest]
        place = int(differing.argmax()) if differing.any() else shortest
        row = int(np.count_nonzero(expected[:place] == separator))
        string = "".join(map(chr, rows[row].tolist()))

        def tokens(ids: Ids) -> list[str]:
            ends = np.flatnonzero(ids == separator)
            first = int(ends[row - 1]) + 1 if row else 0
            return [vocabulary.tokens[id] for id in ids[first : int(ends[row])].tolist()]

        return Mismatch(
            self.name, string, instructions, string.join(frame), tokens(found), tokens(expected)
        )


def code_points(text: str) -> CodePoints:
    """Returns the code points of a text without surrogates."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def joined(before: str, rows: CodePoints, after: str) -> str:
    """Returns one text of many strings, each in its frame and followed by `SEPARATOR`."""
    first, last = code_points(before), code_points(after + SEPARATOR)
    count, length = rows.shape
    table = np.empty((count, len(first) + length + len(last)), np.uint32)
    table[:, : len(first)] = first
    table[:, len(first) : len(first) + length] = rows
    table[:, len(first) + length :] = last
    return table.tobytes().decode("utf-32-le")


def encoded(encoding: Encoding | tiktoken.Encoding, text: str) -> Ids:
    """Returns the ids of a text of strings and separators."""
    ids: Ids = encoding.encode_to_numpy(text, allowed_special={SEPARATOR}, disallowed_special=())
    return ids


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--pattern",
    "patterns",
    multiple=True,
    type=click.Choice(list(ALL_PATTERNS)),
    help="May be given several times; OpenAI's three otherwise.",
)
@click.option(
    "--length",
    "lengths",
    multiple=True,
    type=click.IntRange(1, LONGEST),
    help=f"Characters; may be given several times. 1 to {LONGEST} otherwise: some hours.",
)
@click.option("--part", default="1/1", show_default=True, help="3/20: the third of 20 equal parts.")
@click.option(
    "--framed-batches",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="16: put only every 16th batch of strings into long texts too.",
)
def main(
    patterns: tuple[str, ...], lengths: tuple[int, ...], part: str, framed_batches: int
) -> None:
    """Compare the pieces of all short strings; exit with 1 on a difference."""
    number, parts = part_of(part)
    for name in patterns or PATTERNS:
        exhaustive = Exhaustive(name)
        for length in lengths or range(1, LONGEST + 1):
            count = exhaustive.count(length)
            first, last = count * (number - 1) // parts, count * number // parts
            start = time.monotonic()
            compared = 0
            for result in exhaustive.compare(length, first, last, framed_batches=framed_batches):
                if isinstance(result, Mismatch):
                    click.echo(f"mismatch: {result}")
                    sys.exit(1)
                compared += result
            click.echo(
                f"{name}, {len(exhaustive.alphabet)} classes, length {length}, part {part}: "
                f"{compared:,} strings, {time.monotonic() - start:.0f} s; equal"
            )


def part_of(text: str) -> tuple[int, int]:
    """Returns the number of a part, counted from 1, and the number of parts."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise click.BadParameter(f"{text!r} is not as 3/20", param_hint="--part")
    return int(number), int(parts)


if __name__ == "__main__":
    main(prog_name="python -m fuzz.exhaustive")
