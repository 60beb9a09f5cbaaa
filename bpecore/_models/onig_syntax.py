"""Which patterns mean the same to Oniguruma, which `tokenizers` splits with, as to fancy-regex.

Only what is known to mean the same is let through; `tests/models/test_onig_syntax.py` compares
every escape and property for all characters. Differences that matter: `$` and `^` are ends of
lines, `a{1,3}+` repeats a repetition, `\\w` has other members, and folding may expand a character.
"""

from __future__ import annotations

import re

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
  | \\x[0-7][0-9A-Fa-f] | \\x\{[0-9A-Fa-f]{1,6}\} | \\u[0-9A-Fa-f]{4}
  | \\[-!"\#$%&()*+,./:;=?@\[\\\]^_{|}~ ]
  | (?P<folded>\(\?i:(?P<body>[^()\[\]\\{}.*+?]*)\))
  | \(\?[:>=!] | \((?!\?) | \) | \|
  | (?P<count>\{[0-9]+(?:,[0-9]*)?\})(?P<suffix>[+?])?
  | [*+?][+?]?
  | \[\^? | \] | && | -
  | \. | [^\\()\[\]{}|*+?.^$]
    """,
    re.VERBOSE | re.DOTALL,
)
_EXPANDING = ("ss", "st", "ff", "fi", "fl")
_IN_CLASSES = re.compile(r"--|~~|\[:")


def difference_from_onig(pattern: str) -> str:
    r"""Returns what in a pattern may mean something else to Oniguruma, or "".

    Example:
        >>> difference_from_onig(r"\p{L}+|\s+(?!\S)")
        ''
        >>> difference_from_onig(r"\w+")
        '\\w at character 0'
    """
    position = depth = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        inside = depth > 0
        if found is None or _is_different(found, inside):
            if not (inside and found is None and pattern[position] in "(){}|*+?.^$"):
                return f"{pattern[position : position + 2]} at character {position}"
            position += 1
            continue
        text = found.group()
        if inside and _IN_CLASSES.match(pattern, position):
            return f"{pattern[position : position + 2]} in the class at character {position}"
        if inside and text[0] in "(){|*+?.":  # literal characters there
            position += 1
            continue
        depth += text.startswith("[") - (text == "]")
        position = found.end()
    return ""


def _is_different(found: re.Match[str], inside: bool) -> bool:
    if found["property"] is not None and found["property"] not in PROPERTIES:
        return True
    if inside:
        return False
    if found["folded"] is not None:
        body = found["body"].lower()
        return not body.isascii() or any(pair in body for pair in _EXPANDING)
    return bool(found["count"]) and found["suffix"] is not None
