"""Reads a split pattern into a syntax tree, as fancy-regex 0.19 over regex-syntax 0.8.11 reads it.

Anything that is not certain to be read the same way is refused; a refused pattern still works, on
the `regex` library. Time is proportional to the pattern's length and to the size of the sets it
names. Both are limited, and so is how deep groups and classes nest.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Callable

from bpecore._pattern.character_sets import ANY_CHARACTER, CharacterSet
from bpecore._pattern.classes import ClassReader
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.properties import word_characters
from bpecore._pattern.rewrites import rewritten
from bpecore._pattern.syntax import (
    END_OF_LINE,
    END_OF_TEXT,
    Atomic,
    Captured,
    Characters,
    Choice,
    LookAround,
    Next,
    Node,
    Repeat,
    Sequence,
    as_next,
    choice_of,
    is_matched_backward,
    sequence_of,
)

# In characters; the longest pattern of a known tokenizer has some 400.
_LENGTH_LIMIT = 100_000
# How deep groups can nest. Each level takes about ten Python frames.
_DEPTH_LIMIT = 50
# The largest bound of a counted repetition; more could not be compiled anyway.
_COUNT_LIMIT = 4096

_NEWLINE = CharacterSet.of_characters("\n")
_LINE_ENDS = CharacterSet.of_characters("\n\x0b\x0c\r\x85\u2028\u2029")
_COUNT = re.compile(r"\{(?:([0-9]+)|([0-9]*),([0-9]*))\}")
_FLAGS = re.compile(r"\(\?([imsux]*)(?:-([imsx]*))?([:)])")
_NAME = re.compile(r"\(\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|'[A-Za-z_][A-Za-z0-9_]*')")
_COMMENT = re.compile(r"\(\?#[^)]*\)")
# Under (?x). Other white space is literal.
_VERBOSE_SPACE = re.compile(r"[ \t\r\n]+|#[^\n]*")
_LOOK_AROUNDS = {
    "(?=": (True, False, "a look-ahead"),
    "(?!": (True, True, "a look-ahead"),
    "(?<=": (False, False, "a look-behind"),
    "(?<!": (False, True, "a look-behind"),
}


def parse(pattern: str) -> Node:
    """Reads a split pattern.

    Args:
        pattern: the pattern, in fancy-regex's syntax.

    Returns:
        Its syntax tree, as fancy-regex rewrites it.

    Raises:
        UnsupportedPattern: the pattern is invalid, or outside the syntax that is known to be read
            as fancy-regex reads it.
        ValueError: a look-behind means to fancy-regex what nothing here can match.

    Example:
        >>> parse(r"a|b")
        Characters(members=CharacterSet(boundaries=(97, 99)))
    """
    if len(pattern) > _LENGTH_LIMIT:
        raise UnsupportedPattern(f"a pattern of more than {_LENGTH_LIMIT} characters")
    return _within_the_stack(lambda: rewritten(parse_as_written(pattern)))


def parse_as_written(pattern: str) -> Node:
    """Reads a split pattern like `parse`, into a tree that nothing has rewritten."""
    return _within_the_stack(_Parser(pattern).parse)


def _within_the_stack(read: Callable[[], Node]) -> Node:
    try:
        return read()
    except RecursionError:
        raise UnsupportedPattern("groups nested too deep for the stack that is left") from None


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._classes = ClassReader(pattern)
        self._flags = frozenset("")
        self._position = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._choice()
        if self._position < len(self._pattern):
            raise UnsupportedPattern("a closing parenthesis that closes nothing", self._position)
        return node

    def _take(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._position):
            return False
        self._position += len(text)
        return True

    def _peek(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _skip(self) -> None:
        """Skips comments and, under `(?x)`, white space."""
        found = _COMMENT.match(self._pattern, self._position)
        if found is None and "x" in self._flags:
            found = _VERBOSE_SPACE.match(self._pattern, self._position)
        if found is not None:
            self._position = found.end()
            self._skip()

    def _set_flags(self, flags: frozenset[str]) -> None:
        self._flags = flags
        self._classes.ignore_case = "i" in flags

    def _choice(self) -> Node:
        alternatives = [self._sequence()]
        while self._take("|"):
            alternatives.append(self._sequence())
        return choice_of(tuple(alternatives))

    def _sequence(self) -> Node:
        items: list[Node] = []
        self._skip()
        while self._peek() not in ("", "|", ")"):
            if self._take_flags():
                if self._peek() == "{":
                    raise UnsupportedPattern("a brace after flags", self._position)
            else:
                items.append(self._quantified(self._atom()))
            self._skip()
        return sequence_of(items)

    def _take_flags(self) -> bool:
        """Reads flags such as `(?i)`. They apply until a group that began with `(?` and a colon
        or flags ends; the end of any other group changes no flag."""
        found = _FLAGS.match(self._pattern, self._position)
        if found is None or found.group(3) == ":":
            return False
        self._change_flags(found)
        return True

    def _change_flags(self, found: re.Match[str]) -> None:
        on, off = found.group(1), found.group(2) or ""
        if not on + off and found.group() != "(?:":
            raise UnsupportedPattern("a group with flags that names none", self._position)
        self._set_flags(self._flags.union(on).difference(off))
        self._position = found.end()

    def _quantified(self, atom: Node) -> Node:
        self._skip()
        offset = self._position
        count = self._count()
        if count is None:
            return atom
        if isinstance(atom, (Next, LookAround)):
            raise UnsupportedPattern("a quantifier on what matches no character", offset)
        minimum, maximum = count
        self._skip()
        mode = "lazy" if self._take("?") else "possessive" if self._take("+") else "greedy"
        self._skip()
        if self._peek() in ("*", "+", "?"):
            raise UnsupportedPattern("a quantifier on a quantifier", self._position)
        return Repeat(atom, minimum, maximum, mode, offset)

    def _count(self) -> tuple[int, int | None] | None:
        for symbol, count in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(symbol):
                return count
        found = _COUNT.match(self._pattern, self._position)
        if found is None:
            return None
        exactly, least, most = found.groups()
        minimum = int(exactly or least or 0)
        maximum = int(exactly or most) if exactly or most else None
        if minimum > _COUNT_LIMIT or (maximum or 0) > _COUNT_LIMIT:
            raise UnsupportedPattern(f"a repetition count above {_COUNT_LIMIT}", self._position)
        if maximum is not None and (maximum == 0 or maximum < minimum):
            raise UnsupportedPattern(f"the repetition count {found.group()}", self._position)
        self._position = found.end()
        return minimum, maximum

    def _atom(self) -> Node:
        offset = self._position
        character = self._peek()
        if character == "(":
            return self._group()
        if character in ("[", "\\"):
            return self._class_or_escape()
        if character in ("*", "+", "?"):
            raise UnsupportedPattern("a quantifier with nothing to repeat", offset)
        if character == "{" and "x" in self._flags:
            raise UnsupportedPattern(r"a brace that opens no repetition (write \{)", offset)
        self._position += 1
        if character == "." and "s" in self._flags:
            return Characters(ANY_CHARACTER, "any character")
        if character == ".":
            return Characters(_NEWLINE.complement(), "any but a newline")
        if character == "$":
            return END_OF_LINE if "m" in self._flags else END_OF_TEXT
        if character == "^":
            return _start_of_line(offset) if "m" in self._flags else _start_of_text("^", offset)
        return self._classes.literal(ord(character), offset)

    def _class_or_escape(self) -> Node:
        offset = self._position
        half = _HALF_EDGE.match(self._pattern, offset)
        if half is not None:
            self._position = half.end()
            return _HALF_EDGES[half.group(1)](offset)
        assertion = assertion_at(self._pattern, offset)
        if assertion is not None:
            self._position += 2
            if self._peek() == "{":
                raise UnsupportedPattern("a brace after an assertion", self._position)
            self._classes.charge(word_characters(), offset)
            return assertion
        if self._take(r"\N"):
            return Characters(_NEWLINE.complement(), "any but a newline")
        if self._take(r"\O"):
            return Characters(ANY_CHARACTER, r"\O")
        if self._take(r"\R"):
            return Atomic(_LINE_END, offset)
        characters, self._position = self._classes.read(offset)
        return characters

    def _group(self) -> Node:
        offset = self._position
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise UnsupportedPattern(f"groups nested more than {_DEPTH_LIMIT} deep", offset)
        node = self._group_body(offset)
        self._depth -= 1
        return node

    def _group_body(self, offset: int) -> Node:
        found = _FLAGS.match(self._pattern, offset)
        if found is not None:
            outer_flags = self._flags
            self._change_flags(found)
            node = self._closed_choice(offset)
            self._set_flags(outer_flags)
            return node
        if self._take("(?>"):
            return Atomic(self._closed_choice(offset), offset)
        for opening, (ahead, negated, description) in _LOOK_AROUNDS.items():
            if self._take(opening):
                body = self._closed_choice(offset)
                if not ahead and not is_matched_backward(body):
                    raise ValueError(
                        f"invalid split pattern {self._pattern!r}: a look-behind of variable "
                        f"length with look-around or an atomic group inside, at character {offset}"
                    )
                return _look_around(body, ahead, negated, description, offset)
        named = _NAME.match(self._pattern, offset)
        self._position = offset + 1 if named is None else named.end()
        if self._peek() in ("?", "*") and named is None:
            raise UnsupportedPattern("a conditional group or another extension", offset)
        return Captured(self._closed_choice(offset))

    def _closed_choice(self, offset: int) -> Node:
        node = self._choice()
        if not self._take(")"):
            raise UnsupportedPattern("an opening parenthesis that nothing closes", offset)
        return node


def assertion_at(pattern: str, offset: int) -> Node | None:
    r"""Returns the assertion of the escape at an offset, such as `\b` or `\Z`, or None."""
    assertion = _ESCAPED_ASSERTIONS.get(pattern[offset : offset + 2])
    return None if assertion is None else assertion(offset)


def _look_around(body: Node, ahead: bool, negated: bool, description: str, offset: int) -> Node:
    following = as_next(body) if ahead else None
    if following is None:
        return LookAround(body, ahead, negated, description, offset)
    if negated:
        spelling = f"(?!{following.spelling})"
        return Next(following.members.complement(), not following.at_end, spelling)
    return replace(following, spelling=f"(?={following.spelling})")


def _start_of_text(written: str, offset: int) -> Node:
    description = f"the start of the text ({written})"
    any_character = Characters(ANY_CHARACTER)
    return LookAround(any_character, False, True, description, offset, delegated=True)


def _start_of_line(offset: int) -> Node:
    other = Characters(_NEWLINE.complement(), "any but a newline")
    return LookAround(other, False, True, "the start of a line (^)", offset, delegated=True)


def _before_final_newlines(offset: int) -> Node:
    newlines = Repeat(Characters(_NEWLINE), 0, None, "greedy", offset)
    body = Sequence((newlines, END_OF_TEXT))
    return LookAround(
        body, ahead=True, negated=False, description=r"the end of the text (\Z)", offset=offset
    )


def _word_edge(offset: int, escape: str, *sides: tuple[bool, bool]) -> Node:
    """Matches where the characters before and after are (not) word characters, as in `sides`."""
    description = f"a word boundary ({escape})"
    word = Characters(word_characters())
    return choice_of(
        tuple(
            Sequence(
                (
                    LookAround(word, False, not before, description, offset),
                    _look_around(word, True, not after, description, offset),
                )
            )
            for before, after in sides
        )
    )


def _half_edge(offset: int, escape: str, ahead: bool) -> Node:
    """Matches where no word character is ahead of, or behind, this place."""
    word = Characters(word_characters())
    return _look_around(word, ahead, True, f"a word boundary ({escape})", offset)


_LINE_END = Choice(
    (
        Sequence(
            (
                Characters(CharacterSet.of_characters("\r"), "\r"),
                Characters(_NEWLINE, "\n"),
            )
        ),
        Characters(_LINE_ENDS, r"\R"),
    )
)
_INTO, _OUT_OF, _INSIDE, _OUTSIDE = (False, True), (True, False), (True, True), (False, False)
_ESCAPED_ASSERTIONS: dict[str, Callable[[int], Node]] = {
    r"\A": lambda offset: _start_of_text(r"\A", offset),
    r"\b": lambda offset: _word_edge(offset, r"\b", _INTO, _OUT_OF),
    r"\B": lambda offset: _word_edge(offset, r"\B", _INSIDE, _OUTSIDE),
    r"\<": lambda offset: _word_edge(offset, r"\<", _INTO),
    r"\>": lambda offset: _word_edge(offset, r"\>", _OUT_OF),
    r"\z": lambda offset: END_OF_TEXT,
    r"\Z": _before_final_newlines,
}
_HALF_EDGE = re.compile(r"\\b\{(start|end|start-half|end-half)\}")
_HALF_EDGES: dict[str, Callable[[int], Node]] = {
    "start": _ESCAPED_ASSERTIONS[r"\<"],
    "end": _ESCAPED_ASSERTIONS[r"\>"],
    "start-half": lambda offset: _half_edge(offset, r"\b{start-half}", False),
    "end-half": lambda offset: _half_edge(offset, r"\b{end-half}", True),
}
