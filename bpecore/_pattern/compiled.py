"""Chooses how the engine splits by a pattern: by an automaton, or by a guided one.

The automaton reads a text once from left to right and is the faster one, but it cannot look around,
and with a pattern such as `\\p{L}+\\p{N}` it may read a character any number of times. Texts in
chunks always need it. The guided automaton matches every other pattern.
"""

from __future__ import annotations

from typing import NamedTuple

from bpecore._pattern.automaton import Automaton, compile_tree
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.guided import GuidedAutomaton, compile_guided
from bpecore._pattern.parser import parse

_START_STATE = 1
# Pairs of states that are followed: a tenth of a second.
_PAIR_LIMIT = 20_000


class CompiledPattern(NamedTuple):
    """A split pattern as the engine takes it.

    Attributes:
        automaton: splits texts, also in chunks; without any transitions if it cannot.
        guided: splits whole texts, if the automaton cannot or may take quadratic time.
    """

    automaton: Automaton
    guided: GuidedAutomaton | None


def compile_for_engine(pattern: str) -> CompiledPattern:
    r"""Compiles a split pattern, exactly, or refuses it.

    Args:
        pattern: a pattern in the syntax of fancy-regex 0.19, such as a tiktoken `pat_str`.

    Raises:
        EmptyMatchPattern: the pattern can match the empty string.
        UnsupportedPattern: the pattern is invalid, needs more than an automaton, is not certain to
            mean the same to fancy-regex, or would take too many states.

    Example:
        >>> compile_for_engine(r"\p{L}+|\s+(?!\S)|\s").guided is None
        True
        >>> compile_for_engine(r"\b\p{L}+|.").automaton.state_count
        2
    """
    tree = parse(pattern)
    try:
        automaton = compile_tree(tree)
    except UnsupportedPattern:
        guided = compile_guided(tree)
        return CompiledPattern(_without_transitions(guided), guided)
    if not rereads(automaton):
        return CompiledPattern(automaton, None)
    try:
        return CompiledPattern(automaton, compile_guided(tree))
    except UnsupportedPattern:
        return CompiledPattern(automaton, None)


def rereads(automaton: Automaton) -> bool:
    r"""Returns whether an automaton may read a character more than a bounded number of times.

    A character is read again if the automaton had not accepted after it. For that to happen often,
    two runs that begin at different places must be able to read the same characters, return to
    the states that they were in, and not accept meanwhile or later. So pairs of states are
    followed, from all those in which the second run begins. If there are too many, the answer is
    True.

    Example:
        >>> from bpecore._pattern import compile_pattern
        >>> rereads(compile_pattern(r"\p{L}+|\p{N}")), rereads(compile_pattern(r"\p{L}+\p{N}"))
        (False, True)
    """
    row = automaton.class_count + 1
    entries = memoryview(automaton.transitions).cast("H")
    rows = [entries[start : start + row] for start in range(0, len(entries), row)]
    # The states from which the automaton accepts before it dies, whatever follows.
    lasting = set(range(1, automaton.state_count))
    while ending := {
        state
        for state in lasting
        if not all(entry & 1 or entry >> 1 in lasting for entry in rows[state])
    }:
        lasting -= ending
    unsure = set(range(1, automaton.state_count)) - lasting
    pairs = {(state, _START_STATE): set[tuple[int, int]]() for state in unsure}
    for first, second in (pending := [*pairs]):
        for one, other in zip(rows[first], rows[second]):
            pair = one >> 1, other >> 1
            if one & 1 or pair[0] not in unsure or not pair[1]:
                continue
            if not other & 1 and pair[1] in unsure:
                pairs[first, second].add(pair)
            if pair not in pairs:
                pairs[pair] = set()
                pending.append(pair)
        if len(pairs) > _PAIR_LIMIT:
            return True
    return _has_cycle(pairs)


def _has_cycle(graph: dict[tuple[int, int], set[tuple[int, int]]]) -> bool:
    """Returns whether a directed graph has a cycle. Time: linear in its edges."""
    waits = {node: len(following) for node, following in graph.items()}
    before: dict[tuple[int, int], list[tuple[int, int]]] = {node: [] for node in graph}
    for node, following in graph.items():
        for other in following:
            before[other].append(node)
    ready = [node for node, count in waits.items() if count == 0]
    for node in ready:
        for other in before[node]:
            waits[other] -= 1
            if waits[other] == 0:
                ready.append(other)
    return len(ready) < len(graph)


def _without_transitions(guided: GuidedAutomaton) -> Automaton:
    return Automaton(
        guided.class_count,
        2,
        guided.block_index,
        guided.block_classes,
        bytes(2 * 2 * (guided.class_count + 1)),
    )
