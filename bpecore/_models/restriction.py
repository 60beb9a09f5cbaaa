"""Restricts a pattern to stretches of text that lack some characters.

An earlier split isolates runs of certain characters, so a later pattern sees only the stretches
between them, and the end of a stretch as the end of the text. On the whole text, the same matches
are found by the pattern whose sets lack these characters, and to whose look-aheads they are the
end.
"""

from __future__ import annotations

from bpecore._pattern.character_sets import NO_CHARACTER, CharacterSet
from bpecore._pattern.syntax import (
    Atomic,
    Characters,
    Choice,
    LookAround,
    Next,
    Node,
    Repeat,
    Sequence,
    choice_of,
    sequence_of,
    with_children,
)


def restricted(tree: Node, removed: CharacterSet) -> Node | None:
    """Returns a pattern for the stretches of a text without some characters.

    Args:
        tree: a pattern without groups that capture.
        removed: the characters.

    Returns:
        The pattern; None if it matches nothing there.

    Raises:
        ValueError: the pattern looks further than one character ahead, or behind.
    """
    if removed == NO_CHARACTER:
        return tree
    if isinstance(tree, Characters):
        members = tree.members.difference(removed)
        return None if members == NO_CHARACTER else Characters(members, tree.spelling)
    if isinstance(tree, Next):
        members = tree.members.difference(removed)
        if tree.at_end:
            members = members.union(removed)
        return Next(members, tree.at_end)
    if isinstance(tree, LookAround):
        raise ValueError(f"a split after another one has {tree.description}")
    if isinstance(tree, Sequence):
        items = [restricted(item, removed) for item in tree.items]
        known = [item for item in items if item is not None]
        return sequence_of(known) if len(known) == len(items) else None
    if isinstance(tree, Choice):
        found = [restricted(alternative, removed) for alternative in tree.alternatives]
        alternatives = tuple(item for item in found if item is not None)
        return choice_of(alternatives) if alternatives else None
    assert isinstance(tree, (Repeat, Atomic))
    body = restricted(tree.body, removed)
    if body is not None:
        return with_children(tree, lambda _: body)
    return Sequence(()) if isinstance(tree, Repeat) and tree.minimum == 0 else None
