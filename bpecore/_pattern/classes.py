"""Reads the parts of a split pattern that match one character: escapes and bracketed classes."""

from __future__ import annotations

import re

from bpecore._pattern.case_folding import case_groups, folded
from bpecore._pattern.character_sets import CharacterSet
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.properties import (
    WHITE_SPACE,
    general_category,
    named_property,
    word_characters,
)
from bpecore._pattern.syntax import Characters

# How deep classes can nest.
_DEPTH_LIMIT = 50
# Set boundaries processed while one pattern is read: about a second, and twenty times what any
# known pattern takes.
_WORK_LIMIT = 500_000

_CONTROL_ESCAPES = {"n": 0x0A, "r": 0x0D, "t": 0x09, "f": 0x0C, "v": 0x0B, "a": 0x07, "e": 0x1B}
_HEXADECIMAL = re.compile(
    r"x(?P<two>[0-9A-Fa-f]{2})|u(?P<four>[0-9A-Fa-f]{4})|U(?P<eight>[0-9A-Fa-f]{8})"
    r"|[xuU]\{(?P<braces>[0-9A-Fa-f]{1,8})\}"
)
_HEXADECIMAL_DIGITS = CharacterSet.of_characters("0123456789ABCDEFabcdef")
_PROPERTY = re.compile(r"[pP](?:([A-Za-z])|\{([A-Za-z0-9 _=-]+)\})")
_ASCII_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
# What regex-syntax 0.8.11 calls ASCII character classes, as inclusive ranges.
_ASCII_CLASSES = {
    "alnum": "09AZaz",
    "alpha": "AZaz",
    "ascii": "\x00\x7f",
    "blank": "\t\t  ",
    "cntrl": "\x00\x1f\x7f\x7f",
    "digit": "09",
    "graph": "!~",
    "lower": "az",
    "print": " ~",
    "punct": "!/:@[`{~",
    "space": "\t\r  ",
    "upper": "AZ",
    "word": "09AZ__az",
    "xdigit": "09AFaf",
}
_SET_OPERATORS = ("&&", "--", "~~")
# Characters that regex-syntax 0.8.11 writes with a backslash.
_META_CHARACTERS = frozenset(r"\.+*?()|[]{}^$#&-~")


