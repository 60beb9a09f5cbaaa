"""Runs a split pattern on the `regex` library, with the meaning that fancy-regex gives it.

A pattern that the parser understands is written anew: character properties, `\\s` and `\\d` as
ranges of Unicode 16.0.0, cases folded, `$` and `\\Z` as fancy-regex reads them, groups without
captures. Any other pattern (with back-references, flags, named groups) is handed over as
`handed_over` rewrites it, in the library's "version 1" syntax, which has set operators and nested
classes, and without full case folding, which fancy-regex lacks. What differs then: under `(?i)` the
library's newer Unicode, and what `bpecore._pattern.rewrites` tells of.

A repetition of what may match nothing ends with the first match of nothing; where fancy-regex
leaves such a pattern to the `regex` crate, it goes on to the next way to match. That shows only
beside a look-ahead at the pattern's end that asks for more than one character, and beside `^` or
`\\b`.

The library backtracks: time can grow exponentially with the text for a bad pattern.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.handed_over import rewrite
from bpecore._pattern.library_syntax import source_of
from bpecore._pattern.parser import parse

if TYPE_CHECKING:
    import regex

# Turns the library's full case folding off for what follows.
_SIMPLE_CASE_FOLDING = "(?-f)"


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
        source = source_of(parse(pattern))
    except UnsupportedPattern:
        source = _SIMPLE_CASE_FOLDING + rewrite(pattern)
    try:
        return regex.compile(source, regex.VERSION1)
    except regex.error as error:
        # Its attributes are missing from the library's type stubs.
        details: Any = error
        place = ""
        if details.pos is not None and source == _SIMPLE_CASE_FOLDING + pattern:
            place = f" at character {details.pos - len(_SIMPLE_CASE_FOLDING)}"
        raise ValueError(f"invalid split pattern {pattern!r}: {details.msg}{place}") from error
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"invalid split pattern {pattern!r}: {error}") from error
