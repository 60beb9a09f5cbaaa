"""Takes what alternatives begin with out of them, as the `regex` crate does (regex-syntax 0.8.11).

`ba*|ba*b` becomes `ba*(?:|b)`. That is not the same: in `(?:ba*|ba*b)a` on "baba" the first
alternative matches "b", once `a*` gives back its "a", so that the piece would be "ba"; now `b` is
tried before `a*` gives back anything, and the piece is "baba".

fancy-regex leaves to that crate what holds no look-around and no atomic group, and is followed by
nothing that may want it to match otherwise; the rest it matches itself, as written. Not followed
here: it also leaves to the crate what stands beside `^` or `\\b`, which is taken for look-around.
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
    """A syntax tree whose alternatives begin differently, where the `regex` crate matches it.

    Args:
        tree: A pattern as `bpecore._pattern.rewrites` leaves it, with groups that capture: what
            captures is never the same as anything.
    """
    if is_delegated(tree):
        return _factored(tree)
    if isinstance(tree, Sequence) and tree.items and is_positive_look_ahead(tree.items[-1]):
        head = Sequence(tree.items[:-1])
        return Sequence((_by_engine(head, True), _by_engine(tree.items[-1], False)))
    return _by_engine(tree, False)


def _by_engine(node: Node, is_retried: bool) -> Node:
    """`node` with common prefixes in those parts that are left to the `regex` crate.

    Args:
        node: Any part of a pattern.
        is_retried: Whether what follows may ask for another way to match `node`.
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
        # To the crate sets are equal, however they are written.
        return Characters(node.members)
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
    """A sequence's parts, neighbouring single characters as one part, as the crate keeps them."""
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
    """Whether a node is one certain character, or several."""
    if isinstance(node, Sequence):
        return all(map(_is_literal, node.items))
    return isinstance(node, Characters) and len(node.members) == 1
