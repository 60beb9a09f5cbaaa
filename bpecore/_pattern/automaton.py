"""Compiles a split pattern into a deterministic automaton over character classes.

There are three steps. First, the code points are partitioned into *classes* that no set of the
pattern distinguishes. Then the syntax tree becomes a list of *instructions*, by Thompson's
construction with the preferred way first. Finally *states* are made as they are reached. A state is
the list of instructions that wait for a character, the preferred one first; everything after a
match is dropped, which is the leftmost-first choice of a backtracking matcher.

Look-ahead of one character is free: the instructions reachable without reading are computed
separately for each class of the next character (or the end of the text), so an assertion is simply
true or false. That is why a match shows only on the transition after it.

The number of states is exponential in the pattern in the worst case, so states, instructions,
classes and the steps of the construction are all limited, and a pattern beyond a limit is refused.

Reference: R. Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009.
"""

from __future__ import annotations

import sys
from array import array
from functools import lru_cache
from typing import NamedTuple

from bpecore._pattern.character_sets import CODE_POINT_LIMIT, CharacterSet
from bpecore._pattern.errors import EmptyMatchPattern, UnsupportedPattern
from bpecore._pattern.instructions import Goto, Instruction, Match, Read, Require, instructions_of
from bpecore._pattern.parser import parse
from bpecore._pattern.syntax import Node

BLOCK_LENGTH = 128
"""Code points in one block of the table that maps code points to classes."""

_CLASS_LIMIT = 255
_STATE_LIMIT = 4096
# Instructions visited while states are made: about a second.
_STEP_LIMIT = 3_000_000
# Boundaries of all distinct sets together: a hundred sets as large as that of the letters.
_BOUNDARY_LIMIT = 200_000

_DEAD_STATE = 0
_START_STATE = 1


class Automaton(NamedTuple):
    """A compiled split pattern.

    The byte strings are little-endian, and the engine reads them in place.

    Attributes:
        class_count: number of character classes, at most 255; the end of the text is class
            `class_count`.
        state_count: number of states; state 0 is dead, state 1 is the start.
        block_index: uint16 per 128 code points: the index of their block in `block_classes`.
        block_classes: uint8, 128 per block: the class of each code point.
        transitions: uint16 per state and class (the end of the text last), states outermost:
            `(next state << 1) | accept`, where accept means that a piece may end right before the
            character just read.
    """

    class_count: int
    state_count: int
    block_index: bytes
    block_classes: bytes
    transitions: bytes


@lru_cache(maxsize=32)
def compile_pattern(pattern: str) -> Automaton:
    r"""Compiles a split pattern, exactly, or refuses it.

    Args:
        pattern: a pattern in the syntax of fancy-regex 0.19, such as a tiktoken `pat_str`.

    Returns:
        An automaton that splits every text as fancy-regex does.

    Raises:
        EmptyMatchPattern: the pattern can match the empty string.
        UnsupportedPattern: the pattern is invalid, needs more than an automaton, is not certain to
            mean the same to fancy-regex, or would take too many states.

    Example:
        >>> automaton = compile_pattern(r"\p{L}+|\s+(?!\S)|\s")
        >>> automaton.class_count, automaton.state_count
        (3, 5)
    """
    return compile_tree(parse(pattern))


def compile_tree(tree: Node) -> Automaton:
    """Compiles a syntax tree without groups that capture, like `compile_pattern`."""
    instructions, start = instructions_of(tree)
    sets = list({item.members: None for item in instructions if isinstance(item, (Read, Require))})
    segments, class_masks = _partition(sets)
    masks_of_sets = {
        members: sum(1 << number for number, mask in enumerate(class_masks) if mask >> position & 1)
        for position, members in enumerate(sets)
    }
    state_count, transitions = _Determinizer(
        instructions, start, masks_of_sets, len(class_masks)
    ).table()
    block_index, block_classes = _blocks(segments)
    return Automaton(len(class_masks), state_count, block_index, block_classes, transitions)


