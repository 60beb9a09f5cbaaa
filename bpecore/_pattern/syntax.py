"""The syntax tree of a split pattern.

It can express more than the automaton can match (look-around, atomic groups); the `regex` library
runs such patterns with the meaning that fancy-regex gives them. Two nodes are equal if fancy-regex
considers them equal, wherever they are.
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
    """How the pattern writes the set, because `[ab]` and `[ba]` are different to fancy-regex."""


@dataclass(frozen=True)
class Next:
    """The empty string, if the next character is in a set, or the text ends and `at_end`."""

    members: CharacterSet
    at_end: bool
    spelling: str = field(default="", repr=False)
    """As in `Characters`."""


@dataclass(frozen=True)
class LookAround:
    """The empty string, if `body` matches ahead of or behind this place; if not, if `negated`."""

    body: Node
    ahead: bool
    negated: bool
    description: str = field(compare=False)
    """What the pattern's author wrote, in words, for messages."""
    offset: int = field(compare=False)
    """Its place in the pattern, in characters."""
    delegated: bool = False
    """Whether it is `^` or the like, which fancy-regex can delegate to the `regex` crate."""


@dataclass(frozen=True)
class Sequence:
    """All of `items`, one after the other; nothing if there are none."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of `alternatives`, the first that leads to a match."""

    alternatives: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """`body`, `minimum` to `maximum` times (None: unlimited)."""

    body: Node
    minimum: int
    maximum: int | None
    mode: str
    """"greedy", "lazy" or "possessive"."""
    offset: int = field(compare=False)
    """The quantifier's place in the pattern, in characters."""
    delegated: bool = field(default=False, compare=False)
    """Whether fancy-regex leaves it to the `regex` crate (`bpecore._pattern.common_prefixes`)."""


@dataclass(frozen=True)
class Atomic:
    """`body`, in the first way that it matches here; what follows does not matter."""

    body: Node
    offset: int = field(compare=False)
    """The group's place in the pattern, in characters."""


@dataclass(frozen=True)
class Captured:
    """`body`, in a group that captures. `bpecore._pattern.rewrites` removes these groups."""

    body: Node


Node = Union[Characters, Next, LookAround, Sequence, Choice, Repeat, Atomic, Captured]

END_OF_TEXT = Next(NO_CHARACTER, at_end=True, spelling="$")
END_OF_LINE = Next(CharacterSet.of_characters("\n"), at_end=True, spelling="(?m:$)")


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
    """Returns the nodes that a node is made of."""
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Choice):
        return node.alternatives
    if isinstance(node, (LookAround, Repeat, Atomic, Captured)):
        return (node.body,)
    return ()


def is_regular(node: Node) -> bool:
    """Whether a node has no look-around but `^` and `$`, no atomic group, nothing possessive."""
    if isinstance(node, Atomic) or (isinstance(node, LookAround) and not node.delegated):
        return False
    if isinstance(node, Next) and node not in (END_OF_TEXT, END_OF_LINE):
        return False
    if isinstance(node, Repeat) and node.mode == "possessive":
        return False
    return all(map(is_regular, children(node)))


def length_of(node: Node) -> int | None:
    """Returns how many characters a node matches, if that is always as many."""
    if isinstance(node, Characters):
        return 1
    if isinstance(node, (Next, LookAround)):
        return 0
    lengths = [length_of(child) for child in children(node)]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths):
        return None
    if isinstance(node, Choice):
        return known[0] if len(set(known)) == 1 else None
    if isinstance(node, Repeat):
        return known[0] * node.minimum if node.minimum == node.maximum else None
    return sum(known)


def is_matched_backward(body: Node) -> bool:
    r"""Whether a look-behind holds exactly if its body matches some text that ends at its place.

    fancy-regex goes back by the body's length. If that varies, it matches each part without
    look-around and atomic groups once, backward, and tries no other way: `(?<=\ba?)` does not hold
    after the `a` of "ba", where `\ba?` could match nothing.
    """
    if length_of(body) is not None or is_regular(body):
        return True
    if isinstance(body, Choice):
        return all(map(is_matched_backward, body.alternatives))
    if not isinstance(body, Sequence):
        return False
    after = list(body.items)
    while is_regular(after[0]):
        del after[0]
    return all(length_of(item) is not None for item in after)


def is_positive_look_ahead(node: Node) -> bool:
    """Whether a node is written as `(?=…)`."""
    if isinstance(node, Next):
        return node.spelling.startswith("(?=")
    return isinstance(node, LookAround) and node.ahead and not node.negated


def is_delegated(tree: Node) -> bool:
    """Whether fancy-regex delegates a whole pattern to the `regex` crate.

    It does so even with a look-ahead at the pattern's end, which it matches and then leaves out.
    """
    if isinstance(tree, Sequence) and tree.items and is_positive_look_ahead(tree.items[-1]):
        return all(map(is_regular, (*tree.items[:-1], *children(tree.items[-1]))))
    return is_regular(tree)


def with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """Returns a copy of `node` with its children changed by `change`."""
    if isinstance(node, Sequence):
        return Sequence(tuple(change(item) for item in node.items))
    if isinstance(node, Choice):
        return choice_of(tuple(change(alternative) for alternative in node.alternatives))
    if isinstance(node, (LookAround, Repeat, Atomic, Captured)):
        return replace(node, body=change(node.body))
    return node


def choice_of(alternatives: tuple[Node, ...]) -> Node:
    """Returns the choice between `alternatives`, as one set if each is a single character.

    The order of single characters does not matter.
    """
    if len(alternatives) == 1:
        return alternatives[0]
    sets = [node for node in alternatives if isinstance(node, Characters)]
    if len(sets) == len(alternatives):
        members = sets[0].members.union(*(node.members for node in sets[1:]))
        return Characters(members, f"({'|'.join(node.spelling for node in sets)})")
    return Choice(alternatives)


def sequence_of(items: Iterable[Node]) -> Node:
    """Returns the sequence of `items` without empty ones, or the only item left."""
    kept = tuple(item for item in items if not (isinstance(item, Sequence) and not item.items))
    return kept[0] if len(kept) == 1 else Sequence(kept)


def as_next(node: Node) -> Next | None:
    """Returns the body of a look-ahead as a condition on the next character.

    Args:
        node: the body.

    Returns:
        The equivalent `Next`, or None if the body looks at more than the next character.
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
