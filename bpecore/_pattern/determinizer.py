"""Makes the states of a deterministic automaton from instructions.

A state is the list of instructions that wait for a character, the preferred one first; everything
after a match is dropped, which is the leftmost-first choice of a backtracking matcher.

Look-ahead of one character is free: the instructions reachable without reading are computed
separately for each class of the next character (or the end of the text), so an assertion is simply
true or false. That is why a match shows only on the transition after it.

The number of states is exponential in the pattern in the worst case, so states and the steps of the
construction are limited, and a pattern beyond a limit is refused.
"""

from __future__ import annotations

from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.instructions import Goto, Instruction, Match, Read
from bpecore._pattern.partition import CharacterClasses

_STATE_LIMIT = 4096
# Instructions visited while states are made: about a second.
_STEP_LIMIT = 3_000_000

_DEAD_STATE = 0
_START_STATE = 1


def transitions_of(
    instructions: list[Instruction], start: int, classes: CharacterClasses
) -> list[int]:
    """Returns the transitions of the automaton that runs some instructions.

    Args:
        instructions: without `Look`.
        start: the position of the first.
        classes: the classes of characters that they distinguish.

    Returns:
        For each state, of which the first is dead and the second the start, and each class, the end
        of the text last: `(next state << 1) | accept`, where accept means that a match may end
        right before the character just read.
    """
    return _Determinizer(instructions, start, classes).rows()


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

    def rows(self) -> list[int]:
        states: dict[tuple[int, ...], int] = {(): _DEAD_STATE, (self._start,): _START_STATE}
        pending = [(), (self._start,)]
        rows: list[int] = []
        for state in pending:
            for number in range(self._class_count + 1):
                following, accepts = self._step(state, number)
                if following not in states:
                    if len(states) == _STATE_LIMIT:
                        raise UnsupportedPattern(f"a pattern of more than {_STATE_LIMIT} states")
                    states[following] = len(states)
                    pending.append(following)
                rows.append(states[following] << 1 | accepts)
        return rows

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
