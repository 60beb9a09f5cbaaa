"""The syntax tree of a split pattern.

It can say more than the automaton can match (look-around, atomic groups): what it can say is handed
to the `regex` library with the meaning that fancy-regex gives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Union

from bpecore.pattern.character_sets import NO_CHARACTER, CharacterSet


class Characters(NamedTuple):
    """One character of a set."""

    members: CharacterSet


class Next(NamedTuple):
    """Nothing, where the next character is one of a set (or the text ends, if `at_end`)."""

    members: CharacterSet
    at_end: bool


class LookAround(NamedTuple):
    """Nothing, where `body` matches just ahead of (or behind) this place; or does not, if
    `negated`."""

    body: Node
    ahead: bool
    negated: bool
    description: str
    """What the pattern's author wrote, in words, for messages."""
    offset: int
    """Where it stands in the pattern, in characters."""


class Sequence(NamedTuple):
    """All of `items`, one after the other; nothing, if there are none."""

    items: tuple[Node, ...]


class Choice(NamedTuple):
    """One of `alternatives`, the first that leads to a match."""

    alternatives: tuple[Node, ...]


class Repeat(NamedTuple):
    """`body`, `minimum` to `maximum` times (None: without limit)."""

    body: Node
    minimum: int
    maximum: int | None
    mode: str
    """"greedy", "lazy" or "possessive"."""
    offset: int
    """Where the quantifier stands in the pattern, in characters."""


class Atomic(NamedTuple):
    """`body`, in the first way that it matches here, whatever follows."""

    body: Node
    offset: int
    """Where the group stands in the pattern, in characters."""


Node = Union[Characters, Next, LookAround, Sequence, Choice, Repeat, Atomic]

END_OF_TEXT = Next(NO_CHARACTER, at_end=True)


def matches_nothing(node: Node) -> bool:
    """Whether a node can match the empty string somewhere."""
    if isinstance(node, Characters):
        return False
    if isinstance(node, Sequence):
        return all(matches_nothing(item) for item in node.items)
    if isinstance(node, Choice):
        return any(matches_nothing(alternative) for alternative in node.alternatives)
    if isinstance(node, Repeat):
        return node.minimum == 0 or matches_nothing(node.body)
    if isinstance(node, Atomic):
        return matches_nothing(node.body)
    return True


def choice_of(alternatives: tuple[Node, ...]) -> Node:
    """The choice between `alternatives`, as one set where each is a single character.

    The order of alternatives that are one character each decides nothing.
    """
    if len(alternatives) == 1:
        return alternatives[0]
    members = [node.members for node in alternatives if isinstance(node, Characters)]
    if len(members) == len(alternatives):
        return Characters(members[0].union(*members[1:]))
    return Choice(alternatives)


def sequence_of(items: Iterable[Node]) -> Node:
    """`items` one after the other, without those that are nothing; or the only one of them."""
    kept = tuple(item for item in items if not (isinstance(item, Sequence) and not item.items))
    return kept[0] if len(kept) == 1 else Sequence(kept)


def as_next(node: Node) -> Next | None:
    """What a look-ahead at `node` asks of the next character.

    Args:
        node: The body of a look-ahead.

    Returns:
        The equivalent `Next`, or None where the body looks at more than the next character.
    """
    if isinstance(node, Characters):
        return Next(node.members, at_end=False)
    if isinstance(node, Next):
        return node
    if isinstance(node, Choice):
        parts = [as_next(alternative) for alternative in node.alternatives]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            members = known[0].members.union(*(part.members for part in known[1:]))
            return Next(members, any(part.at_end for part in known))
    return None
