"""Runs a split pattern on the `regex` library, with the meaning that fancy-regex gives it.

A pattern that the parser understands is written anew: character properties, `\\s` and `\\d` as
ranges of Unicode 16.0.0, cases folded, `$` and `\\Z` as fancy-regex reads them, groups without
captures. Any other pattern (with back-references, flags, named groups, grapheme clusters) is handed
over as it is, in the library's "version 1" syntax, which has set operators and nested classes, and
without full case folding, which fancy-regex lacks. What differs then: the library's newer Unicode,
`$` and `\\Z` at a final newline, ASCII classes such as `[[:alpha:]]`, which are Unicode there, and
what `bpecore.pattern.rewrites` tells of.

A repetition of what may match nothing ends with the first match of nothing; where fancy-regex
leaves such a pattern to the `regex` crate, it goes on to the next way to match. That shows only
beside a look-ahead at the pattern's end that asks for more than one character, and beside `^` or
`\\b`.

The library backtracks: time can grow exponentially with the text for a bad pattern.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bpecore.pattern.character_sets import ANY_CHARACTER, NO_CHARACTER, CharacterSet
from bpecore.pattern.errors import UnsupportedPattern
from bpecore.pattern.parser import parse
from bpecore.pattern.syntax import (
    Atomic,
    Characters,
    Choice,
    LookAround,
    Next,
    Node,
    Repeat,
    Sequence,
)

if TYPE_CHECKING:
    import regex

# Turns the library's full case folding off for what follows.
_SIMPLE_CASE_FOLDING = "(?-f)"
_QUANTIFIER_SUFFIXES = {"greedy": "", "lazy": "?", "possessive": "+"}


@lru_cache(maxsize=32)
def compile_fallback(pattern: str) -> regex.Pattern[str]:
    r"""Compiles a split pattern on the `regex` library.

    Args:
        pattern: A pattern in the syntax of fancy-regex 0.19, such as a tiktoken `pat_str`.

    Returns:
        The library's pattern. Its matches, whole (`match.group()` of `finditer`; a pattern handed
        over as it is may have captures), are the pieces. A match may be empty: the caller has to
        refuse that.

    Raises:
        ValueError: The pattern is invalid; the message holds the library's own.

    Example:
        >>> [match.group() for match in compile_fallback(r"(?<=\d)a|b$").finditer("a1a b\n")]
        ['a']
    """
    # Costly to import, and needed by no OpenAI encoding.
    import regex

    try:
        source = _source(parse(pattern))
    except UnsupportedPattern:
        source = _SIMPLE_CASE_FOLDING + pattern
    try:
        return regex.compile(source, regex.VERSION1)
    except regex.error as error:
        # Its attributes are missing from the library's type stubs.
        details: Any = error
        offset = None if details.pos is None else details.pos - len(_SIMPLE_CASE_FOLDING)
        place = "" if offset is None else f" at character {offset}"
        raise ValueError(f"invalid split pattern {pattern!r}: {details.msg}{place}") from error
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"invalid split pattern {pattern!r}: {error}") from error


def _source(node: Node) -> str:
    """A syntax tree in the `regex` library's syntax, fit to stand in a sequence."""
    if isinstance(node, Characters):
        return _class(node.members)
    if isinstance(node, Next):
        if node.at_end:
            return f"(?!{_class(node.members.complement())})"
        return f"(?={_class(node.members)})"
    if isinstance(node, LookAround):
        return f"(?{'' if node.ahead else '<'}{'!' if node.negated else '='}{_source(node.body)})"
    if isinstance(node, Sequence):
        return "".join(_source(item) for item in node.items)
    if isinstance(node, Choice):
        return f"(?:{'|'.join(_source(alternative) for alternative in node.alternatives)})"
    if isinstance(node, Repeat):
        maximum = "" if node.maximum is None else node.maximum
        suffix = _QUANTIFIER_SUFFIXES[node.mode]
        return f"(?:{_source(node.body)}){{{node.minimum},{maximum}}}{suffix}"
    assert isinstance(node, Atomic)
    return f"(?>{_source(node.body)})"


def _class(members: CharacterSet) -> str:
    if members == NO_CHARACTER:
        return "(?!)"
    if members == ANY_CHARACTER:
        return r"[\x00-\U0010FFFF]"
    return "[" + "".join(f"\\U{first:08X}-\\U{last:08X}" for first, last in members.ranges()) + "]"
