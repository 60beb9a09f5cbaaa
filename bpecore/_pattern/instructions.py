"""Converts a syntax tree to the instructions of a non-deterministic automaton."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, NamedTuple, Union

from bpecore._pattern.character_sets import CharacterSet
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.syntax import (
    Atomic,
    Characters,
    Choice,
    LookAround,
    Next,
    Node,
    Repeat,
    Sequence,
    is_delegated,
    is_regular,
    matches_nothing,
)

_INSTRUCTION_LIMIT = 4096
# Limits nodes too, because repetitions of nothing add no instruction.
_NODE_LIMIT = 16 * _INSTRUCTION_LIMIT


class Read(NamedTuple):
    """Reads one character of a set, then continues at `following`."""

    members: CharacterSet
    following: int


class Require(NamedTuple):
    """Continues at `following` if the next character is in a set, or the text ends and `at_end`."""

    members: CharacterSet
    at_end: bool
    following: int


class Goto(NamedTuple):
    """Continues at any of `targets`, the preferred one first."""

    targets: tuple[int, ...]


class Look(NamedTuple):
    """Continues at `following` if the body of a look-around matches here; if not, when `negated`.

    `body` is its index in `Program.bodies`.
    """

    body: int
    negated: bool
    following: int


class Match(NamedTuple):
    """The pattern, or the body of a look-around, has matched."""


Instruction = Union[Read, Require, Goto, Look, Match]


class Body(NamedTuple):
    """The instructions of a look-around: the position of the first, and whether it looks ahead."""

    start: int
    ahead: bool


class Program(NamedTuple):
    """The instructions that match a pattern.

    Attributes:
        instructions: they refer to each other by their positions.
        start: the position of the first.
        bodies: those of the look-arounds, each after the ones inside it.
    """

    instructions: list[Instruction]
    start: int
    bodies: list[Body]


AtomicWriter = Callable[["Writer", Node, int], int]
"""Writes the instructions of an atomic group's body, after which those at a position are next;
returns where they start."""


def program_of(tree: Node, write_atomic: AtomicWriter | None = None) -> Program:
    """Returns the instructions that match a syntax tree.

    Args:
        tree: a pattern's syntax tree.
        write_atomic: writes atomic groups; None if there may be no `Look`, which these need.

    Raises:
        UnsupportedPattern: the tree needs more than these instructions (look-around or an atomic
            group without `write_atomic`), or too many.
    """
    writer = Writer(is_delegated(tree), write_atomic)
    start = writer.write(tree, writer.add(Match()))
    return Program(writer.instructions, start, list(writer.bodies))


def instructions_of(tree: Node) -> tuple[list[Instruction], int]:
    """Returns the instructions of a syntax tree without look-around, and the position of the first.

    A look-ahead for one character, and `$`, are `Require`. Atomic groups are refused too, unless
    they are one repeated character.
    """
    return program_of(tree)[:2]


class Writer:
    """Writes instructions from the end of the pattern to its start.

    Args:
        is_delegated: whether fancy-regex delegates the whole pattern to the `regex` crate, which
            uses an automaton too. fancy-regex's own backtracking ends a repetition when the body
            matches nothing; the automaton continues with the next way to match the body.
        write_atomic: as in `program_of`.

    Attributes:
        instructions: those written so far.
        bodies: those of the look-arounds so far, in the order of `Program.bodies`.
    """

    def __init__(self, is_delegated: bool, write_atomic: AtomicWriter | None = None) -> None:
        self.instructions: list[Instruction] = []
        self.bodies: dict[Body, None] = {}
        self._is_delegated = is_delegated
        self._write_atomic = write_atomic
        self._starts: dict[Node, int] = {}
        self._nodes = 0

    def add(self, instruction: Instruction) -> int:
        if len(self.instructions) == _INSTRUCTION_LIMIT:
            raise UnsupportedPattern(f"a pattern of more than {_INSTRUCTION_LIMIT} instructions")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def add_look(self, body: Body, negated: bool, following: int) -> int:
        """Adds a `Look` for a body; returns its position."""
        self.bodies.setdefault(body)
        return self.add(Look(list(self.bodies).index(body), negated, following))

    def write(self, node: Node, following: int) -> int:
        """Writes `node`, after which `following` is next; returns where it starts."""
        self._nodes += 1
        if self._nodes > _NODE_LIMIT:
            raise UnsupportedPattern("a pattern that takes too long to compile")
        if isinstance(node, Characters):
            return self.add(Read(node.members, following))
        if isinstance(node, Next):
            return self.add(Require(node.members, node.at_end, following))
        if isinstance(node, Sequence):
            for item in reversed(node.items):
                following = self.write(item, following)
            return following
        if isinstance(node, Choice):
            return self.add(Goto(tuple(self.write(item, following) for item in node.alternatives)))
        if isinstance(node, Repeat):
            return self._write_repeat(node, following)
        if isinstance(node, Atomic):
            return self._write_group(node, following)
        assert isinstance(node, LookAround)
        if self._write_atomic is None:
            raise UnsupportedPattern(node.description, node.offset)
        if node.body not in self._starts:
            self._starts[node.body] = self._write_body(node.body)
        return self.add_look(Body(self._starts[node.body], node.ahead), node.negated, following)

    def _write_body(self, body: Node) -> int:
        """Writes the body of a look-around; only whether it matches is of interest."""
        outside, self._is_delegated = self._is_delegated, is_regular(body)
        start = self.write(body, self.add(Match()))
        self._is_delegated = outside
        return start

    def _write_group(self, node: Atomic, following: int) -> int:
        """Writes an atomic group; one character, repeated or not, needs no `Look`."""
        body = node.body
        if isinstance(body, (Characters, Next)):
            return self.write(body, following)
        if isinstance(body, Repeat) and isinstance(body.body, Characters) and body.mode != "lazy":
            return self.write(replace(body, mode="possessive"), following)
        if self._write_atomic is None:
            raise UnsupportedPattern(
                "an atomic group of more than one repeated character", node.offset
            )
        return self._write_atomic(self, body, following)

    def _write_repeat(self, node: Repeat, following: int) -> int:
        if node.mode == "possessive":
            return self._write_possessive(node, following)
        may_be_empty = matches_nothing(node.body)
        if node.maximum is None and may_be_empty:
            return self._write_loop_of_nothing(node, following)
        if node.maximum is None:
            _, following = self._write_loop(node, following)
        else:
            skip = following
            for _ in range(node.maximum - node.minimum):
                body = self.write(node.body, following)
                following = self.add(Goto(_preferred(node, body, skip)))
        for _ in range(node.minimum):
            following = self.write(node.body, following)
        return following

    def _write_loop(self, node: Repeat, following: int) -> tuple[int, int]:
        """Writes a body, then the choice to repeat it or continue; returns where both start."""
        choice = self.add(Goto(()))
        body = self.write(node.body, choice)
        self.instructions[choice] = Goto(_preferred(node, body, following))
        return body, choice

    def _write_loop_of_nothing(self, node: Repeat, following: int) -> int:
        """Writes an unbounded repetition of what may match nothing."""
        if not (self._is_delegated or node.delegated):
            following = self._write_ending_loop(node, following)
            for _ in range(node.minimum):
                following = self.write(node.body, following)
            return following
        body, _ = self._write_loop(node, following)
        for _ in range(node.minimum - 1):
            body = self.write(node.body, body)
        return body if node.minimum else self.add(Goto(_preferred(node, body, following)))

    def _write_ending_loop(self, node: Repeat, following: int) -> int:
        """Writes a loop that ends when its body matches nothing, as fancy-regex's own do.

        The body is there twice: what has been written is copied, and the copy runs until it reads a
        character. If it ends before that, so does the loop.
        """
        choice = self.add(Goto(()))
        first = len(self.instructions)
        body = self.write(node.body, choice)
        end = len(self.instructions)
        places = {place: place + end - first for place in range(first, end)}
        places[choice] = following
        for place in range(first, end):
            self.add(_with_targets(self.instructions[place], places))
        self.instructions[choice] = Goto(_preferred(node, places[body], following))
        return choice

    def _write_possessive(self, node: Repeat, following: int) -> int:
        """Writes a repetition of one character that gives nothing back."""
        if not isinstance(node.body, Characters):
            if self._write_atomic is None:
                raise UnsupportedPattern("a possessive repetition of a group", node.offset)
            return self._write_atomic(self, replace(node, mode="greedy"), following)
        members = node.body.members
        stop = following
        if node.maximum != node.minimum:
            stop = self.add(Require(members.complement(), True, following))
        if node.maximum is None:
            loop = self.add(Goto(()))
            self.instructions[loop] = Goto((self.add(Read(members, loop)), stop))
            following = loop
        else:
            for _ in range(node.maximum - node.minimum):
                following = self.add(Goto((self.add(Read(members, following)), stop)))
        for _ in range(node.minimum):
            following = self.add(Read(members, following))
        return following


def _preferred(node: Repeat, body: int, skip: int) -> tuple[int, int]:
    """Returns the two ways to continue a repetition, the preferred one first."""
    return (skip, body) if node.mode == "lazy" else (body, skip)


def _with_targets(item: Instruction, places: dict[int, int]) -> Instruction:
    """Returns an instruction that reads nothing with its targets replaced."""
    if isinstance(item, Goto):
        return Goto(tuple(places.get(target, target) for target in item.targets))
    if isinstance(item, (Require, Look)):
        return item._replace(following=places.get(item.following, item.following))
    return item
