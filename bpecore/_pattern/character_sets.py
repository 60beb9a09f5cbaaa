"""Sets of code points, represented by sorted boundaries.

A set is the sorted tuple of the code points where membership changes: `(start, end, start, end,
...)`, every `end` exclusive. Complement and symmetric difference only toggle boundaries, and every
other operation is one sort, in time proportional to the number of ranges, not of code points.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CODE_POINT_LIMIT = 0x110000
"""One past the largest code point, U+10FFFF."""


@dataclass(frozen=True)
class CharacterSet:
    """An immutable set of code points.

    Args:
        boundaries: strictly increasing code points in 0..0x110000, even in number: alternately the
            start (in the set) and end (not in it) of each range.

    Example:
        >>> vowels = CharacterSet.of_characters("aeiou")
        >>> letters = CharacterSet.of_ranges([(0x61, 0x7A)])
        >>> "".join(map(chr, letters.difference(vowels).code_points()))
        'bcdfghjklmnpqrstvwxyz'
    """

    boundaries: tuple[int, ...]

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> CharacterSet:
        """Returns the set of all code points in some ranges.

        Args:
            ranges: `(first, last)` pairs, both inclusive, in any order, overlapping or not.
        """
        boundaries: list[int] = []
        reached = -1
        for first, last in sorted(ranges):
            if first > reached:
                boundaries += (first, last + 1)
            elif last >= reached:
                boundaries[-1] = last + 1
            reached = boundaries[-1]
        return cls(tuple(boundaries))

    @classmethod
    def of_characters(cls, characters: str) -> CharacterSet:
        """Returns the set of a string's characters."""
        return cls.of_ranges((ord(character), ord(character)) for character in characters)

    def __contains__(self, code_point: int) -> bool:
        return bisect_right(self.boundaries, code_point) % 2 == 1

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges())

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yields the ranges as `(first, last)`, both inclusive, in increasing order."""
        pairs = iter(self.boundaries)
        for start in pairs:
            yield start, next(pairs) - 1

    def code_points(self) -> Iterator[int]:
        """Yields the code points in increasing order."""
        for first, last in self.ranges():
            yield from range(first, last + 1)

    def complement(self) -> CharacterSet:
        """Returns every code point that is not in this set."""
        boundaries = self.boundaries
        start = boundaries[1:] if boundaries[:1] == (0,) else (0, *boundaries)
        if start[-1:] == (CODE_POINT_LIMIT,):
            return CharacterSet(start[:-1])
        return CharacterSet((*start, CODE_POINT_LIMIT))

    def union(self, *others: CharacterSet) -> CharacterSet:
        """Returns every code point in this set or in any of `others`."""
        if not others:
            return self
        ranges = list(self.ranges())
        for other in others:
            ranges += other.ranges()
        return CharacterSet.of_ranges(ranges)

    def intersection(self, other: CharacterSet) -> CharacterSet:
        """Returns every code point in both sets."""
        return self.complement().union(other.complement()).complement()

    def difference(self, other: CharacterSet) -> CharacterSet:
        """Returns every code point in this set that is not in `other`."""
        return self.complement().union(other).complement()

    def symmetric_difference(self, other: CharacterSet) -> CharacterSet:
        """Returns every code point in exactly one of the two sets."""
        return CharacterSet(tuple(sorted(set(self.boundaries) ^ set(other.boundaries))))


NO_CHARACTER = CharacterSet(())
ANY_CHARACTER = CharacterSet((0, CODE_POINT_LIMIT))
