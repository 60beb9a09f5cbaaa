"""A slow version of the engine's splitter by an automaton, in Python."""

from __future__ import annotations

from bpecore._pattern.automaton import Automaton
from bpecore._pattern.partition import BLOCK_LENGTH


def split(automaton: Automaton, text: str) -> list[str]:
    r"""Cuts a text into pieces: the successive matches of the split pattern.

    Characters where no match starts are in no piece, as in tiktoken, which drops them.

    Args:
        automaton: A compiled split pattern.
        text: The text, without special tokens.

    Returns:
        The pieces in order.

    Example:
        >>> from bpecore._pattern import compile_pattern
        >>> split(compile_pattern(r" ?\p{L}+|\p{N}{1,3}"), "some 1234!")
        ['some', '123', '4']
    """
    block_index = memoryview(automaton.block_index).cast("H")
    classes = [
        automaton.block_classes[
            block_index[code // BLOCK_LENGTH] * BLOCK_LENGTH + code % BLOCK_LENGTH
        ]
        for code in map(ord, text)
    ]
    classes.append(automaton.class_count)
    pieces = []
    position = 0
    while position < len(text):
        end = _match_end(automaton, classes, position)
        if end is None:
            position += 1
        else:
            pieces.append(text[position:end])
            position = end
    return pieces


def _match_end(automaton: Automaton, classes: list[int], position: int) -> int | None:
    """Returns where the match at `position` ends, in characters, or None if there is none."""
    transitions = memoryview(automaton.transitions).cast("H")
    state = 1
    last = None
    while state:
        entry = transitions[state * (automaton.class_count + 1) + classes[position]]
        if entry & 1:
            last = position
        state = entry >> 1
        position += 1
    return last
