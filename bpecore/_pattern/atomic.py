"""Writes atomic groups as instructions of a guided automaton.

An atomic group matches in the first way that its body does, whatever follows. A deterministic
automaton of the body finds that way: the match ends where the automaton accepts for the last time.
It becomes instructions of which exactly one can go on at each place, because a `Look` says whether
the automaton accepts again later.

The body may have no look-around further than one character ahead, and no atomic group inside.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from bpecore._pattern.character_sets import CharacterSet
from bpecore._pattern.determinizer import transitions_of
from bpecore._pattern.instructions import Body, Goto, Match, Read, Require, Writer
from bpecore._pattern.partition import classes_of
from bpecore._pattern.syntax import Node, is_regular

_DEAD_STATE = 0
_START_STATE = 1


class _Transition(NamedTuple):
    """What a state does for some next characters, or for the end of the text."""

    members: CharacterSet
    at_end: bool
    accepts: bool
    target: int


def write_atomic(writer: Writer, body: Node, following: int) -> int:
    """Writes the instructions of an atomic group; returns where they start.

    Args:
        writer: receives them.
        body: the group's.
        following: what comes after the group.

    Raises:
        UnsupportedPattern: the body needs more than an automaton, or too many instructions.
    """
    states = _states_of(body)
    accepts_later = _write_later_ends(writer, states)
    places = [writer.add(Goto(())) for _ in states]
    for place, transitions in zip(places, states):
        ways = []
        for members, at_end, accepts, target in transitions:
            on = writer.add(Read(members, places[target])) if target != _DEAD_STATE else None
            end = writer.add(Require(members, at_end, following)) if accepts else None
            if on is not None and end is not None:
                later = Body(writer.add(Read(members, accepts_later[target])), ahead=True)
                on, end = writer.add_look(later, False, on), writer.add_look(later, True, end)
            ways += [way for way in (on, end) if way is not None]
        writer.instructions[place] = Goto(tuple(ways))
    return places[_START_STATE]


def _write_later_ends(writer: Writer, states: list[list[_Transition]]) -> list[int]:
    """Writes, for each state, what matches if the automaton accepts from there on."""
    match = writer.add(Match())
    places = [writer.add(Goto(())) for _ in states]
    for place, transitions in zip(places, states):
        writer.instructions[place] = Goto(
            tuple(
                writer.add(Require(members, at_end, match))
                if accepts
                else writer.add(Read(members, places[target]))
                for members, at_end, accepts, target in transitions
            )
        )
    return places


@lru_cache(maxsize=8)
def _states_of(body: Node) -> list[list[_Transition]]:
    """Returns the states of a body's automaton, without transitions to the dead state."""
    writer = Writer(is_regular(body))
    start = writer.write(body, writer.add(Match()))
    classes = classes_of(writer.instructions)
    row = classes.class_count + 1
    entries = transitions_of(writer.instructions, start, classes)
    states = []
    for first in range(0, len(entries), row):
        numbers: dict[int, set[int]] = {}
        for number, entry in enumerate(entries[first : first + row]):
            if entry:
                numbers.setdefault(entry, set()).add(number)
        states.append(
            [
                _Transition(
                    classes.set_of(found), classes.class_count in found, entry & 1 == 1, entry >> 1
                )
                for entry, found in numbers.items()
            ]
        )
    return states
