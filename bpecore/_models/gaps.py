"""What a split pattern leaves between its matches, as a pattern.

At each place of a text, a pattern matches or does not. Where the next character and the one after
it decide this, the run of places without a match is regular, and written with look-aheads over one
character.
"""

from __future__ import annotations

from bpecore._models.tables import DEAD, START, classes_of, members_of, transitions_of
from bpecore._pattern.automaton import compile_tree
from bpecore._pattern.syntax import Characters, Next, Node, Repeat, Sequence, choice_of


def gap_of(tree: Node) -> Node | None:
    """Returns a pattern of the longest run of characters at which another matches nowhere.

    Args:
        tree: a pattern without groups that capture.

    Returns:
        A pattern that matches from the first such character to the last; None if every text is
        covered by matches.

    Raises:
        UnsupportedPattern: the pattern cannot be an automaton.
        ValueError: more than two characters decide whether it matches.
    """
    automaton = compile_tree(tree)
    rows = transitions_of(automaton).tolist()
    fails, matches = _may_fail(rows), _may_match(rows)
    end = automaton.class_count
    groups: dict[frozenset[int], list[int]] = {}
    for first in range(end):
        state = rows[START][first] >> 1
        following = set()
        for second in range(end + 1) if state != DEAD else ():
            entry = rows[state][second]
            if entry & 1 or (second != end and entry >> 1 != DEAD and entry >> 1 not in fails):
                following.add(second)
            elif second != end and entry >> 1 in matches:
                raise ValueError("whether it matches depends on more than two characters")
        if len(following) <= end:
            groups.setdefault(frozenset(following), []).append(first)
    if not groups:
        return None
    classes = classes_of(automaton)
    choices: list[Node] = []
    for decided, firsts in groups.items():
        character = Characters(members_of(classes, firsts))
        if decided:
            matched = members_of(classes, [number for number in decided if number != end])
            condition = Next(matched.complement(), end not in decided)
            choices.append(Sequence((character, condition)))
        else:
            choices.append(character)
    return Repeat(choice_of(tuple(choices)), 1, None, "greedy", 0)


def _may_fail(rows: list[list[int]]) -> set[int]:
    """Returns the states from which some text leads to no match."""
    failing = {
        state
        for state, row in enumerate(rows)
        if not row[-1] & 1 or any(not entry & 1 and entry >> 1 == DEAD for entry in row[:-1])
    }
    return _reaching(rows, failing, unless_accepting=True)


def _may_match(rows: list[list[int]]) -> set[int]:
    """Returns the states from which some text leads to a match."""
    matching = {state for state, row in enumerate(rows) if any(entry & 1 for entry in row)}
    return _reaching(rows, matching, unless_accepting=False)


def _reaching(rows: list[list[int]], states: set[int], unless_accepting: bool) -> set[int]:
    """Returns the states from which one of some states can be reached, and these."""
    sources: list[list[int]] = [[] for _ in rows]
    for state, row in enumerate(rows):
        for entry in {*row[:-1]}:
            if not (unless_accepting and entry & 1):
                sources[entry >> 1].append(state)
    found = set(states)
    pending = [*states]
    while pending:
        before = [state for state in sources[pending.pop()] if state not in found]
        found.update(before)
        pending += before
    found.discard(DEAD)
    return found
