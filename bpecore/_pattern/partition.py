"""Partitions the code points into the classes that no set of a pattern distinguishes."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection
from typing import NamedTuple

from bpecore._pattern.character_sets import CODE_POINT_LIMIT, CharacterSet
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.instructions import Instruction, Read, Require

BLOCK_LENGTH = 128
"""Code points in one block of the table that maps code points to classes."""

_CLASS_LIMIT = 255
# Boundaries of all distinct sets together: a hundred sets as large as that of the letters.
_BOUNDARY_LIMIT = 200_000


class CharacterClasses(NamedTuple):
    """The classes of characters that some instructions distinguish.

    Attributes:
        class_count: number of classes, at most 255; the end of the text is class `class_count`.
        block_index: uint16 per 128 code points: the index of their block in `block_classes`.
        block_classes: uint8, 128 per block: the class of each code point.
        masks: for each instruction that looks at the next character, the classes that it accepts:
            bit i is for class i. 0 for other instructions.
        segments: `(first code point, class)` of each segment of equal class, in increasing order.
    """

    class_count: int
    block_index: bytes
    block_classes: bytes
    masks: list[int]
    segments: list[tuple[int, int]]

    def set_of(self, numbers: Collection[int]) -> CharacterSet:
        """Returns the characters of some classes."""
        ends = [first for first, _ in self.segments[1:]] + [CODE_POINT_LIMIT]
        return CharacterSet.of_ranges(
            (first, end - 1)
            for (first, number), end in zip(self.segments, ends)
            if number in numbers
        )


def classes_of(instructions: list[Instruction]) -> CharacterClasses:
    """Returns the classes of characters that instructions distinguish.

    Raises:
        UnsupportedPattern: there are too many.
    """
    sets = list({item.members: None for item in instructions if isinstance(item, (Read, Require))})
    segments, class_masks = _partition(sets)
    masks_of_sets = {
        members: sum(1 << number for number, mask in enumerate(class_masks) if mask >> position & 1)
        for position, members in enumerate(sets)
    }
    masks = [
        masks_of_sets[item.members] if isinstance(item, (Read, Require)) else 0
        for item in instructions
    ]
    for number, item in enumerate(instructions):
        if isinstance(item, Require) and item.at_end:
            masks[number] |= 1 << len(class_masks)
    return CharacterClasses(len(class_masks), *_blocks(segments), masks, segments)


def _partition(sets: list[CharacterSet]) -> tuple[list[tuple[int, int]], list[int]]:
    """Partitions the code points into classes that no set distinguishes.

    Args:
        sets: distinct sets of code points.

    Returns:
        The segments as `(first code point, class)` in increasing order, and for each class the sets
        that contain it: bit i is for `sets[i]`.
    """
    if sum(len(members.boundaries) for members in sets) > _BOUNDARY_LIMIT:
        raise UnsupportedPattern("character classes too many to compile")
    changes: dict[int, int] = {0: 0}
    for position, members in enumerate(sets):
        for boundary in members.boundaries:
            changes[boundary] = changes.get(boundary, 0) ^ (1 << position)
    changes.pop(CODE_POINT_LIMIT, None)
    classes: dict[int, int] = {}
    segments = []
    mask = 0
    for boundary in sorted(changes):
        mask ^= changes[boundary]
        segments.append((boundary, classes.setdefault(mask, len(classes))))
    if len(classes) > _CLASS_LIMIT:
        raise UnsupportedPattern(f"more than {_CLASS_LIMIT} classes of characters to tell apart")
    return segments, list(classes)


def _blocks(segments: list[tuple[int, int]]) -> tuple[bytes, bytes]:
    """Returns the two-level table of the code points' classes: `block_index`, `block_classes`."""
    ends = [first for first, _ in segments[1:]] + [CODE_POINT_LIMIT]
    classes = b"".join(
        bytes((number,)) * (end - first) for (first, number), end in zip(segments, ends)
    )
    blocks: dict[bytes, int] = {}
    index = [
        blocks.setdefault(classes[first : first + BLOCK_LENGTH], len(blocks))
        for first in range(0, CODE_POINT_LIMIT, BLOCK_LENGTH)
    ]
    return little_endian(index), b"".join(blocks)


def little_endian(values: list[int]) -> bytes:
    """Returns values as little-endian uint16."""
    packed = array("H", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
