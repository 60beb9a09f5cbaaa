"""The syntax tree of a split pattern.

It can say more than the automaton can match (look-around, atomic groups): what it can say is handed
to the `regex` library with the meaning that fancy-regex gives it. Two nodes are equal where
fancy-regex holds them for equal, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Callable, Union

from bpecore._pattern.character_sets import NO_CHARACTER, CharacterSet


@dataclass(frozen=True)
class Characters:
    """One character of a set."""

    members: CharacterSet
    spelling: str = field(default="", repr=False)
    """How the pattern writes the set: fancy-regex does not see that `[ab]` is `[ba]`."""


@dataclass(frozen=True)
class Next:
    """Nothing, where the next character is one of a set (or the text ends, if `at_end`)."""

    members: CharacterSet
    at_end: bool
    spelling: str = field(default="", repr=False)
    """As in `Characters`."""


@dataclass(frozen=True)
class LookAround:
    """Nothing, where `body` matches just ahead of (or behind) this place; or does not, if
    `negated`."""

    body: Node
    ahead: bool
    negated: bool
    description: str = field(compare=False)
    """What the pattern's author wrote, in words, for messages."""
    offset: int = field(compare=False)
    """Where it stands in the pattern, in characters."""


@dataclass(frozen=True)
class Sequence:
    """All of `items`, one after the other; nothing, if there are none."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of `alternatives`, the first that leads to a match."""

    alternatives: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """`body`, `minimum` to `maximum` times (None: without limit)."""

    body: Node
    minimum: int
    maximum: int | None
    mode: str
    """"greedy", "lazy" or "possessive"."""
    offset: int = field(compare=False)
    """Where the quantifier stands in the pattern, in characters."""


@dataclass(frozen=True)
class Atomic:
    """`body`, in the first way that it matches here, whatever follows."""

    body: Node
    offset: int = field(compare=False)
    """Where the group stands in the pattern, in characters."""


@dataclass(frozen=True)
class Captured:
    """`body`, in a group that captures. `bpecore._pattern.rewrites` takes the groups away."""

    body: Node


Node = Union[Characters, Next, LookAround, Sequence, Choice, Repeat, Atomic, Captured]

END_OF_TEXT = Next(NO_CHARACTER, at_end=True, spelling="$")


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
    if isinstance(node, (Atomic, Captured)):
        return matches_nothing(node.body)
    return True


def children(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Choice):
        return node.alternatives
    if isinstance(node, (LookAround, Repeat, Atomic, Captured)):
        return (node.body,)
    return ()


def is_regular(node: Node) -> bool:
    """Whether a node holds no look-around, no atomic group and no possessive repetition."""
    if isinstance(node, (LookAround, Atomic)) or (isinstance(node, Next) and node != END_OF_TEXT):
        return False
    if isinstance(node, Repeat) and node.mode == "possessive":
        return False
    return all(map(is_regular, children(node)))


def is_positive_look_ahead(node: Node) -> bool:
    """Whether a node is written as `(?=…)`."""
    if isinstance(node, Next):
        return node.spelling.startswith("(?=")
    return isinstance(node, LookAround) and node.ahead and not node.negated


def is_delegated(tree: Node) -> bool:
    """Whether fancy-regex leaves a whole pattern to the `regex` crate.

    A look-ahead at its end is no hindrance: it becomes a part of the match, one that does not
    count.
    """
    if isinstance(tree, Sequence) and tree.items and is_positive_look_ahead(tree.items[-1]):
        return all(map(is_regular, (*tree.items[:-1], *children(tree.items[-1]))))
    return is_regular(tree)


def with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """A node like `node` whose children are what `change` makes of those it has."""
    if isinstance(node, Sequence):
        return Sequence(tuple(change(item) for item in node.items))
    if isinstance(node, Choice):
        return choice_of(tuple(change(alternative) for alternative in node.alternatives))
    if isinstance(node, (LookAround, Repeat, Atomic, Captured)):
        return replace(node, body=change(node.body))
    return node


def choice_of(alternatives: tuple[Node, ...]) -> Node:
    """The choice between `alternatives`, as one set where each is a single character.

    The order of alternatives that are one character each decides nothing.
    """
    if len(alternatives) == 1:
        return alternatives[0]
    sets = [node for node in alternatives if isinstance(node, Characters)]
    if len(sets) == len(alternatives):
        members = sets[0].members.union(*(node.members for node in sets[1:]))
        return Characters(members, f"({'|'.join(node.spelling for node in sets)})")
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
        return Next(node.members, False, node.spelling)
    if isinstance(node, Next):
        return node
    if isinstance(node, Captured):
        return as_next(node.body)
    if isinstance(node, Choice):
        parts = [as_next(alternative) for alternative in node.alternatives]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            members = known[0].members.union(*(part.members for part in known[1:]))
            spelling = f"({'|'.join(part.spelling for part in known)})"
            return Next(members, any(part.at_end for part in known), spelling)
    return None