def _partition(sets: list[CharacterSet]) -> tuple[list[tuple[int, int]], list[int]]:
    """Partitions the code points into classes that no set distinguishes.

    Args:
        sets: distinct sets of code points.

    Returns:
        The segments as `(first code point, class)` in increasing order, and for each class the sets
        that contain it: bit i is for `sets[i]`.
    """
    if sum(len(members.boundaries) for members in sets) > _BOUNDARY_LIMIT:
        raise UnsupportedPattern("character classes too many to compile")
    changes: dict[int, int] = {0: 0}
    for position, members in enumerate(sets):
        for boundary in members.boundaries:
            changes[boundary] = changes.get(boundary, 0) ^ (1 << position)
    changes.pop(CODE_POINT_LIMIT, None)
    classes: dict[int, int] = {}
    segments = []
    mask = 0
    for boundary in sorted(changes):
        mask ^= changes[boundary]
        segments.append((boundary, classes.setdefault(mask, len(classes))))
    if len(classes) > _CLASS_LIMIT:
        raise UnsupportedPattern(f"more than {_CLASS_LIMIT} classes of characters to tell apart")
    return segments, list(classes)


def _blocks(segments: list[tuple[int, int]]) -> tuple[bytes, bytes]:
    """Returns the two-level table of the code points' classes: `block_index`, `block_classes`."""
    ends = [first for first, _ in segments[1:]] + [CODE_POINT_LIMIT]
    classes = b"".join(
        bytes((number,)) * (end - first) for (first, number), end in zip(segments, ends)
    )
    blocks: dict[bytes, int] = {}
    index = [
        blocks.setdefault(classes[first : first + BLOCK_LENGTH], len(blocks))
        for first in range(0, CODE_POINT_LIMIT, BLOCK_LENGTH)
    ]
    return _little_endian(index), b"".join(blocks)


def _little_endian(values: list[int]) -> bytes:
    packed = array("H", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


class _Determinizer:
    """Makes the states of the automaton as they are reached."""

    def __init__(
        self,
        instructions: list[Instruction],
        start: int,
        masks_of_sets: dict[CharacterSet, int],
        class_count: int,
    ) -> None:
        self._instructions = instructions
        self._start = start
        self._class_count = class_count
        self._steps = 0
        # For Read and Require: bit c says whether they accept class c, and bit class_count whether
        # they accept the end of the text.
        self._masks = [
            masks_of_sets[item.members] if isinstance(item, (Read, Require)) else 0
            for item in instructions
        ]
        for number, item in enumerate(instructions):
            if isinstance(item, Require) and item.at_end:
                self._masks[number] |= 1 << class_count

    def table(self) -> tuple[int, bytes]:
        """Returns the number of states, and `Automaton.transitions`."""
        states: dict[tuple[int, ...], int] = {(): _DEAD_STATE, (self._start,): _START_STATE}
        pending = [(), (self._start,)]
        rows: list[int] = []
        for state in pending:
            for number in range(self._class_count + 1):
                following, accepts = self._step(state, number)
                if accepts and state == (self._start,):
                    raise EmptyMatchPattern("a pattern that can match the empty string")
                if following not in states:
                    if len(states) == _STATE_LIMIT:
                        raise UnsupportedPattern(f"a pattern of more than {_STATE_LIMIT} states")
                    states[following] = len(states)
                    pending.append(following)
                rows.append(states[following] << 1 | accepts)
        return len(states), _little_endian(rows)

    def _step(self, state: tuple[int, ...], number: int) -> tuple[tuple[int, ...], bool]:
        """Returns the state that follows another.

        Args:
            state: the instructions to continue from, the preferred one first.
            number: the class of the next character; the number of classes at the end of the text.

        Returns:
            The state after that character, and whether the match may end before it.
        """
        following: dict[int, None] = {}
        seen = set()
        stack = list(reversed(state))
        self._steps += len(stack) + 1
        if self._steps > _STEP_LIMIT:
            raise UnsupportedPattern("a pattern that takes too long to compile")
        while stack:
            position = stack.pop()
            if position in seen:
                continue
            seen.add(position)
            item = self._instructions[position]
            if isinstance(item, Read):
                if self._masks[position] >> number & 1:
                    following[item.following] = None
            elif isinstance(item, Goto):
                stack.extend(reversed(item.targets))
                self._steps += len(item.targets)
            elif isinstance(item, Match):
                return tuple(following), True
            elif self._masks[position] >> number & 1:
                stack.append(item.following)
        return tuple(following), False
