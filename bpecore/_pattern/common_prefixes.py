"""Factors common prefixes out of alternatives, as the `regex` crate does (regex-syntax 0.8.11).

`ba*|ba*b` becomes `ba*(?:|b)`, which is not the same. As written, in `(?:ba*|ba*b)a` on "baba" the
first alternative matches "b" once `a*` gives back its "a", so that the piece would be "ba". As
factored, `b` is tried before `a*` gives back anything, and the piece is "baba".

fancy-regex delegates to that crate all parts without look-around and atomic groups that cannot be
made to match differently by what follows them. `^` and `$` can be delegated, `\\b` cannot. It
matches the rest itself, as written.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from bpecore._pattern.syntax import (
    Atomic,
    Captured,
    Characters,
    Choice,
    LookAround,
    Node,
    Repeat,
    Sequence,
    children,
    choice_of,
    is_delegated,
    is_positive_look_ahead,
    is_regular,
    sequence_of,
    with_children,
)


def with_common_prefixes(tree: Node) -> Node:
    """Returns a syntax tree with common prefixes factored out where the `regex` crate matches it.

    Args:
        tree: a pattern as `bpecore._pattern.rewrites` leaves it, including groups that capture; a
            prefix that captures is never common.
    """
    if is_delegated(tree):
        return _factored(tree)
    if isinstance(tree, Sequence) and tree.items and is_positive_look_ahead(tree.items[-1]):
        head = Sequence(tree.items[:-1])
        return Sequence((_by_engine(head, True), _by_engine(tree.items[-1], False)))
    return _by_engine(tree, False)


def _by_engine(node: Node, is_retried: bool) -> Node:
    """Returns `node` with common prefixes factored out in the parts that the crate matches.

    Args:
        node: any part of a pattern.
        is_retried: whether what follows can make `node` match in another way.
    """
    if not is_retried and is_regular(node):
        return _factored(node)
    if isinstance(node, Sequence):
        own = len(node.items)
        while own and not is_retried and is_regular(node.items[own - 1]):
            own -= 1
        retried = [_by_engine(item, True) for item in node.items[:own]]
        return Sequence((*retried, *map(_factored, node.items[own:])))
    if isinstance(node, Choice):
        return choice_of(tuple(_by_engine(item, is_retried) for item in node.alternatives))
    if isinstance(node, (Atomic, LookAround)):
        return replace(node, body=_by_engine(node.body, False))
    if isinstance(node, Repeat):
        return replace(node, body=_by_engine(node.body, node.mode != "possessive"))
    if isinstance(node, Captured):
        return Captured(_by_engine(node.body, is_retried))
    return node


def _factored(node: Node) -> Node:
    node = with_children(node, _factored)
    if isinstance(node, Characters):
        # Sets are equal to the crate, however they are written.
        return Characters(node.members)
    if isinstance(node, Repeat):
        return replace(node, delegated=True)
    return _without_common_prefix(node.alternatives) if isinstance(node, Choice) else node


def _without_common_prefix(alternatives: tuple[Node, ...]) -> Node:
    flat: list[Node] = []
    for alternative in alternatives:
        flat += alternative.alternatives if isinstance(alternative, Choice) else [alternative]
    rows = [_parts(alternative) for alternative in flat]
    shared = 0
    while all(shared < len(row) and row[shared] == rows[0][shared] for row in rows):
        if _captures(rows[0][shared]):
            break
        shared += 1
    if shared == 0 or any(len(row) == 1 for row in rows):
        return choice_of(tuple(flat))
    rest = tuple(sequence_of(row[shared:]) for row in rows)
    return sequence_of((*rows[0][:shared], _without_common_prefix(rest)))


def _captures(node: Node) -> bool:
    return isinstance(node, Captured) or any(map(_captures, children(node)))


def _parts(node: Node) -> list[Node]:
    """Returns a sequence's parts, with adjoining literals as one part, as in the crate."""
    if isinstance(node, Repeat) and node.minimum == node.maximum == 1:
        return _parts(node.body)
    if not isinstance(node, Sequence):
        return [node]
    flat = [part for item in node.items for part in _parts(item)]
    parts: list[Node] = []
    for is_literal, group in groupby(flat, _is_literal):
        run = list(group)
        parts += [sequence_of(run)] if is_literal else run
    return parts


def _is_literal(node: Node) -> bool:
    """Whether a node matches one particular character, or a particular string."""
    if isinstance(node, Sequence):
        return all(map(_is_literal, node.items))
    return isinstance(node, Characters) and len(node.members) == 1
