"""Whether two automata split every text alike, by walking the pairs of their states.

Both run in step. A piece ends at the last place where an automaton accepts, so it is enough to know
whether their last places are the same when both are dead.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from bpecore._pattern.automaton import Automaton

DEAD, START = 0, 1
_PAIR_LIMIT = 20_000


class Tables(NamedTuple):
    """An automaton's tables as Python objects.

    Attributes:
        rows: the entries of each state, by class; the last is for the end of the text.
        block_index: as in `Automaton`, unpacked.
        block_classes: as in `Automaton`.
    """

    rows: list[tuple[int, ...]]
    block_index: tuple[int, ...]
    block_classes: bytes

    @classmethod
    def of(cls, automaton: Automaton) -> Tables:
        """Returns the tables of an automaton."""
        width = automaton.class_count + 1
        entries = struct.unpack(f"<{automaton.state_count * width}H", automaton.transitions)
        rows = [entries[first : first + width] for first in range(0, len(entries), width)]
        index = struct.unpack(f"<{len(automaton.block_index) // 2}H", automaton.block_index)
        return cls(rows, index, automaton.block_classes)

    def class_of(self, code_point: int) -> int:
        """Returns the class of a code point."""
        return self.block_classes[self.block_index[code_point >> 7] << 7 | code_point & 127]

    def first_of(self, number: int) -> str:
        """Returns the first character of a class."""
        place = self.block_classes.index(number)
        return chr(self.block_index.index(place >> 7) << 7 | place & 127)


def covers_all(tables: Tables) -> bool:
    """Returns whether the pieces have every character of every text."""
    seen, pending = {START}, [START]
    while pending:
        state = pending.pop()
        *row, at_end = tables.rows[state]
        if state != START and not at_end & 1:
            return False
        for entry in row:
            if entry == 0:  # dead, and nothing accepted
                return False
            if not entry & 1 and entry >> 1 not in seen:
                seen.add(entry >> 1)
                pending.append(entry >> 1)
    return True


def equal_columns(tables: Tables) -> list[int]:
    """Returns a number for each class; equal for classes that no text distinguishes.

    States are first told apart by what is accepted after them (E. F. Moore, "Gedanken-experiments
    on sequential machines", 1956).
    """
    groups = [0] * len(tables.rows)
    count = 1
    while True:
        signatures = [
            (group, *((groups[entry >> 1], entry & 1) for entry in row))
            for group, row in zip(groups, tables.rows)
        ]
        numbers: dict[object, int] = {}
        groups = [numbers.setdefault(signature, len(numbers)) for signature in signatures]
        if len(numbers) == count:
            break
        count = len(numbers)
    columns = zip(*([(groups[entry >> 1], entry & 1) for entry in row] for row in tables.rows))
    known: dict[object, int] = {}
    return [known.setdefault(column, len(known)) for column in columns][:-1]


def follows(automaton: Tables, canonical: Tables, odd: Sequence[bool]) -> bool:
    """Returns whether an automaton finds the pieces of another one.

    Args:
        automaton: any automaton.
        canonical: one whose characters are the classes of the first.
        odd: for each class of the first whether its characters are odd. The second has no piece
            with one. All pieces that end before one must be the same; a piece that the second ends
            there may go on.

    Returns:
        Whether it does; False, too, if there are too many pairs of states.
    """
    one, two = automaton.rows, canonical.rows
    columns = [(number, canonical.class_of(number)) for number in range(len(odd))]
    plain = [pair for pair, is_odd in zip(columns, odd) if not is_odd]
    strange = [pair for pair, is_odd in zip(columns, odd) if is_odd]
    plain.append((-1, -1))
    certain = _certain_states(one)
    seen = {(START, START, True)}
    pending = list(seen)
    while pending:
        left, right, agree = pending.pop()
        for left_class, right_class in plain:
            left_entry, right_entry = one[left][left_class], two[right][right_class]
            now = _agree(agree, left_entry & 1, right_entry & 1)
            following = left_entry >> 1, right_entry >> 1, now
            is_over = following[:2] == (DEAD, DEAD) or left_class == -1
            if is_over and not now:
                return False
            if not is_over and following not in seen:
                if len(seen) == _PAIR_LIMIT:
                    return False
                seen.add(following)
                pending.append(following)
        # Where no piece has begun, nothing ends in front of an odd character.
        for left_class, right_class in strange if (left, right) != (START, START) else ():
            left_entry, right_entry = one[left][left_class], two[right][right_class]
            if right_entry & 1:
                # The canonical piece ends in front of the odd character.
                if not left_entry & 1 and left_entry >> 1 not in certain:
                    return False
            elif not agree or left_entry & 1 or left_entry >> 1 != DEAD:
                return False
    return True


def _agree(before: bool, left: int, right: int) -> bool:
    return bool(left and right) or (before and not left and not right)


def _certain_states(rows: list[tuple[int, ...]]) -> set[int]:
    """Returns the states after which something is accepted, whatever follows."""
    certain = {state for state, row in enumerate(rows) if row[-1] & 1}
    while True:
        kept = {
            state
            for state in certain
            if all(entry & 1 or entry >> 1 in certain for entry in rows[state][:-1])
        }
        if kept == certain:
            return certain
        certain = kept
