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

from functools import lru_cache
from typing import NamedTuple

from bpecore._pattern.errors import EmptyMatchPattern, UnsupportedPattern
from bpecore._pattern.instructions import Goto, Instruction, Match, Read, instructions_of
from bpecore._pattern.parser import parse
from bpecore._pattern.partition import CharacterClasses, classes_of, little_endian
from bpecore._pattern.syntax import Node

_STATE_LIMIT = 4096
# Instructions visited while states are made: about a second.
_STEP_LIMIT = 3_000_000

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
    classes = classes_of(instructions)
    state_count, transitions = _Determinizer(instructions, start, classes).table()
    return Automaton(
        classes.class_count, state_count, classes.block_index, classes.block_classes, transitions
    )


class _Determinizer:
    """Makes the states of the automaton as they are reached."""

    def __init__(
        self, instructions: list[Instruction], start: int, classes: CharacterClasses
    ) -> None:
        self._instructions = instructions
        self._start = start
        self._class_count = classes.class_count
        self._masks = classes.masks
        self._steps = 0

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
        return len(states), little_endian(rows)

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
