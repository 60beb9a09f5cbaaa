"""Runs a split pattern on the `regex` library with the meaning that fancy-regex gives it.

A pattern that the parser understands is written out again: character classes and properties as
ranges of Unicode 16.0.0 with their cases folded, `$` and `\\Z` as fancy-regex reads them, groups
without captures. Any other pattern (with back-references, for instance) is rewritten piece by piece
by `handed_over`. Both use the library's "version 1" syntax.

Known differences that remain:

- A back-reference under `(?i)` is compared by the library, to which dotless and dotted I are cases
  of `i`.
- A flag other than `i` set inside a group ends with the group.
- A repetition of what can match the empty string stops at the first empty match; fancy-regex goes
  on to the next way to match if it leaves the pattern to the `regex` crate. This shows only beside
  `^`, `\\b` or a look-ahead for more than one character at the pattern's end.

The library backtracks: with a bad pattern, time can grow exponentially with the text.
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

# Turns off the library's full case folding, which fancy-regex lacks.
_SIMPLE_CASE_FOLDING = "(?-f)"


@lru_cache(maxsize=32)
def compile_fallback(pattern: str) -> regex.Pattern[str]:
    r"""Compiles a split pattern on the `regex` library.

    Args:
        pattern: A pattern in the syntax of fancy-regex 0.19, such as a tiktoken `pat_str`.

    Returns:
        The library's pattern. Its whole matches (`match.group()` of `finditer`) are the pieces.
        Captures have no meaning. A match may be empty: the caller has to refuse that.

    Raises:
        ValueError: The pattern is invalid; the message includes the library's own.

    Example:
        >>> [match.group() for match in compile_fallback(r"(?<=\d)a|b$").finditer("a1a b\n")]
        ['a']
    """
    # Costly to import, and not needed by any OpenAI encoding.
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
