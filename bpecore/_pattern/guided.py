"""Compiles a split pattern for matching in linear time with any look-around: a guided automaton.

A text is read three times. *Forward*, each character becomes a symbol: its class, and which
look-behinds hold before it. *Backward*, an automaton over symbols finds at each place which
instructions of the pattern can still lead to a match, and which look-aheads hold. *Forward* again,
the matcher goes from instruction to instruction: of the ways that a backtracking matcher would try
in turn it takes the first that the backward pass has found to lead to a match. So it never goes
back, and no character is read again.

A text may be divided anywhere. The backward pass then begins with an *unknown* state, in which
nothing is certain to match and everything possible, and the matcher stops where it matters.

All tables are finite and made beforehand. The number of states is exponential in the pattern in the
worst case, so the states of both passes and the steps of the construction are limited.

Reference: A. Frisch, L. Cardelli, "Greedy Regular Expression Matching", ICALP 2004.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from bpecore._pattern.atomic import write_atomic
from bpecore._pattern.errors import EmptyMatchPattern, UnsupportedPattern
from bpecore._pattern.history import History
from bpecore._pattern.instructions import Goto, Look, Match, Program, Read, program_of
from bpecore._pattern.partition import CharacterClasses, classes_of, little_endian
from bpecore._pattern.syntax import Node

UNDECIDED, ENDS, BETWEEN = range(3)
"""The actions of the matcher: more of the text is needed; the piece ends here; a character is
outside any piece. The last is also the position where a piece begins; larger ones are inside."""

PAST_THE_END, UNKNOWN = range(2)
"""The first states of the backward pass."""

_STATE_LIMIT = 4096
_ACTION_LIMIT = 1 << 20
# Positions looked at while the tables are made: one to two seconds.
_STEP_LIMIT = 2_000_000

_Way = tuple[int, bool]
"""A position to continue from, or `ENDS`, and whether it is certain that this way is open."""

_Truths = tuple[Optional[bool], ...]
"""For each body of a look-around whether it matches at some place, None if that is unknown."""


class GuidedAutomaton(NamedTuple):
    """The tables of a guided automaton, little-endian, as the engine reads them.

    Attributes:
        class_count: number of character classes; the end of the text is class `class_count`.
        block_index: as in `bpecore._pattern.automaton.Automaton`.
        block_classes: likewise.
        history: uint16 per state of what was read before, and class: the next such state.
        symbols: uint8 likewise, with the end of the text last: the symbol of the character.
        symbol_count: number of symbols.
        backward: uint16 per state of the backward pass and symbol: the state before the character.
        position_count: number of positions in the pattern, counting the actions.
        actions: uint16 per state of the backward pass and position: what the matcher does.
    """

    class_count: int
    block_index: bytes
    block_classes: bytes
    history: bytes
    symbols: bytes
    symbol_count: int
    backward: bytes
    position_count: int
    actions: bytes


def compile_guided(tree: Node) -> GuidedAutomaton:
    """Compiles a syntax tree without groups that capture into a guided automaton.

    Raises:
        EmptyMatchPattern: the pattern can match the empty string.
        UnsupportedPattern: it needs more than such an automaton, or too many states.
    """
    program = program_of(tree, write_atomic)
    classes = classes_of(program.instructions)
    history = History(program, classes)
    passes = _Passes(program, classes, history.meanings)
    backward, actions = passes.tables()
    return GuidedAutomaton(
        classes.class_count,
        classes.block_index,
        classes.block_classes,
        little_endian(history.transitions),
        bytes(history.symbols),
        len(history.meanings),
        little_endian(backward),
        passes.position_count,
        little_endian(actions),
    )


class _State(NamedTuple):
    """A state of the backward pass.

    Attributes:
        certain: bit i is set if position i leads to a match for certain.
        possible: likewise, if it may.
        actions: what the matcher does, by its position.
    """

    certain: int
    possible: int
    actions: tuple[int, ...]


class _Passes:
    """Makes the states of the backward pass as they are reached.

    Args:
        program: the pattern's instructions.
        classes: the classes of characters that they distinguish.
        meanings: those of the symbols, from `History`.

    Attributes:
        position_count: the number of positions of the matcher, counting the actions.
    """

    def __init__(
        self,
        program: Program,
        classes: CharacterClasses,
        meanings: list[tuple[int, frozenset[int]]],
    ) -> None:
        self._instructions, start, self._bodies = program
        self._masks = classes.masks
        self._meanings = meanings
        self._steps = 0
        self._known_ways: dict[tuple[int, int, _Truths], list[_Way]] = {}
        self._positions = [start, start, start]
        self._numbers: dict[int, int] = {}
        self._add_positions(start)
        self.position_count = len(self._positions)
        for body in self._bodies:
            if body.ahead:
                self._add_positions(body.start)

    def _add_positions(self, start: int) -> None:
        """Numbers the instructions that come after a `Read`, from `start` on."""
        waiting = [start]
        seen = set()
        while waiting:
            position = waiting.pop()
            if position in seen:
                continue
            seen.add(position)
            item = self._instructions[position]
            if isinstance(item, Goto):
                waiting.extend(item.targets)
            elif not isinstance(item, Match):
                waiting.append(item.following)
                if isinstance(item, Read) and item.following not in self._numbers:
                    self._numbers[item.following] = len(self._positions)
                    self._positions.append(item.following)

    def tables(self) -> tuple[list[int], list[int]]:
        """Returns `GuidedAutomaton.backward` and `actions`."""
        past = _State(0, 0, (UNDECIDED,) * self.position_count)
        unknown = self._unknown()
        states = {past: PAST_THE_END, unknown: UNKNOWN}
        pending = [past, unknown]
        backward: list[int] = []
        actions: list[int] = []
        for state in pending:
            actions += state.actions
            for symbol in range(len(self._meanings)):
                earlier = self._step(state, symbol)
                if earlier.actions[BETWEEN] == ENDS:
                    raise EmptyMatchPattern("a pattern that can match the empty string")
                if earlier not in states:
                    states[earlier] = len(states)
                    pending.append(earlier)
                backward.append(states[earlier])
            if len(states) > _STATE_LIMIT or len(states) * self.position_count > _ACTION_LIMIT:
                raise UnsupportedPattern("a pattern of too many states")
        return backward, actions

    def _unknown(self) -> _State:
        """Returns the state about which only what needs no further text is certain."""
        certain = 0
        actions = [UNDECIDED] * self.position_count
        for number, position in enumerate(self._positions):
            if number > BETWEEN and isinstance(self._instructions[position], Match):
                certain |= 1 << number
                if number < self.position_count:
                    actions[number] = ENDS
        return _State(certain, (1 << len(self._positions)) - 1, tuple(actions))

    def _step(self, later: _State, symbol: int) -> _State:
        """Returns the state before a character, given the one after it."""
        _, holding = self._meanings[symbol]
        if self._steps > _STEP_LIMIT:
            raise UnsupportedPattern("a pattern that takes too long to compile")
        truths: _Truths = ()
        for index, body in enumerate(self._bodies):
            if body.ahead:
                truths += (self._outcome(body.start, later, symbol, truths)[0],)
            else:
                truths += (index in holding,)
        certain = possible = 0
        actions = [UNDECIDED] * self.position_count
        for number in range(BETWEEN, len(self._positions)):
            matches, action = self._outcome(self._positions[number], later, symbol, truths)
            if number < self.position_count:
                actions[number] = action
            if number == BETWEEN:
                actions[number] = BETWEEN if matches is False else action
            else:
                certain |= (matches is True) << number
                possible |= (matches is not False) << number
        return _State(certain, possible, tuple(actions))

    def _outcome(
        self, position: int, later: _State, symbol: int, truths: _Truths
    ) -> tuple[bool | None, int]:
        """Returns whether an instruction leads to a match, None if unknown, and the action there.

        Args:
            position: the instruction.
            later: the state after the next character.
            symbol: that of the next character.
            truths: for each look-around inside or before, whether its body matches here.
        """
        self._steps += 1
        action = None
        for way, certain in self._ways(position, symbol, truths):
            if way == ENDS or later.possible >> way & 1:
                sure = certain and (way == ENDS or later.certain >> way & 1 == 1)
                if action is None:
                    action = way if sure else UNDECIDED
                if sure:
                    return True, action
        return (False, UNDECIDED) if action is None else (None, action)

    def _ways(self, position: int, symbol: int, truths: _Truths) -> list[_Way]:
        """Returns the ways on from an instruction, the preferred one first."""
        key = position, symbol, truths
        if key in self._known_ways:
            return self._known_ways[key]
        number, _ = self._meanings[symbol]
        found: dict[_Way, None] = {}
        seen: set[_Way] = set()
        waiting = [(position, True)]
        while waiting:
            place, certain = way = waiting.pop()
            if way in seen or (place, True) in seen:
                continue
            seen.add(way)
            item = self._instructions[place]
            if isinstance(item, Goto):
                waiting.extend((target, certain) for target in reversed(item.targets))
            elif isinstance(item, Match):
                found[ENDS, certain] = None
                if certain:
                    break
            elif isinstance(item, Look):
                truth = truths[item.body]
                if truth is None or truth != item.negated:
                    waiting.append((item.following, certain and truth is not None))
            elif self._masks[place] >> number & 1:
                if isinstance(item, Read):
                    found[self._numbers[item.following], certain] = None
                else:
                    waiting.append((item.following, certain))
        self._steps += 4 * len(seen)
        self._known_ways[key] = list(found)
        return self._known_ways[key]
