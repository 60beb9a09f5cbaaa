"""The pattern that some rules of the split family mean, as a syntax tree.

Its characters are the classes of another automaton, so it says nothing about Unicode and is
compiled in no time.
"""

from __future__ import annotations

from typing import NamedTuple

from bpecore._pattern.character_sets import NO_CHARACTER, CharacterSet
from bpecore._pattern.families import (
    AFTER_ANY,
    ASCII_WORDS,
    CASED_WORDS,
    CONTRACTIONS,
    LETTER,
    LETTER_MARK,
    LINE_END,
    LINE_END_PIECES,
    LOWER,
    NUMBER,
    NUMBERS_AFTER_SPACE,
    NUMBERS_ALONE,
    NUMBERS_BY_THREE,
    NUMBERS_ISOLATED,
    ODD_SCRIPT,
    OF_WORD,
    OTHER,
    SCRIPT,
    SCRIPT_ISOLATED,
    SCRIPT_LETTER,
    SPACE,
    TAKEN_LINE_ENDS,
    TAKEN_SLASHES,
    UPPER,
    WHITE,
    WHOLE_RUNS,
    WIDE_OTHER,
    WITH_MARKS,
)
from bpecore._pattern.syntax import Characters, Choice, Next, Node, Repeat, Sequence


class NamedClasses(NamedTuple):
    """What a member of the family names by itself: sets of classes.

    Attributes:
        apostrophe: the apostrophe.
        slash: the slash.
        singles: the letters s, d, m and t after an apostrophe.
        doubles: the letters l.
        firsts: the letters v and r.
        lasts: the letters e.
    """

    apostrophe: frozenset[int]
    slash: frozenset[int]
    singles: frozenset[int]
    doubles: frozenset[int]
    firsts: frozenset[int]
    lasts: frozenset[int]


def canonical_tree(rules: int, kinds: list[int], named: NamedClasses, takes_end: bool) -> Node:
    """Returns the pattern of a member of the family.

    Args:
        rules: its rules.
        kinds: the kind of each class; the kinds of an apostrophe and of a slash do not occur.
        named: which classes the member names by themselves.
        takes_end: whether white space up to the end of the text is a piece, line ends or not.
    """
    return _Writer(rules, kinds, named).tree(takes_end)


def _optional(node: Node) -> Node:
    return Repeat(node, 0, 1, "greedy", 0)


def _any(node: Node) -> Node:
    return Repeat(node, 0, None, "greedy", 0)


def _some(node: Node) -> Node:
    return Repeat(node, 1, None, "greedy", 0)


class _Writer:
    def __init__(self, rules: int, kinds: list[int], named: NamedClasses) -> None:
        self._rules = rules
        self._kinds = kinds
        self._named = named

    def tree(self, takes_end: bool) -> Node:
        rules = self._rules
        white = self._of(SPACE, WHITE, LINE_END)
        isolated = self._of(
            *([NUMBER] if rules & NUMBERS_ISOLATED else []),
            *([SCRIPT_LETTER, ODD_SCRIPT] if rules & SCRIPT_ISOLATED else []),
        ).members
        others = self._of(OTHER, WIDE_OTHER, *([LETTER_MARK] if rules & WITH_MARKS else []))
        alternatives: list[Node] = []
        if rules & CONTRACTIONS and not rules & OF_WORD:
            alternatives.append(self._contraction())
        if rules & SCRIPT:
            alternatives.append(_some(self._of(SCRIPT_LETTER)))
        alternatives += self._words(others)
        alternatives.append(self._numbers())
        run: list[Node] = [_optional(self._of(SPACE)), _some(others)]
        if rules & TAKEN_LINE_ENDS:
            taken = self._of(LINE_END).members
            if rules & TAKEN_SLASHES:
                taken = taken.union(_set(self._named.slash))
            run.append(_any(Characters(taken)))
        alternatives.append(Sequence(tuple(run)))
        if takes_end:
            alternatives.append(Sequence((_some(white), Next(NO_CHARACTER, True))))
        if rules & LINE_END_PIECES:
            alternatives.append(Sequence((_any(white), _some(self._of(LINE_END)))))
        if not rules & WHOLE_RUNS:
            stop = Next(white.members.union(isolated), True)
            alternatives.append(Sequence((_some(white), stop)))
        alternatives.append(_some(white))
        return Choice(tuple(alternatives))

    def _of(self, *kinds: int) -> Characters:
        return Characters(_set(frozenset(c for c, kind in enumerate(self._kinds) if kind in kinds)))

    def _contraction(self) -> Node:
        singles, doubles, firsts, lasts = map(_characters, self._named[2:])
        ending = Choice((singles, Sequence((doubles, doubles)), Sequence((firsts, lasts))))
        return Sequence((_characters(self._named.apostrophe), ending))

    def _words(self, others: Characters) -> list[Node]:
        blank = self._of(SPACE, WHITE)
        letters = self._of(UPPER, LOWER, LETTER, LETTER_MARK)
        ascii_words: list[Node] = []
        if self._rules & AFTER_ANY:
            prefix = Characters(blank.members.union(others.members))
        elif self._rules & ASCII_WORDS:
            prefix = blank
            ascii_words = [Sequence((self._of(OTHER), _some(self._of(UPPER, LOWER))))]
        else:
            prefix = self._of(SPACE)
        ending = (_optional(self._contraction()),) if self._rules & OF_WORD else ()
        if not self._rules & CASED_WORDS:
            return [*ascii_words, Sequence((_optional(prefix), _some(letters), *ending))]
        upper, lower = self._of(UPPER, LETTER, LETTER_MARK), self._of(LOWER, LETTER, LETTER_MARK)
        return [
            Sequence((_optional(prefix), _any(upper), _some(lower), *ending)),
            Sequence((_optional(prefix), _some(upper), _any(lower), *ending)),
        ]

    def _numbers(self) -> Node:
        number: Node = self._of(NUMBER)
        if self._rules & NUMBERS_BY_THREE:
            number = Repeat(number, 1, 3, "greedy", 0)
        elif not self._rules & NUMBERS_ALONE:
            number = _some(number)
        if self._rules & NUMBERS_AFTER_SPACE:
            return Sequence((_optional(self._of(SPACE)), number))
        return number


def _set(classes: frozenset[int]) -> CharacterSet:
    return CharacterSet.of_ranges((number, number) for number in classes)


def _characters(classes: frozenset[int]) -> Characters:
    return Characters(_set(classes))
