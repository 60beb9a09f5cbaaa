r"""Rewrites a pattern where the `regex` library would read it otherwise than fancy-regex does.

For patterns that the parser does not understand as a whole (with back-references, conditional
groups or rare escapes). The parts that it does understand, escapes and bracketed classes, become
sets of Unicode 16.0.0, `$`, `\Z`, `\N` and the like are written as what they mean, and what `(?i)`
applies to is written as folded sets, so that only back-references are left to the library's own
case folding.
What the library would read as something different, such as `(?R)`, which is a recursion there and a
flag in fancy-regex, is refused. The rest is left as it is.

`$` stays under `(?m)`, where it means the same to both.
"""

from __future__ import annotations

import re

from bpecore._pattern.case_folding import case_groups
from bpecore._pattern.classes import ClassReader
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.library_syntax import source_of
from bpecore._pattern.parser import assertion_at
from bpecore._pattern.syntax import END_OF_TEXT

_FLAGS = re.compile(r"\(\?([A-Za-z]*)(?:-([A-Za-z]*))?([:)])")
_KNOWN_FLAGS = frozenset("imsx")
_ALWAYS_ON = "u"
_COMMENT = re.compile(r"\(\?#[^)]*\)")
_RECURSION = re.compile(r"\(\?(?:R|[0-9]|&|P>|[+-][0-9])")
_NAMED_GROUP = re.compile(r"\(\?P?<\w+>|\(\?\((?:<\w+>|'\w+'|\w+)\)")
_REFERENCE = re.compile(r"\\k<(\w+)>|\(\?P=(\w+)\)|\\[1-9][0-9]*")
_OTHERWISE = re.compile(r"\\(?:[gX0]|[pP](?![{A-Za-z])|b\{)")
_OTHERWISE_IN_A_CLASS = re.compile(r"\\(?:[hHNgX0-9]|[pP](?![{A-Za-z]))|\|\||\[:\^?[a-z]")
_WRITTEN_ANEW = {"N": r"[^\n]", "O": r"[\x00-\U0010FFFF]"}


def rewrite(pattern: str) -> str:
    r"""Returns a pattern that means to the `regex` library what another means to fancy-regex.

    Args:
        pattern: a pattern in fancy-regex's syntax, which `parse` has refused.

    Returns:
        The pattern, in the library's "version 1" syntax.

    Raises:
        ValueError: a part of it would mean something different to the library.

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
        self._is_multiline = "m" in flags
        self._is_verbose = "x" in flags
        # Whether `(?i)` applies after each open group. None: as at the group's end, because in
        # fancy-regex only a group with flags restores the flags from before it.
        self._after_groups: list[bool | None] = []

    def part(self, position: int) -> tuple[str, int]:
        """Returns what the part of the pattern at a position becomes, and where the next begins."""
        character = self._pattern[position]
        reference = _REFERENCE.match(self._pattern, position)
        if reference is not None:
            return self._reference(reference), reference.end()
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
        if character == ")" and self._after_groups:
            after = self._after_groups.pop()
            self._classes.ignore_case = self._classes.ignore_case if after is None else after
        if self._classes.ignore_case and ord(character) in case_groups():
            return f"[{''.join(map(chr, case_groups()[ord(character)]))}]", position + 1
        return character, position + 1

    def _reference(self, found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        return self._cased(f"(?P={name})" if name else found.group())

    def _cased(self, source: str) -> str:
        """Leaves case folding to the library where `(?i)` applies."""
        return f"(?i:{source})" if self._classes.ignore_case else source

    def _opening(self, position: int) -> tuple[str, int]:
        comment = _COMMENT.match(self._pattern, position)
        if comment is not None:
            return "", comment.end()
        found = _FLAGS.match(self._pattern, position)
        if found is not None:
            return self._flags(found), found.end()
        if _RECURSION.match(self._pattern, position):
            raise self._refusal(self._pattern[position : position + 4], position)
        self._after_groups.append(None)
        named = _NAMED_GROUP.match(self._pattern, position)
        end = named.end() if named else position + 1
        return self._pattern[position:end], end

    def _flags(self, found: re.Match[str]) -> str:
        """Returns a group's opening with flags, or flags by themselves, without the flag `i`."""
        on, off = found.group(1).replace(_ALWAYS_ON, ""), found.group(2) or ""
        if not _KNOWN_FLAGS.issuperset(on + off):
            raise self._refusal(self._pattern[found.start() : found.start() + 4], found.start())
        if found.group(3) == ":":
            self._after_groups.append(self._classes.ignore_case)
        if "i" in on + off:
            self._classes.ignore_case = "i" not in off
        on, off = on.replace("i", ""), off.replace("i", "")
        if found.group(3) == ")" and not on + off:
            return ""
        return f"(?{on}{'-' if off else ''}{off}{found.group(3)}"

    def _escape(self, position: int) -> tuple[str, int]:
        letter = self._pattern[position + 1 : position + 2]
        if _OTHERWISE.match(self._pattern, position):
            raise self._refusal(self._pattern[position : position + 3], position)
        if letter in _WRITTEN_ANEW:
            return _WRITTEN_ANEW[letter], position + 2
        assertion = assertion_at(self._pattern, position)
        if assertion is not None:
            return source_of(assertion), position + 2
        return self._read(position, position + 2)

    def _class(self, position: int) -> tuple[str, int]:
        end = _end_of_class(self._pattern, position)
        written = self._pattern[position:end]
        if self._is_verbose and re.search(r"\s|#", written):
            return self._cased(written), end  # white space may be part of the class or not
        return self._read(position, end)

    def _read(self, position: int, end: int) -> tuple[str, int]:
        """Returns the part up to `end` as a set; unchanged if the parser does not read it."""
        try:
            characters, read_end = self._classes.read(position)
        except UnsupportedPattern:
            if self._pattern[position] == "[":
                self._check_class(position, end)
            return self._cased(self._pattern[position:end]), end
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
    """Returns the end of the bracketed class at a position; the pattern's if it is not closed."""
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
