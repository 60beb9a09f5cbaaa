"""Rewrites a syntax tree as fancy-regex 0.19.0 does before matching.

fancy-regex does this to avoid exponential backtracking, and intends to change no match. But it does
change some, and with them tiktoken's ids, so the same ids need the same rewrites:

- `X* Y? X*` becomes `X* (?:Y X*)?`, and the tail is greedy even where `Y??` was lazy: `b*a??b*a`
  matches all of "aa".
- `X* Y? X+` becomes `(?:X* Y)? X+`, which looks for `Y` first: `a*(?:aab)?a+b` matches all of
  "aabab".
- `X+ Y? X+` becomes `X+ (?:Y X+)?`, which matches a single `X`: `\\d+\\.?\\d+` matches "7".
- `(?:X+ (?:Y X*)?)+` becomes `X+ (?:Y X*)*`, in which `Y` can follow `Y`; likewise with other `*`
  and `+` around `Y`, and with a `*` after the group.

When fancy-regex considers two nodes equal was found by experiment: see
`tests/pattern/test_pattern_rewrites.py`.
Time is proportional to the pattern's length times the depth of its groups.
"""

from __future__ import annotations

from dataclasses import replace

from bpecore._pattern.common_prefixes import with_common_prefixes
from bpecore._pattern.syntax import Captured, Node, Repeat, Sequence, with_children

# The bounds of `?`, `*` and `+`.
_OPTIONAL, _ANY_NUMBER, _AT_LEAST_ONE = (0, 1), (0, None), (1, None)


def rewritten(tree: Node) -> Node:
    """Returns a pattern's syntax tree as fancy-regex rewrites it, without capturing groups.

    Only whole matches are used, so captures do not matter.
    """
    tree = _with_factored_repeats(_with_merged_repeats(tree))
    return without_captures(with_common_prefixes(tree))


def without_captures(node: Node) -> Node:
    """Returns a copy of a tree whose groups capture nothing."""
    node = with_children(node, without_captures)
    return node.body if isinstance(node, Captured) else node


def _greedy_bounds(node: Node) -> tuple[int, int | None] | None:
    """Returns the bounds of a greedy repetition; None for any other node."""
    if isinstance(node, Repeat) and node.mode == "greedy":
        return node.minimum, node.maximum
    return None


def _with_merged_repeats(node: Node) -> Node:
    """Merges nested repetitions such as `(?:X+)*`."""
    node = with_children(node, _with_merged_repeats)
    if not isinstance(node, Repeat):
        return node
    if isinstance(node.body, Captured) and isinstance(node.body.body, Repeat):
        merged = _merged(node, node.body.body)
        return node if merged is None else Captured(merged)
    if isinstance(node.body, Repeat):
        return _merged(node, node.body) or node
    return node


def _merged(outer: Repeat, inner: Repeat) -> Repeat | None:
    """Returns nested repetitions as one, if both are greedy and each is `?`, `*` or `+`."""
    both = [_greedy_bounds(outer), _greedy_bounds(inner)]
    if any(bounds not in (_OPTIONAL, _ANY_NUMBER, _AT_LEAST_ONE) for bounds in both):
        return None
    minimum, maximum = (outer.minimum, outer.maximum) if both[0] == both[1] else _ANY_NUMBER
    return Repeat(inner.body, minimum, maximum, "greedy", outer.offset)


def _with_factored_repeats(node: Node) -> Node:
    """Moves one of two equal repetitions around something optional into the optional part."""
    node = with_children(node, _with_factored_repeats)
    if isinstance(node, Sequence):
        return _with_optional_parts(node)
    if isinstance(node, Repeat) and _greedy_bounds(node) in (_ANY_NUMBER, _AT_LEAST_ONE):
        return _as_repeated_tail(node)
    return node


def _with_optional_parts(node: Sequence) -> Sequence:
    items = list(node.items)
    position = 0
    while position + 2 < len(items):
        parts = _with_optional_part(*items[position : position + 3])
        if parts is not None:
            items[position : position + 3] = parts
            position += 1
        position += 1
    return Sequence(tuple(items))


def _with_optional_part(left: Node, middle: Node, right: Node) -> tuple[Node, Node] | None:
    """Returns what three nodes such as `X* Y? X*` become; None for any others."""
    if not _repeat_the_same(left, right) or not isinstance(middle, Repeat):
        return None
    if middle.minimum > 0 or middle.mode == "possessive":
        return None
    optional = replace(middle, minimum=1)
    if (_greedy_bounds(left), _greedy_bounds(right)) == (_ANY_NUMBER, _AT_LEAST_ONE):
        return Repeat(Sequence((left, optional)), 0, 1, "greedy", middle.offset), right
    return left, Repeat(Sequence((optional, right)), 0, 1, "greedy", middle.offset)


def _repeat_the_same(left: Node, right: Node) -> bool:
    """Whether two nodes are `*` or `+` of equal bodies."""
    if not isinstance(left, Repeat) or not isinstance(right, Repeat):
        return False
    bounds = {_greedy_bounds(left), _greedy_bounds(right)}
    return bounds <= {_ANY_NUMBER, _AT_LEAST_ONE} and left.body == right.body


def _as_repeated_tail(node: Repeat) -> Node:
    """Returns `(?:X+ (?:Y X*)?)+` and the like as `X+ (?:Y X*)*`, and any other node unchanged."""
    if not isinstance(node.body, Sequence) or len(node.body.items) != 2:
        return node
    prefix, tail = node.body.items
    if not isinstance(tail, Repeat) or _greedy_bounds(tail) != _OPTIONAL:
        return node
    if not isinstance(tail.body, Sequence) or len(tail.body.items) != 2:
        return node
    if not _repeat_the_same(prefix, tail.body.items[1]):
        return node
    once = Sequence((prefix, replace(tail, maximum=None)))
    return once if node.minimum == 1 else replace(node, body=once, maximum=1)
