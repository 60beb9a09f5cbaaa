"""The tables of an automaton as arrays, and whether two automata cut every text alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bpecore._pattern.automaton import Automaton
from bpecore._pattern.character_sets import CODE_POINT_LIMIT, CharacterSet

START, DEAD = 1, 0
_PAIR_LIMIT = 20_000


def classes_of(automaton: Automaton) -> npt.NDArray[np.uint8]:
    """Returns the class of each code point, `uint8[0x110000]`."""
    index = np.frombuffer(automaton.block_index, dtype="<u2")
    blocks = np.frombuffer(automaton.block_classes, dtype=np.uint8).reshape(-1, 128)
    classes: npt.NDArray[np.uint8] = blocks[index].ravel()
    return classes


def transitions_of(automaton: Automaton) -> npt.NDArray[np.uint16]:
    """Returns the transitions, `uint16[states, classes + 1]`, see `Automaton`."""
    flat = np.frombuffer(automaton.transitions, dtype="<u2")
    return flat.reshape(automaton.state_count, automaton.class_count + 1)


def members_of(classes: npt.NDArray[np.uint8], numbers: list[int]) -> CharacterSet:
    """Returns the code points of some classes."""
    inside = np.isin(classes, numbers)
    edges = np.flatnonzero(np.diff(inside.astype(np.int8))) + 1
    boundaries = [0, *edges.tolist()] if inside[0] else edges.tolist()
    if inside[-1]:
        boundaries.append(CODE_POINT_LIMIT)
    return CharacterSet(tuple(boundaries))


def same_pieces(first: Automaton, second: Automaton) -> bool:
    """Returns whether two automata find the same match at every place of every text.

    Both run in step over the product of their classes. A match ends at the last place where an
    automaton accepts; so it is enough to know whether their last places are the same when both are
    dead.

    Raises:
        ValueError: there are too many pairs of states.
    """
    both = classes_of(first).astype(np.int64) << 8 | classes_of(second)
    both[0xD800:0xE000] = both[0]  # no text has surrogates
    pairs = np.flatnonzero(np.bincount(both))
    columns = [(int(pair) >> 8, int(pair) & 255) for pair in pairs]
    columns.append((first.class_count, second.class_count))
    one, two = transitions_of(first).tolist(), transitions_of(second).tolist()
    seen = {(START, START, True)}
    pending = list(seen)
    while pending:
        left, right, agree = pending.pop()
        for left_class, right_class in columns:
            left_entry, right_entry = one[left][left_class], two[right][right_class]
            accepts = left_entry & 1, right_entry & 1
            now = accepts == (1, 1) or (agree and accepts == (0, 0))
            following = left_entry >> 1, right_entry >> 1, now
            is_over = following[:2] == (DEAD, DEAD) or left_class == first.class_count
            if is_over and not now:
                return False
            if not is_over and following not in seen:
                if len(seen) == _PAIR_LIMIT:
                    raise ValueError("patterns too large to compare")
                seen.add(following)
                pending.append(following)
    return True
