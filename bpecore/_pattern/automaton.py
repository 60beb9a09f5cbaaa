"""Compiles a split pattern into a deterministic automaton over character classes.

There are three steps. First, the code points are partitioned into *classes* that no set of the
pattern distinguishes (`partition`). Then the syntax tree becomes a list of *instructions*, by
Thompson's construction with the preferred way first (`instructions`). Finally *states* are made as
they are reached (`determinizer`).

Reference: R. Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from bpecore._pattern.determinizer import transitions_of
from bpecore._pattern.errors import EmptyMatchPattern
from bpecore._pattern.instructions import instructions_of
from bpecore._pattern.parser import parse
from bpecore._pattern.partition import classes_of, little_endian
from bpecore._pattern.syntax import Node


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
    rows = transitions_of(instructions, start, classes)
    row = classes.class_count + 1
    if any(entry & 1 for entry in rows[row : 2 * row]):
        raise EmptyMatchPattern("a pattern that can match the empty string")
    return Automaton(
        classes.class_count,
        len(rows) // row,
        classes.block_index,
        classes.block_classes,
        little_endian(rows),
    )
