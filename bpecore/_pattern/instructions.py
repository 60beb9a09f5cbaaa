"""Converts a syntax tree to the instructions of a non-deterministic automaton."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Union

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


def program_of(tree: Node, looks_around: bool) -> Program:
    """Returns the instructions that match a syntax tree.

    Args:
        tree: a pattern's syntax tree.
        looks_around: whether there may be `Look` among them.

    Raises:
        UnsupportedPattern: the tree needs more than these instructions (a possessive or atomic
            group that is not one repeated character, a repetition of what may be empty beside this
            or look-around), or too many.
    """
    writer = _Writer(is_delegated(tree), looks_around)
    start = writer.write(tree, writer.add(Match()))
    return Program(writer.instructions, start, list(writer.bodies))


def instructions_of(tree: Node) -> tuple[list[Instruction], int]:
    """Returns the instructions of a syntax tree without look-around, and the position of the first.

    A look-ahead for one character, and `$`, are `Require`.
    """
    return program_of(tree, looks_around=False)[:2]


class _Writer:
    """Writes instructions from the end of the pattern to its start.

    Args:
        is_delegated: whether fancy-regex delegates the whole pattern to the `regex` crate, which
            uses an automaton too. fancy-regex's own backtracking ends a repetition when the body
            matches nothing; the automaton continues with the next way to match the body.
        looks_around: whether there may be `Look` among the instructions.
    """

    def __init__(self, is_delegated: bool, looks_around: bool) -> None:
        self.instructions: list[Instruction] = []
        self._is_delegated = is_delegated
        self._looks_around = looks_around
        self.bodies: dict[Body, None] = {}
        self._starts: dict[Node, int] = {}
        self._nodes = 0

    def add(self, instruction: Instruction) -> int:
        if len(self.instructions) == _INSTRUCTION_LIMIT:
            raise UnsupportedPattern(f"a pattern of more than {_INSTRUCTION_LIMIT} instructions")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

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
            return self.write(_without_atomic_group(node), following)
        assert isinstance(node, LookAround)
        if not self._looks_around:
            raise UnsupportedPattern(node.description, node.offset)
        if node.body not in self._starts:
            self._starts[node.body] = self.write(node.body, self.add(Match()))
        body = Body(self._starts[node.body], node.ahead)
        self.bodies.setdefault(body)
        return self.add(Look(list(self.bodies).index(body), node.negated, following))

    def _write_repeat(self, node: Repeat, following: int) -> int:
        if node.mode == "possessive":
            return self._write_possessive(node, following)
        may_be_empty = matches_nothing(node.body)
        if may_be_empty and (node.minimum, node.maximum) != (0, 1) and not self._is_delegated:
            raise UnsupportedPattern("a repetition of what may match nothing", node.offset)
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
        """Writes an unbounded repetition of what may match nothing, as the `regex` crate does."""
        body, _ = self._write_loop(node, following)
        for _ in range(node.minimum - 1):
            body = self.write(node.body, body)
        return body if node.minimum else self.add(Goto(_preferred(node, body, following)))

    def _write_possessive(self, node: Repeat, following: int) -> int:
        """Writes a repetition of one character that gives nothing back."""
        if not isinstance(node.body, Characters):
            raise UnsupportedPattern("a possessive repetition of a group", node.offset)
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


def _without_atomic_group(node: Atomic) -> Node:
    """Returns the equivalent of an atomic group of one character, repeated or not."""
    body = node.body
    if isinstance(body, (Characters, Next)):
        return body
    if isinstance(body, Repeat) and isinstance(body.body, Characters) and body.mode != "lazy":
        return replace(body, mode="possessive")
    raise UnsupportedPattern("an atomic group of more than one repeated character", node.offset)
