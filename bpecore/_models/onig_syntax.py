"""Patterns of Oniguruma, which `tokenizers` splits with, in fancy-regex's words.

Only what is known to mean the same is let through; `tests/models/test_onig_syntax.py` compares
every escape and property for all characters. `$` and `^` are ends of lines there, and `\\w` has
other members; these are written otherwise. Other differences that matter: `a{1,3}+` repeats a
repetition, and folding may expand a character.
"""

from __future__ import annotations

import re
from typing import Any

from bpecore._models import json_files
from bpecore._models.errors import refusal

_CATEGORIES = (
    "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp"
)
_SCRIPTS = "Han Hiragana Katakana Hangul Latin Greek Cyrillic Arabic Hebrew Thai Devanagari"
PROPERTIES = frozenset(f"{_CATEGORIES} {_SCRIPTS}".split())
"""Names in `\\p{…}` that mean the same."""

_TOKEN = re.compile(
    r"""
    \\[pP]\{(?P<property>[A-Za-z]+)\}
  | \\[sSdDrntfvae]
  | (?P<renamed>\\[wWbB]|[$^])
  | \\x[0-7][0-9A-Fa-f] | \\x\{[0-9A-Fa-f]{1,6}\} | \\u[0-9A-Fa-f]{4}
  | \\[-!"\#$%&()*+,./:;=?@\[\\\]^_{|}~ ]
  | (?P<folded>\(\?i:(?P<body>(?:[^()\[\]\\{}.*+?^$]|\[[A-Za-z]+\])*)\))
  | \(\?(?:[:>=!]|<[=!]) | \((?!\?) | \) | \|
  | (?P<count>\{[0-9]+(?:,[0-9]*)?\})(?P<suffix>[+?])?
  | [*+?][+?]?
  | \[\^? | \] | && | -
  | \. | [^\\()\[\]{}|*+?.^$]
    """,
    re.VERBOSE | re.DOTALL,
)
_EXPANDING = ("ss", "st", "ff", "fi", "fl")
_IN_CLASSES = re.compile(r"--|~~|\[:")


_WORD = r"[\w\xb2\xb3\xb9\xbc-\xbe&&[^\u200c\u200d]]"
_RENAMED = {
    r"\w": _WORD,
    r"\W": f"[^{_WORD}]",
    r"\b": f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))",
    r"\B": f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))",
    "$": "(?m:$)",
    "^": r"(?:(?m:^)(?=[\s\S]))",  # not after a line end at the text's end
}
"""How fancy-regex writes what Oniguruma means by these."""
_RENAMED_IN_CLASSES = {r"\w": r"[\w&&[^\u200c\u200d]]", r"\W": r"[\W\u200c\u200d]"}
"""The same in a class, where digits such as `²` are not among them."""


_LONGEST = 10_000  # characters; a pattern of more than 4096 instructions is refused anyway


class DifferentMeaningError(ValueError):
    """What in a pattern may mean something else to Oniguruma."""


def read_pattern(member: dict[str, Any], path: str, source: str) -> str:
    """Returns the member `Regex` of a pattern as fancy-regex writes it.

    Args:
        member: the pattern.
        path: where it is in the file.
        source: the file, for errors.

    Raises:
        ValueError: it is no string, very long, or something in it may mean something else.
    """
    pattern = require_short(json_files.member(member, f"{path}.Regex", str, source), path, source)
    try:
        return from_onig(pattern)
    except DifferentMeaningError as different:
        raise refusal(
            source, f"{path} has {different}, which may mean something else there"
        ) from None


def require_short(pattern: str, path: str, source: str) -> str:
    """Returns a pattern if it is not so long that compiling it would take seconds.

    Raises:
        ValueError: it is; the message names the file and the path in it.
    """
    if len(pattern) > _LONGEST:
        raise refusal(source, f"{path} has {len(pattern):,} characters, more than {_LONGEST:,}")
    return pattern


def from_onig(pattern: str) -> str:
    r"""Returns a pattern of Oniguruma as fancy-regex writes it.

    Raises:
        DifferentMeaningError: something in it may mean something else, or is not known.

    Example:
        >>> from_onig(r"\p{L}+|\s+$")
        '\\p{L}+|\\s+(?m:$)'
        >>> from_onig(r"\h+")
        Traceback (most recent call last):
        bpecore._models.onig_syntax.DifferentMeaningError: \h at character 0
    """
    position = depth = 0
    parts: list[str] = []
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        inside = depth > 0
        literal = pattern[position] if inside and pattern[position] in "(){}|*+?.^$" else ""
        if found is None or _is_different(found, inside):
            if found is not None or not literal:
                raise DifferentMeaningError(
                    f"{pattern[position : position + 2]} at character {position}"
                )
            parts.append(literal)
            position += 1
            continue
        text = found.group()
        if inside and _IN_CLASSES.match(pattern, position):
            raise DifferentMeaningError(
                f"{pattern[position : position + 2]} in the class at character {position}"
            )
        if literal and text[0] in "(){|*+?.^$":
            parts.append(literal)
            position += 1
            continue
        depth += text.startswith("[") - (text == "]")
        renamed = _RENAMED_IN_CLASSES if inside else _RENAMED
        parts.append(renamed[text] if found["renamed"] else text)
        position = found.end()
    return "".join(parts)


def _is_different(found: re.Match[str], inside: bool) -> bool:
    if found["property"] is not None and found["property"] not in PROPERTIES:
        return True
    if inside:
        return found["renamed"] in (r"\b", r"\B")
    if found["folded"] is not None:
        body = re.sub(r"[][]", "", found["body"].lower())
        return not body.isascii() or any(pair in body for pair in _EXPANDING)
    return bool(found["count"]) and found["suffix"] is not None
