"""Decides whether a split pattern is a member of the split family, however it is written.

The pattern's automaton is tried on short strings, whose first pieces show the rules. Classes of
characters that it treats alike have one kind. What follows from that is a guess, which is proven:
the automaton must find the pieces of the pattern that these rules and kinds mean (`canonical`).

A character that fits no kind is *odd*: the engine asks the automaton wherever it meets one. Then
the pieces that end before it must be those of the rules.

Time: some 20 ms for a member. Most other patterns are refused after a few strings, the
rest by the proof, which visits each pair of states once.
"""

from __future__ import annotations

from typing import NamedTuple

from bpecore._pattern.automaton import Automaton, compile_tree
from bpecore._pattern.canonical import NamedClasses, canonical_tree
from bpecore._pattern.equivalence import START, Tables, covers_all, equal_columns, follows
from bpecore._pattern.families import (
    AFTER_ANY,
    ANY_CASE,
    APOSTROPHE,
    ASCII_WORDS,
    CASED_WORDS,
    CONTRACTIONS,
    IN_FAMILY,
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
    ODD,
    ODD_CHARACTERS,
    ODD_CONTROLS,
    ODD_SCRIPT,
    OF_WORD,
    OTHER,
    SCRIPT,
    SCRIPT_ISOLATED,
    SCRIPT_LETTER,
    SLASH,
    SPACE,
    TAKEN_LINE_ENDS,
    TAKEN_SLASHES,
    UPPER,
    WHITE,
    WHOLE_RUNS,
    WIDE_OTHER,
    WITH_MARKS,
)

# Members have at most 36 states and 30 classes.
_STATE_LIMIT = 200
_CLASS_LIMIT = 80
_LOWER_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CONTROLS = [*map(chr, range(9)), *map(chr, range(14, 32)), "\x7f"]
# Letters of scripts that many texts are in, which would make the engine slow if they were odd.
_COMMON = "éßЖжאاअกひカ中가"


class Member(NamedTuple):
    """A member of the split family.

    Attributes:
        rules: its rules.
        class_kinds: the kind of each of the automaton's classes, `uint8[classes]`; those of ASCII
            characters are known to the engine.
    """

    rules: int
    class_kinds: bytes


def member_of(automaton: Automaton) -> Member | None:
    """Returns the member of the split family that an automaton is, or None.

    Example:
        >>> from bpecore._pattern.automaton import compile_pattern
        >>> member_of(compile_pattern("a+|[^a]+")) is None
        True
    """
    if automaton.state_count > _STATE_LIMIT or automaton.class_count > _CLASS_LIMIT:
        return None
    tables = Tables.of(automaton)
    probe = _Probe(tables)
    if not probe.looks_familiar() or not covers_all(tables):
        return None
    rules = _rules(probe)
    kinds = _kinds(probe, rules)
    if not _fit_the_engine(probe, kinds, rules):
        return None
    odd = [kind in (ODD, ODD_SCRIPT) for kind in kinds]
    if any(odd):
        rules |= ODD_CHARACTERS
        if any(kinds[probe.class_of(control)] == ODD for control in _CONTROLS):
            rules |= ODD_CONTROLS
    tree = canonical_tree(rules, kinds, _named_classes(probe, rules), probe.length("\n ") == 2)
    canonical = Tables.of(compile_tree(tree))
    if not follows(tables, canonical, odd):
        return None
    return Member(rules, bytes(kinds))


class _Probe:
    """Tries an automaton on short strings.

    Args:
        tables: its tables.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._columns: list[int] | None = None

    def class_of(self, character: str) -> int:
        return self.tables.class_of(ord(character))

    def length(self, text: str) -> int:
        """Returns how many characters the first piece of a text has; 0 if there is none there."""
        state, accepted = START, 0
        for place, character in enumerate(text):
            entry = self.tables.rows[state][self.class_of(character)]
            if entry & 1:
                accepted = place
            state = entry >> 1
            if state == 0:
                return accepted
        return len(text) if self.tables.rows[state][-1] & 1 else accepted

    def has(self, text: str) -> bool:
        """Returns whether a text is one piece."""
        return self.length(text) == len(text)

    def looks_familiar(self) -> bool:
        """Returns whether a few strings have the pieces that they have with every member."""
        return all(map(self.has, ("xy", " x", "XY", "éж", "!?", " !?", "\t ", "\n", "1"))) and all(
            self.length(text) == 1 for text in ("x1", "x ", "x!", "1x", "1 ", "1!", "!1", "\n1")
        )

    @property
    def columns(self) -> list[int]:
        """A number for each class; equal for classes that the automaton never distinguishes."""
        if self._columns is None:
            self._columns = equal_columns(self.tables)
        return self._columns

    def like(self, character: str) -> int:
        """Returns the number of a character's class among `columns`."""
        return self.columns[self.class_of(character)]


