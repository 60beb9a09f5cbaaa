"""What a guided automaton keeps of the text before a place: which look-behinds hold there.

An automaton reads the text forward, from its start. A state is the set of instructions that
look-behinds have reached, wherever their matches began. With the next character it says which
look-behinds hold before that character. The character's *symbol* is its class with this set.
"""

from __future__ import annotations

from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.instructions import Goto, Look, Match, Program, Read
from bpecore._pattern.partition import CharacterClasses

# Body and position of each instruction to continue from.
_State = frozenset[tuple[int, int]]

_STATE_LIMIT = 1024
_SYMBOL_LIMIT = 254


class History:
    """The automaton of a pattern's look-behinds.

    Args:
        program: the pattern's instructions.
        classes: the classes of characters that they distinguish.

    Attributes:
        transitions: the next state, per state and class.
        symbols: the symbol, per state and class, with the end of the text last.
        meanings: for each symbol, its class and the bodies of the look-behinds that match there.

    Raises:
        UnsupportedPattern: a look-behind has a look-ahead inside, or there are too many states.
    """

    def __init__(self, program: Program, classes: CharacterClasses) -> None:
        self._program = program
        self._masks = classes.masks
        self.transitions: list[int] = []
        self.symbols: list[int] = []
        meanings: dict[tuple[int, frozenset[int]], int] = {}
        states: dict[_State, int] = {frozenset(): 0}
        for state in (pending := [*states]):
            for number in range(classes.class_count + 1):
                following, holding = self._step(state, number)
                self.symbols.append(meanings.setdefault((number, holding), len(meanings)))
                if number == classes.class_count:
                    break
                if following not in states:
                    states[following] = len(states)
                    pending.append(following)
                self.transitions.append(states[following])
            if len(states) > _STATE_LIMIT or len(meanings) > _SYMBOL_LIMIT:
                raise UnsupportedPattern("look-behinds with too many states")
        self.meanings = list(meanings)

    def _step(self, state: _State, number: int) -> tuple[_State, frozenset[int]]:
        """Returns the state after a class of characters, and what matches before it."""
        instructions, _, bodies = self._program
        following = set()
        holding: set[int] = set()
        for index, body in enumerate(bodies):
            waiting = [position for owner, position in state if owner == index]
            waiting += [] if body.ahead else [body.start]
            seen = set()
            while waiting:
                position = waiting.pop()
                if position in seen:
                    continue
                seen.add(position)
                item = instructions[position]
                if isinstance(item, Goto):
                    waiting.extend(item.targets)
                elif isinstance(item, Match):
                    holding.add(index)
                elif isinstance(item, Look):
                    if bodies[item.body].ahead:
                        raise UnsupportedPattern("a look-ahead inside a look-behind")
                    if (item.body in holding) != item.negated:
                        waiting.append(item.following)
                elif self._masks[position] >> number & 1:
                    if isinstance(item, Read):
                        following.add((index, item.following))
                    else:
                        waiting.append(item.following)
        return frozenset(following), frozenset(holding)