class ClassReader:
    """Reads the escapes and bracketed classes of one pattern.

    Args:
        pattern: the whole pattern; offsets are characters from its start.

    Attributes:
        ignore_case: whether `(?i)` applies to the next read.
    """

    def __init__(self, pattern: str) -> None:
        self.ignore_case = False
        self._pattern = pattern
        self._work = 0

    def read(self, offset: int) -> tuple[Characters, int]:
        """Reads the escape or bracketed class at `offset`.

        Returns:
            The characters it matches, and the offset after it.

        Raises:
            UnsupportedPattern: it is invalid or not certain to mean the same to fancy-regex.
        """
        if self._pattern[offset] == "[":
            members, end = self._bracketed(offset, 1)
            return Characters(members, self._spelling(self._class_spelling(offset, end))), end
        code_point, end = self._escaped_code_point(offset)
        if code_point is not None:
            return self.literal(code_point, offset), end
        members, end = self._escaped_set(offset)
        return Characters(members, self._spelling(self._pattern[offset:end])), end

    def literal(self, code_point: int, offset: int) -> Characters:
        """Returns the characters that a literal character of the pattern matches."""
        members = self._range(code_point, code_point, offset)
        return Characters(members, self._spelling(chr(code_point)))

    def _spelling(self, text: str) -> str:
        return f"(?i){text}" if self.ignore_case else text

    def _class_spelling(self, offset: int, end: int) -> str:
        """Returns a bracketed class with its escaped characters spelled as regex-syntax does."""
        written = []
        while offset < end:
            written.append(self._pattern[offset])
            code_point, following = self._single(offset)
            if code_point is not None and self._pattern[offset] == "\\":
                character = chr(code_point)
                written[-1] = f"\\{character}" if character in _META_CHARACTERS else character
            offset = offset + 1 if code_point is None else following
        return "".join(written)

    def _range(self, first: int, last: int, offset: int) -> CharacterSet:
        if first > last:
            raise UnsupportedPattern("a range whose end comes before its start", offset)
        return self._folded(CharacterSet.of_ranges([(first, last)]), offset)

    def _folded(self, members: CharacterSet, offset: int) -> CharacterSet:
        """Returns a set that the pattern names; under `(?i)` with all cases of its members."""
        if not self.ignore_case:
            return members
        members = folded(members)
        # A cased character costs as much as a boundary, and a single range can contain all of them.
        self._charge(min(len(members), len(case_groups())), offset)
        return members

    def _escaped_set(self, offset: int) -> tuple[CharacterSet, int]:
        """Returns the set that the escape at `offset` names, and where it ends."""
        letter = self._pattern[offset + 1 : offset + 2]
        if letter in ("p", "P"):
            return self._property(offset)
        if letter in ("d", "D"):
            members = general_category("Nd")
        elif letter in ("s", "S"):
            members = WHITE_SPACE
        elif letter in ("h", "H"):
            members = _HEXADECIMAL_DIGITS
        elif letter in ("w", "W"):
            members = word_characters()
        else:
            raise UnsupportedPattern(
                f"the escape \\{letter}" if letter else "a backslash with nothing after it", offset
            )
        self.charge(members, offset)
        return (members.complement() if letter.isupper() else members), offset + 2

    def _escaped_code_point(self, offset: int) -> tuple[int | None, int]:
        """Returns the code point that the escape at `offset` names, or None, and where it ends."""
        character = self._pattern[offset + 1 : offset + 2]
        if character in _CONTROL_ESCAPES:
            return _CONTROL_ESCAPES[character], offset + 2
        if character in ("x", "u", "U"):
            found = _HEXADECIMAL.match(self._pattern, offset + 1)
            value = int(found.group(found.lastgroup or 0), 16) if found else 0x110000
            if found is None or value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
                raise UnsupportedPattern("a hexadecimal escape of no character", offset)
            return value, found.end()
        if (
            character.isascii()
            and (character.isprintable() and not character.isalnum())
            and character
        ):
            return ord(character), offset + 2
        return None, offset

    def _property(self, offset: int) -> tuple[CharacterSet, int]:
        found = _PROPERTY.match(self._pattern, offset + 1)
        members = named_property(found.group(1) or found.group(2)) if found else None
        if found is None or members is None:
            shown = self._pattern[offset : offset + 24]
            raise UnsupportedPattern(f"the character property at {shown!r}", offset)
        self.charge(members, offset)
        members = self._folded(members, offset)
        negated = self._pattern[offset + 1] == "P"
        return (members.complement() if negated else members), found.end()

    def charge(self, members: CharacterSet, offset: int) -> None:
        """Counts the work for a set; refuses the pattern if there is too much."""
        self._charge(len(members.boundaries) + 1, offset)

    def _charge(self, work: int, offset: int) -> None:
        self._work += work
        if self._work > _WORK_LIMIT:
            raise UnsupportedPattern("character classes too many to compile", offset)

    def _bracketed(self, offset: int, depth: int) -> tuple[CharacterSet, int]:
        if depth > _DEPTH_LIMIT:
            raise UnsupportedPattern(f"classes nested more than {_DEPTH_LIMIT} deep", offset)
        position = offset + 1
        negated = self._pattern.startswith("^", position)
        if negated:
            position += 1
        if self._pattern.startswith("]", position):
            raise UnsupportedPattern(r"a class that begins with ] (write \])", offset)
        operator = ""
        left: CharacterSet | None = None
        items: list[CharacterSet] = []
        first = True
        while True:
            if position >= len(self._pattern):
                raise UnsupportedPattern("a class that nothing closes", offset)
            ending = self._pattern[position] == "]"
            two = self._pattern[position : position + 2]
            if ending or two in _SET_OPERATORS:
                if not items:
                    raise UnsupportedPattern("a set operator that lacks an operand", position)
                left = _combined(left, operator, items[0].union(*items[1:]))
                self.charge(left, offset)
                items = []
                position += 1 if ending else 2
                if ending:
                    return (left.complement() if negated else left), position
                operator = two
            else:
                item, position = self._item(position, depth, first)
                items.append(item)
                self.charge(item, offset)
            first = False

    def _item(self, position: int, depth: int, first: bool) -> tuple[CharacterSet, int]:
        """Reads one item of a bracketed class: a class, a range or a single character."""
        character = self._pattern[position]
        if character == "[":
            if self._pattern.startswith("[:", position):
                return self._ascii_class(position)
            return self._bracketed(position, depth + 1)
        if character == "-" and not first and not self._pattern.startswith("-]", position):
            raise UnsupportedPattern(r"a hyphen in the middle of a class (write \-)", position)
        start, end = self._single(position)
        if start is None:
            return self._escaped_set(position)
        following = self._pattern[end : end + 2]
        if character == "-" and following[:1] == "-":
            raise UnsupportedPattern(r"a range from a hyphen (write \-)", position)
        if following[:1] != "-" or following in ("--", "-]"):
            return self._range(start, start, position), end
        if self._pattern[end + 1 : end + 2] in ("", "["):
            raise UnsupportedPattern("a range that has no end", position)
        last, range_end = self._single(end + 1)
        if last is None:
            raise UnsupportedPattern("a range that ends in a set", position)
        return self._range(start, last, position), range_end

    def _single(self, position: int) -> tuple[int | None, int]:
        """Returns the code point at a place in a class, plain or escaped, and where it ends."""
        if self._pattern[position] == "\\":
            return self._escaped_code_point(position)
        return ord(self._pattern[position]), position + 1

    def _ascii_class(self, position: int) -> tuple[CharacterSet, int]:
        found = _ASCII_CLASS.match(self._pattern, position)
        if found is None or found.group(2) not in _ASCII_CLASSES:
            raise UnsupportedPattern("the ASCII class (such as [:alpha:])", position)
        ends = iter(_ASCII_CLASSES[found.group(2)])
        ranges = [self._range(ord(first), ord(next(ends)), position) for first in ends]
        members = ranges[0].union(*ranges[1:])
        return (members.complement() if found.group(1) else members), found.end()


def _combined(left: CharacterSet | None, operator: str, right: CharacterSet) -> CharacterSet:
    if left is None:
        return right
    if operator == "&&":
        return left.intersection(right)
    if operator == "--":
        return left.difference(right)
    return left.symmetric_difference(right)
