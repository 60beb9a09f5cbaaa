"""Operations on sets of code points agree with Python's sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bpecore._pattern.character_sets import (
    ANY_CHARACTER,
    CODE_POINT_LIMIT,
    NO_CHARACTER,
    CharacterSet,
)

LAST = CODE_POINT_LIMIT - 1
# Few values, also at both ends of the code space, so that ranges touch, overlap and nest.
POINTS = [*range(12), *range(LAST - 5, LAST + 1)]

ranges = st.lists(
    st.tuples(st.sampled_from(POINTS), st.integers(0, 4)).map(
        lambda pair: (pair[0], min(pair[0] + pair[1], LAST))
    )
)


def points(members: CharacterSet) -> set[int]:
    """The points of a set among those that `ranges` can hold."""
    return {point for point in [*range(20), *range(LAST - 9, LAST + 1)] if point in members}


UNIVERSE = points(ANY_CHARACTER)


def plain(pairs: list[tuple[int, int]]) -> set[int]:
    return {point for first, last in pairs for point in range(first, last + 1)}


@given(ranges)
def test_a_set_holds_its_ranges_in_order_and_apart(pairs: list[tuple[int, int]]) -> None:
    members = CharacterSet.of_ranges(pairs)
    assert set(members.code_points()) == plain(pairs) == points(members)
    assert len(members) == len(plain(pairs))
    assert list(members.boundaries) == sorted(set(members.boundaries))


@given(ranges, ranges)
def test_operations(left_pairs: list[tuple[int, int]], right_pairs: list[tuple[int, int]]) -> None:
    left, right = CharacterSet.of_ranges(left_pairs), CharacterSet.of_ranges(right_pairs)
    assert points(left.union(right)) == points(left) | points(right)
    assert points(left.intersection(right)) == points(left) & points(right)
    assert points(left.difference(right)) == points(left) - points(right)
    assert points(left.symmetric_difference(right)) == points(left) ^ points(right)
    assert points(left.complement()) == UNIVERSE - points(left)
    assert left.complement().complement() == left


def test_extremes() -> None:
    assert NO_CHARACTER.complement() == ANY_CHARACTER
    assert ANY_CHARACTER.complement() == NO_CHARACTER
    assert len(ANY_CHARACTER) == CODE_POINT_LIMIT
    assert NO_CHARACTER.union() == NO_CHARACTER
