"""Writes a syntax tree as a pattern again, as short as its sets can be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bpecore._pattern.character_sets import ANY_CHARACTER, NO_CHARACTER, CharacterSet
from bpecore._pattern.syntax import (
    Atomic,
    Characters,
    Choice,
    Next,
    Node,
    Repeat,
    Sequence,
    children,
)

_COUNTS = {(0, 1): "?", (0, None): "*", (1, None): "+"}
_SUFFIXES = {"greedy": "", "lazy": "?", "possessive": "+"}
_META = frozenset(r"\\.+*?()|[]{}^$#&-~")


class PatternWriter:
    """Writes patterns.

    Args:
        known: sets and how they are written, from which other sets are put together.
    """

    def __init__(self, known: Iterable[tuple[str, CharacterSet]]) -> None:
        self._known = {members: spelling for spelling, members in known}
        self._spellings: dict[CharacterSet, str] = {}

    def write(self, node: Node) -> str:
        """Returns a pattern with this tree, which has no look-around past one character."""
        if isinstance(node, Characters):
            return self.set_of(node.members)
        if isinstance(node, Next):
            return self._next(node)
        if isinstance(node, Sequence):
            return "".join(map(self._item, node.items))
        if isinstance(node, Choice):
            return "|".join(map(self.write, node.alternatives))
        if isinstance(node, Atomic):
            return f"(?>{self.write(node.body)})"
        assert isinstance(node, Repeat)
        body = self.write(node.body)
        if not isinstance(node.body, Characters):
            body = f"(?:{body})"
        return body + _count(node.minimum, node.maximum) + _SUFFIXES[node.mode]

    def _item(self, node: Node) -> str:
        written = self.write(node)
        return f"(?:{written})" if isinstance(node, Choice) else written

    def _next(self, node: Next) -> str:
        if node.at_end:
            others = node.members.complement()
            return "" if others == NO_CHARACTER else f"(?!{self.set_of(others)})"
        return f"(?={self.set_of(node.members)})"

    def set_of(self, members: CharacterSet) -> str:
        """Returns a set as a literal character, an escape or a class."""
        if members not in self._spellings:
            self._spellings[members] = self._spell(members)
        return self._spellings[members]

    def _spell(self, members: CharacterSet) -> str:
        if len(members.boundaries) == 2 and len(members) == 1:
            return _character(members.boundaries[0])
        if members in self._known:
            return self._known[members]
        if members == ANY_CHARACTER:
            return r"[\s\S]"
        ranges = _ranges(members)
        return min([ranges, *self._combined(members)], key=len)

    def _combined(self, members: CharacterSet) -> Iterator[str]:
        """Yields classes that are put together from known sets."""
        others = members.complement()
        inside = [(s, m) for m, s in self._known.items() if m.difference(members) == NO_CHARACTER]
        outside = [(s, m) for m, s in self._known.items() if m.difference(others) == NO_CHARACTER]
        for sign, parts, wanted in (("", inside, members), ("^", outside, others)):
            kept = _cover(parts, wanted)
            if kept is not None:
                yield f"[{sign}{''.join(kept)}]"
        for known, spelling in self._known.items():
            surplus = known.difference(members)
            if known.difference(surplus) == members and surplus != known:
                kept = _cover([(s, m.intersection(known)) for s, m in outside], surplus)
                if kept is not None:
                    yield f"[{spelling}&&[^{''.join(kept)}]]"


def _cover(parts: list[tuple[str, CharacterSet]], wanted: CharacterSet) -> list[str] | None:
    """Returns as few of some sets as are easily found whose union is another, or None."""
    kept = []
    missing = wanted
    for spelling, members in sorted(parts, key=lambda part: -len(part[1])):
        rest = missing.difference(members)
        if rest != missing:
            kept.append(spelling)
            missing = rest
    if missing != NO_CHARACTER and len(missing) <= 4:
        kept += [_character(point) for point in missing.code_points()]
        missing = NO_CHARACTER
    return kept if missing == NO_CHARACTER else None


def _ranges(members: CharacterSet) -> str:
    written = []
    for start, end in members.ranges():
        # No text has surrogates, and no pattern can name them.
        first = 0xE000 if 0xD800 <= start < 0xE000 else start
        last = 0xD7FF if 0xD800 <= end < 0xE000 else end
        if first > last:
            continue
        written.append(_character(first))
        if last > first:
            written.append(f"-{_character(last)}")
    return f"[{''.join(written)}]"


def _character(point: int) -> str:
    character = chr(point)
    if character in _META:
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    return {"\r": r"\r", "\n": r"\n", "\t": r"\t"}.get(character, f"\\x{{{point:X}}}")


def _count(minimum: int, maximum: int | None) -> str:
    if (minimum, maximum) in _COUNTS:
        return _COUNTS[minimum, maximum]
    if minimum == maximum:
        return f"{{{minimum}}}"
    return f"{{{minimum},{'' if maximum is None else maximum}}}"


def spelled_sets(node: Node) -> Iterator[tuple[str, CharacterSet]]:
    """Yields the sets of a pattern as it writes them, if that means the same anywhere."""
    if isinstance(node, Characters) and node.spelling[:1] in ("[", "\\"):
        yield node.spelling, node.members
    for child in children(node):
        yield from spelled_sets(child)