def _rules(probe: _Probe) -> int:
    """Returns the rules that an automaton seems to follow."""
    has, length = probe.has, probe.length
    tests = [
        (CONTRACTIONS, length("'sx") == 2),
        (CONTRACTIONS | OF_WORD, length("x'sx") == 3),
        (ANY_CASE, length("'Sx") == 2 or length("x'Sx") == 3),
        (CASED_WORDS, not has("xX")),
        (WITH_MARKS, has("x\u0301") and has("!?\u0301")),
        (AFTER_ANY, has("!x") and has("!é")),
        (ASCII_WORDS, has("!x") and not has("!é")),
        (NUMBERS_ALONE, length("11") == 1),
        (NUMBERS_BY_THREE, length("1111") == 3),
        (NUMBERS_AFTER_SPACE, has(" 1")),
        (SCRIPT, not has("中x") or not has("ひx")),
        (LINE_END_PIECES, length("\n  x") == 1),
        (TAKEN_LINE_ENDS, has("!\n\r")),
        (TAKEN_SLASHES, has("!\n/")),
        (WHOLE_RUNS, length("  x") == 2),
    ]
    rules = IN_FAMILY
    for rule, is_followed in tests:
        rules |= rule if is_followed else 0
    if not rules & WHOLE_RUNS:
        rules |= NUMBERS_ISOLATED if length("  1") == 2 else 0
        rules |= SCRIPT_ISOLATED if rules & SCRIPT and length("  " + _of_script(probe)) == 2 else 0
    return rules


def _of_script(probe: _Probe) -> str:
    """Returns a letter of the script that is split by itself."""
    return "ひ" if probe.has("中x") else "中"


def _kinds(probe: _Probe, rules: int) -> list[int]:
    """Returns the kind of each class, except those of the apostrophe and the slash."""
    like = probe.like
    mark = LETTER_MARK if rules & WITH_MARKS else LETTER if probe.has("x\u0301") else OTHER
    # A character that is like an earlier one has its kind.
    models = [
        (" ", SPACE),
        ("\t", WHITE),
        ("\n", LINE_END),
        ("1", NUMBER),
        *((letter, LOWER) for letter in "x" + _LOWER_LETTERS),
        *((letter.upper(), UPPER) for letter in "x" + _LOWER_LETTERS),
        *[(_of_script(probe), SCRIPT_LETTER)] * bool(rules & SCRIPT),
        ("ʰ", LETTER),
        ("é", LETTER if rules & ASCII_WORDS else LOWER),
        *((character, OTHER) for character in "!'/"),
        ("…", WIDE_OTHER if rules & ASCII_WORDS else OTHER),
        ("\u0301", mark),
    ]
    kind_of_column: dict[int, int] = {}
    for character, kind in models:
        kind_of_column.setdefault(like(character), kind)
    kinds = [kind_of_column.get(column, ODD) for column in probe.columns]
    if rules & SCRIPT_ISOLATED:
        for number, kind in enumerate(kinds):
            if kind == ODD and probe.length(f"  {probe.tables.first_of(number)}") == 2:
                kinds[number] = ODD_SCRIPT
    if not rules & (CASED_WORDS | ASCII_WORDS):
        # Pages of one kind are faster.
        kinds = [LETTER if kind in (UPPER, LOWER) else kind for kind in kinds]
    return kinds


def _fit_the_engine(probe: _Probe, kinds: list[int], rules: int) -> bool:
    """Returns whether ASCII characters have the kinds that the engine gives them."""
    same = {SLASH: OTHER, APOSTROPHE: OTHER}
    if rules & ASCII_WORDS:
        same[UPPER] = LOWER
    elif not rules & CASED_WORDS:
        same[UPPER] = same[LOWER] = LETTER
    if probe.like("\n") == probe.like("\t"):
        same[LINE_END] = WHITE
    controls = {kinds[probe.class_of(control)] for control in _CONTROLS}
    if controls not in ({OTHER}, {ODD}):
        return False
    for code_point in range(128):
        character = chr(code_point)
        kind = _ascii_kind(character)
        if character not in _CONTROLS and kinds[probe.class_of(character)] != same.get(kind, kind):
            return False
    return all(kinds[probe.class_of(character)] & ODD != ODD for character in _COMMON)


def _ascii_kind(character: str) -> int:
    """Returns what _ext/engine/simd/kinds.h says."""
    known = {"\n": LINE_END, "\r": LINE_END, " ": SPACE, "'": APOSTROPHE, "/": SLASH}
    if character in known:
        return known[character]
    if character.isalpha():
        return UPPER if character.isupper() else LOWER
    return NUMBER if character.isdigit() else WHITE if character in "\t\v\f" else OTHER


def _named_classes(probe: _Probe, rules: int) -> NamedClasses:
    """Returns the classes that the member names by themselves."""

    def letters(text: str) -> frozenset[int]:
        written = text + text.upper() if rules & ANY_CASE else text
        found = {probe.class_of(letter) for letter in written}
        # Other letters that are like them, such as the long s, which is a lower-case form of S.
        columns = {probe.like(letter) for letter in written} - {probe.like("x"), probe.like("X")}
        found.update(number for number, column in enumerate(probe.columns) if column in columns)
        return frozenset(found)

    return NamedClasses(
        frozenset({probe.class_of("'")}),
        frozenset({probe.class_of("/")}),
        letters("sdmt"),
        letters("l"),
        letters("vr"),
        letters("e"),
    )
