"""The Unicode 16.0.0 character properties that split patterns name, as sets of code points.

Names are compared as in regex-syntax, ignoring case, spaces, hyphens and underscores. The sets are
made from the compact table on first use, and kept.
"""

from __future__ import annotations

import re
from functools import cache

from bpecore._pattern.character_sets import ANY_CHARACTER, CharacterSet
from bpecore._pattern.unicode_table import GENERAL_CATEGORY_RUNS, SCRIPTS

# Unicode Character Database 16.0.0, PropertyValueAliases.txt, property gc.
# Cs has a long name that regex-syntax does not know.
_GENERAL_CATEGORY_ALIASES = """
C Other, Cc Control cntrl, Cf Format, Cn Unassigned, Co Private_Use, Cs, L Letter, LC Cased_Letter,
Ll Lowercase_Letter, Lm Modifier_Letter, Lo Other_Letter, Lt Titlecase_Letter, Lu Uppercase_Letter,
M Mark Combining_Mark, Mc Spacing_Mark, Me Enclosing_Mark, Mn Nonspacing_Mark, N Number,
Nd Decimal_Number digit, Nl Letter_Number, No Other_Number, P Punctuation punct,
Pc Connector_Punctuation, Pd Dash_Punctuation, Pe Close_Punctuation, Pf Final_Punctuation,
Pi Initial_Punctuation, Po Other_Punctuation, Ps Open_Punctuation, S Symbol, Sc Currency_Symbol,
Sk Modifier_Symbol, Sm Math_Symbol, So Other_Symbol, Z Separator, Zl Line_Separator,
Zp Paragraph_Separator, Zs Space_Separator
"""

# UCD 16.0.0, PropList.txt, property White_Space.
WHITE_SPACE = CharacterSet.of_ranges([(0x09, 0x0D), (0x2000, 0x200A)]).union(
    CharacterSet.of_characters(" \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000")
)

# UCD 16.0.0, PropList.txt: the characters of Other_Alphabetic that are not marks (circled and
# squared letters), and Join_Control.
_ALPHABETIC_SYMBOLS = CharacterSet.of_ranges(
    [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)]
)
_JOIN_CONTROL = CharacterSet.of_ranges([(0x200C, 0x200D)])


def _normalized(name: str) -> str:
    return re.sub("[ _-]", "", name).lower()


GENERAL_CATEGORY_NAMES = {
    _normalized(name): names.split()[0]
    for names in _GENERAL_CATEGORY_ALIASES.split(",")
    for name in names.split()
}
"""The short name of each general category by each of its normalized names."""


@cache
def _two_letter_categories() -> dict[str, CharacterSet]:
    boundaries: dict[str, list[int]] = {}
    start = 0
    for length, category in re.findall("([0-9]+)([A-Z][a-z])", GENERAL_CATEGORY_RUNS):
        end = start + int(length)
        boundaries.setdefault(category, []).extend((start, end))
        start = end
    return {category: CharacterSet(tuple(points)) for category, points in boundaries.items()}


@cache
def general_category(code: str) -> CharacterSet:
    """Returns the code points of a general category in Unicode 16.0.0.

    Args:
        code: the short name: one letter for a group (`"L"`), two for a category (`"Lu"`, also
            `"Cn"` and `"Cs"`), or `"LC"`.

    Example:
        >>> len(general_category("Nd"))
        760
    """
    categories = _two_letter_categories()
    if code == "LC":
        members = ["Lu", "Ll", "Lt"]
    elif len(code) == 1:
        members = [category for category in categories if category[0] == code]
    else:
        members = [code]
    return categories[members[0]].union(*(categories[member] for member in members[1:]))


@cache
def _script_lines() -> dict[str, str]:
    """Returns the table's line for each script by its name: its code, then its ranges."""
    lines = SCRIPTS.strip().replace("\n ", " ").split("\n")
    return {name: rest for name, _, rest in (line.partition(" ") for line in lines)}


@cache
def script_names() -> dict[str, str]:
    """Returns each script's name in the table by its normalized name and normalized code."""
    names = {}
    for name, line in _script_lines().items():
        names[_normalized(name)] = names[_normalized(line.split(" ", 1)[0])] = name
    return names


@cache
def script(name: str) -> CharacterSet:
    """Returns the code points of a script, given its name in the table, such as `"Old_Italic"`."""
    spans = [span.split("-") for span in _script_lines()[name].split(" ")[1:]]
    return CharacterSet.of_ranges((int(span[0], 16), int(span[-1], 16)) for span in spans)


@cache
def word_characters() -> CharacterSet:
    r"""Returns the characters of `\w` by UTS 18 Annex C, which regex-syntax follows.

    They are Alphabetic, the marks, decimal numbers, connector punctuation and the join controls.
    Alphabetic is the letters, letter numbers, some marks and the circled and squared letters.
    """
    return general_category("L").union(
        *(general_category(code) for code in ("M", "Nd", "Nl", "Pc")),
        _ALPHABETIC_SYMBOLS,
        _JOIN_CONTROL,
    )


def named_property(name: str) -> CharacterSet | None:
    r"""Returns the set that `\p{name}` matches.

    Args:
        name: a general category or script by any of its names, `Any`, `ASCII`, `Assigned` or
            `White_Space`, or one of the forms `gc=...`, `general_category=...`, `sc=...`,
            `script=...`.

    Returns:
        The property's code points, or None if the name is not one of these.

    Example:
        >>> named_property("decimal number") == general_category("Nd")
        True
    """
    kind, equals, value = name.partition("=")
    if not equals:
        kind, value = "", name
    kind, value = _normalized(kind), _normalized(value)
    if kind in ("", "gc", "generalcategory") and value in GENERAL_CATEGORY_NAMES:
        return general_category(GENERAL_CATEGORY_NAMES[value])
    if kind in ("", "sc", "script") and value in script_names():
        return script(script_names()[value])
    if equals:
        return None
    if value == "any":
        return ANY_CHARACTER
    if value == "ascii":
        return CharacterSet.of_ranges([(0, 0x7F)])
    if value == "assigned":
        return general_category("Cn").complement()
    return WHITE_SPACE if value == "whitespace" else None
