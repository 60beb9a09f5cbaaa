"""A slow version of the engine's splitter by a guided automaton, in Python."""

from __future__ import annotations

from bpecore._pattern.guided import BETWEEN, ENDS, PAST_THE_END, UNDECIDED, UNKNOWN, GuidedAutomaton
from bpecore._pattern.partition import BLOCK_LENGTH


def split_guided(automaton: GuidedAutomaton, text: str, final: bool = True) -> list[str]:
    """Cuts a text into pieces, as far as they are certain.

    Args:
        automaton: a compiled split pattern.
        text: the text, without special tokens.
        final: whether the text ends there.

    Returns:
        The pieces in order; characters that no piece covers are in none.
    """
    symbols = _symbols(automaton, text)
    backward = memoryview(automaton.backward).cast("H")
    actions = memoryview(automaton.actions).cast("H")
    states = [UNKNOWN]
    if final:
        states = [backward[PAST_THE_END * automaton.symbol_count + symbols[-1]]]
    for symbol in reversed(symbols[:-1]):
        states.append(backward[states[-1] * automaton.symbol_count + symbol])
    states.reverse()
    pieces = []
    start = place = 0
    position = BETWEEN
    while place <= len(text):
        action = actions[states[place] * automaton.position_count + position]
        if action == ENDS:
            pieces.append(text[start:place])
            start, position = place, BETWEEN
        elif action == UNDECIDED:
            break
        else:
            place += 1
            if action == BETWEEN:
                start = place
            position = action
    return pieces


def _symbols(automaton: GuidedAutomaton, text: str) -> list[int]:
    """Returns the symbol of each character, and of the end of the text."""
    block_index = memoryview(automaton.block_index).cast("H")
    history = memoryview(automaton.history).cast("H")
    state = 0
    symbols = []
    for code in map(ord, text):
        block = block_index[code // BLOCK_LENGTH]
        number = automaton.block_classes[block * BLOCK_LENGTH + code % BLOCK_LENGTH]
        symbols.append(automaton.symbols[state * (automaton.class_count + 1) + number])
        state = history[state * automaton.class_count + number]
    symbols.append(automaton.symbols[state * (automaton.class_count + 1) + automaton.class_count])
    return symbols
