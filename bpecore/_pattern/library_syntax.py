"""Writes a syntax tree in the syntax of the `regex` library."""

from __future__ import annotations

from bpecore._pattern.character_sets import ANY_CHARACTER, NO_CHARACTER, CharacterSet
from bpecore._pattern.syntax import (
    Atomic,
    Characters,
    Choice,
    LookAround,
    Next,
    Node,
    Repeat,
    Sequence,
)

_QUANTIFIER_SUFFIXES = {"greedy": "", "lazy": "?", "possessive": "+"}


def source_of(node: Node) -> str:
    """Returns a syntax tree in the `regex` library's syntax, for use in a sequence."""
    if isinstance(node, Characters):
        return _class(node.members)
    if isinstance(node, Next):
        if node.at_end:
            return f"(?!{_class(node.members.complement())})"
        return f"(?={_class(node.members)})"
    if isinstance(node, LookAround):
        return f"(?{'' if node.ahead else '<'}{'!' if node.negated else '='}{source_of(node.body)})"
    if isinstance(node, Sequence):
        return "".join(source_of(item) for item in node.items)
    if isinstance(node, Choice):
        return f"(?:{'|'.join(source_of(alternative) for alternative in node.alternatives)})"
    if isinstance(node, Repeat):
        maximum = "" if node.maximum is None else node.maximum
        suffix = _QUANTIFIER_SUFFIXES[node.mode]
        return f"(?:{source_of(node.body)}){{{node.minimum},{maximum}}}{suffix}"
    assert isinstance(node, Atomic)
    return f"(?>{source_of(node.body)})"


def _class(members: CharacterSet) -> str:
    if members == NO_CHARACTER:
        return "(?!)"
    if members == ANY_CHARACTER:
        return r"[\x00-\U0010FFFF]"
    return "[" + "".join(f"\\U{first:08X}-\\U{last:08X}" for first, last in members.ranges()) + "]"
