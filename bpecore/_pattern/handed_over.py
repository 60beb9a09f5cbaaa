r"""Writes anew what the `regex` library would read otherwise than fancy-regex.

For patterns that the parser does not understand as a whole (with back-references, flags, named
groups): what it does understand of them, escapes and bracketed classes, becomes sets of Unicode
16.0.0, and `$`, `\Z`, `\N` and the like what they mean. What the library would take for something
else, such as `(?R)`, which is a recursion there and a flag in fancy-regex, is refused. The rest is
left as it is.

Under `(?i)` properties and bracketed classes stay as they are written, since a set and its
complement fold differently; `$` stays under `(?m)`, where it means the same to both.
"""

from __future__ import annotations

import re

from bpecore._pattern.classes import ClassReader
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.library_syntax import source_of
from bpecore._pattern.parser import assertion_at
from bpecore._pattern.syntax import END_OF_TEXT

_FLAGS = re.compile(r"\(\?([A-Za-z]*)(?:-([A-Za-z]+))?[:)]")
_KNOWN_FLAGS = frozenset("imsx")
_ALWAYS_ON = "u"
_COMMENT = re.compile(r"\(\?#[^)]*\)")
_RECURSION = re.compile(r"\(\?(?:R|[0-9]|&|P>|[+-][0-9])")
_NAMED_REFERENCE = re.compile(r"\\k<(\w+)>")
_OTHERWISE = re.compile(r"\\(?:[gX0]|[pP](?![{A-Za-z])|b\{)")
_OTHERWISE_IN_A_CLASS = re.compile(r"\\(?:[hHNgX0-9]|[pP](?![{A-Za-z]))|\|\||\[:\^?[a-z]")
_WRITTEN_ANEW = {"N": r"[^\n]", "O": r"[\x00-\U0010FFFF]"}


def rewrite(pattern: str) -> str:
    r"""Returns a pattern for the `regex` library that means what another means to fancy-regex.

    Args:
        pattern: A pattern in fancy-regex's syntax, which `parse` has refused.

    Returns:
        The pattern, in the library's "version 1" syntax.

    Raises:
        ValueError: There is something in it that the library takes for something else.

    Example:
        >>> rewrite(r"(a)\1|\N")
        '(a)\\1|[^\\n]'
    """
    rewriter = _Rewriter(pattern)
    written = []
    position = 0
    while position < len(pattern):
        part, position = rewriter.part(position)
        written.append(part)
    return "".join(written)


class _Rewriter:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._classes = ClassReader(pattern)
        flags = "".join(found.group(1) for found in _FLAGS.finditer(pattern))
        self._ignores_case = "i" in flags
        self._is_multiline = "m" in flags
        self._is_verbose = "x" in flags

    def part(self, position: int) -> tuple[str, int]:
        """What the part of the pattern at a position becomes, and where the next one begins."""
        character = self._pattern[position]
        if character == "\\":
            return self._escape(position)
        if character == "[":
            return self._class(position)
        if character == "(":
            return self._opening(position)
        if character == "$" and not self._is_multiline:
            return source_of(END_OF_TEXT), position + 1
        if character == "#" and self._is_verbose:
            end = self._pattern.find("\n", position) + 1 or len(self._pattern)
            return self._pattern[position:end], end
        return character, position + 1

    def _opening(self, position: int) -> tuple[str, int]:
        comment = _COMMENT.match(self._pattern, position)
        if comment is not None:
            return "", comment.end()
        found = _FLAGS.match(self._pattern, position)
        if found is None:
            is_otherwise = _RECURSION.match(self._pattern, position) is not None
        else:
            flags = found.group(1).replace(_ALWAYS_ON, "") + (found.group(2) or "")
            is_otherwise = not _KNOWN_FLAGS.issuperset(flags)
        if is_otherwise:
            raise self._refusal(self._pattern[position : position + 4], position)
        return "(", position + 1

    def _escape(self, position: int) -> tuple[str, int]:
        letter = self._pattern[position + 1 : position + 2]
        if _OTHERWISE.match(self._pattern, position):
            raise self._refusal(self._pattern[position : position + 3], position)
        reference = _NAMED_REFERENCE.match(self._pattern, position)
        if reference is not None:
            return f"(?P={reference.group(1)})", reference.end()
        if letter in _WRITTEN_ANEW:
            return _WRITTEN_ANEW[letter], position + 2
        assertion = assertion_at(self._pattern, position)
        if assertion is not None:
            return source_of(assertion), position + 2
        if self._ignores_case and letter in ("p", "P", "w", "W"):
            return self._pattern[position : position + 2], position + 2
        return self._read(position, position + 2)

    def _class(self, position: int) -> tuple[str, int]:
        end = _end_of_class(self._pattern, position)
        written = self._pattern[position:end]
        if self._is_verbose and re.search(r"\s|#", written):
            return written, end  # which may be part of it or not
        if not self._ignores_case:
            return self._read(position, end)
        self._check_class(position, end)
        return written, end

    def _read(self, position: int, end: int) -> tuple[str, int]:
        """What the parser reads up to `end`, as a set; as it is, if it does not understand it."""
        try:
            characters, read_end = self._classes.read(position)
        except UnsupportedPattern:
            if self._pattern[position] == "[":
                self._check_class(position, end)
            return self._pattern[position:end], end
        return source_of(characters), read_end

    def _check_class(self, position: int, end: int) -> None:
        found = _OTHERWISE_IN_A_CLASS.search(self._pattern[position:end])
        if found is not None:
            raise self._refusal(f"{found.group()} in a class", position)

    def _refusal(self, what: str, position: int) -> ValueError:
        return ValueError(
            f"invalid split pattern {self._pattern!r}: {what} at character {position} means "
            f"something else to the library that would have to run it"
        )


def _end_of_class(pattern: str, position: int) -> int:
    """Where the bracketed class at a position ends; the pattern's end if nothing closes it."""
    depth = 0
    first = position + 1 + pattern.startswith("[^", position)
    while position < len(pattern):
        if pattern[position] == "\\":
            position += 1
        elif pattern[position] == "[":
            depth += 1
        elif pattern[position] == "]" and position != first:
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return len(pattern)
