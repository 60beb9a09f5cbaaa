"""What `(?i)` adds to a set of characters: simple case folding, as regex-syntax applies it.

The crate folds each set that a pattern names (a character, a range, a property, an ASCII class)
before negating it or combining it with others. A folded set stays folded under every set operation,
so folding what is named is enough.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from functools import cache

from bpecore._pattern.character_sets import CharacterSet
from bpecore._pattern.unicode_table import CASE_GROUPS

_GROUPS = re.compile(r"([0-9A-F-]+)(?:\*([0-9]+))?(?:/([0-9]+))?")


@cache
def case_groups() -> dict[int, tuple[int, ...]]:
    """Returns each cased code point's group: all that are equal to it ignoring case, and itself.

    The keys are in increasing order.
    """
    groups = {}
    for points, count, distance in _GROUPS.findall(CASE_GROUPS):
        first = [int(point, 16) for point in points.split("-")]
        for number in range(int(count or 1)):
            group = tuple(point + number * int(distance or 1) for point in first)
            groups.update(dict.fromkeys(group, group))
    return dict(sorted(groups.items()))


@cache
def _cased() -> list[int]:
    return list(case_groups())


def folded(members: CharacterSet) -> CharacterSet:
    """Returns a set together with every code point that differs from a member only in case.

    Takes time proportional to the set's ranges and its cased members.

    Example:
        >>> sorted(folded(CharacterSet.of_characters("k1")).code_points())
        [49, 75, 107, 8490]
    """
    groups, cased = case_groups(), _cased()
    others = {
        other
        for first, last in members.ranges()
        for point in cased[bisect_left(cased, first) : bisect_right(cased, last)]
        for other in groups[point]
    }
    return members.union(CharacterSet.of_ranges((point, point) for point in others))
