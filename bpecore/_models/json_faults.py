"""Finds faults in JSON to which Python's reader gives no place.

It is strict where Python's reader is not: a key counts once per object, and numbers are finite. One
pass over the tokens, in linear time; only files with a fault, or with escaped surrogates, need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

DIGIT_LIMIT = 30
"""Digits of the longest integer that is read."""

_DEPTH_LIMIT = 128  # that of serde, which `tokenizers` reads files with

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(
    rf"(?P<key>{_STRING})[ \t\r\n]*:|{_STRING}|(?P<open>[\[{{])|[\]}}]"
    r"|(?P<constant>-?Infinity|NaN)|-?[0-9]+(?P<fraction>[.eE])?",
    re.DOTALL,
)
_SURROGATE = re.compile(r"\\u([dD][89A-Fa-f][0-9A-Fa-f]{2})")


class Fault(NamedTuple):
    """A fault in a JSON text.

    Attributes:
        offset: where it is, in characters.
        what: what is wrong.
    """

    offset: int
    what: str


def first_fault(text: str) -> Fault | None:
    """Returns the first key that is repeated, number that is no number or too long, or depth.

    Args:
        text: JSON that need not be valid; nothing is said about its grammar.

    Example:
        >>> first_fault('{"a": 1, "b": {"a": 2, "a": 3}}')
        Fault(offset=23, what="the key 'a' is there twice")
    """
    open_keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if token["open"]:
            open_keys.append(set())
            if len(open_keys) > _DEPTH_LIMIT:
                return Fault(token.start(), f"nested more than {_DEPTH_LIMIT} deep")
        elif first in "]}":
            if open_keys:
                open_keys.pop()
        elif token["key"] and open_keys:
            key = _unquoted(token["key"])
            if key in open_keys[-1]:
                return Fault(token.start(), f"the key {key!r:.60} is there twice")
            open_keys[-1].add(key)
        elif token["constant"]:
            return Fault(token.start(), f"{token['constant']} is no number")
        elif first != '"' and not token["fraction"] and len(token.group()) > DIGIT_LIMIT:
            what = f"a number of {len(token.group()):,} digits, {token.group():.20}…"
            return Fault(token.start(), what)
    return None


def _unquoted(string: str) -> str:
    import json

    try:
        found: str = json.loads(string)
    except ValueError:
        found = string
    return found


def lone_surrogate(text: str) -> Fault | None:
    r"""Returns the first half of a surrogate pair that is escaped without the other one.

    Example:
        >>> lone_surrogate(r'"\ud83d\ude00 \ud83d"').what
        'half of a surrogate pair, \\ud83d, without the other half'
    """
    before: re.Match[str] | None = None
    for escape in _surrogates(text):
        is_low = int(escape[1], 16) >= 0xDC00
        if before is not None and not (is_low and before.end() == escape.start()):
            return _lone(before)
        if before is None and is_low:
            return _lone(escape)
        before = None if is_low else escape
    return None if before is None else _lone(before)


def _surrogates(text: str) -> Iterator[re.Match[str]]:
    for escape in _SURROGATE.finditer(text):
        first = escape.start()
        while first > 0 and text[first - 1] == "\\":
            first -= 1
        if (escape.start() - first) % 2 == 0:  # otherwise the backslash is itself escaped
            yield escape


def _lone(escape: re.Match[str]) -> Fault:
    what = f"half of a surrogate pair, {escape.group()}, without the other half"
    return Fault(escape.start(), what)


def place_of(text: str, offset: int) -> str:
    """Returns the line and the column of a place, both from 1."""
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - text.rfind(chr(10), 0, offset)}"
