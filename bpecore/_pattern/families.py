"""The split family: what its members do, as rules and kinds of characters.

`_ext/engine/split/starts.pxd` has the rules as algebra on bits, with one bit per character. They
are stated over kinds of characters. `recognition` reads both off a pattern's automaton, whatever
the pattern's spelling, and `canonical` has the pattern that the rules mean.
"""

from __future__ import annotations

# The bits of a kind, as in _ext/engine/simd/kinds.h.
UPPER, LOWER, LETTER, NUMBER, WHITE, SPACE, APOSTROPHE, MARK = (1 << bit for bit in range(8))
OTHER = 0
LINE_END = WHITE | SPACE
SLASH = APOSTROPHE | MARK
ODD = UPPER | LOWER
SCRIPT_LETTER = LETTER | NUMBER
ODD_SCRIPT = ODD | SCRIPT_LETTER
"""An odd character that is to white space before it what the letters of the script are."""
LETTER_MARK = LETTER | MARK
WIDE_OTHER = MARK
"""Another character outside ASCII, where words distinguish these."""

# The rules, as in _ext/engine/split/rules.pxd.
IN_FAMILY = 1
CONTRACTIONS = 2
ANY_CASE = 4
OF_WORD = 8
CASED_WORDS = 16
WITH_MARKS = 32
AFTER_ANY = 64
ASCII_WORDS = 128
NUMBERS_ALONE = 256
NUMBERS_BY_THREE = 512
NUMBERS_AFTER_SPACE = 1024
NUMBERS_ISOLATED = 2048
SCRIPT = 4096
SCRIPT_ISOLATED = 8192
LINE_END_PIECES = 16384
TAKEN_LINE_ENDS = 32768
TAKEN_SLASHES = 65536
WHOLE_RUNS = 131072
ODD_CHARACTERS = 262144
ODD_CONTROLS = 524288

# Facts from tiktoken 0.14.0.
R50K_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)"
    r"|[^\r\n\p{L}\p{N}]?+\p{L}++"
    r"|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$"
    r"|\s*[\r\n]"
    r"|\s+(?!\S)"
    r"|\s"
)

_O200K_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_O200K_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_O200K_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K_PATTERN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_O200K_UPPER}*{_O200K_LOWER}+{_O200K_CONTRACTION}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_O200K_UPPER}+{_O200K_LOWER}*{_O200K_CONTRACTION}"
    r"|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)

PATTERNS = {"r50k": R50K_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}
"""OpenAI's split patterns, which the package contains compiled."""

_NAMES = {pattern: name for name, pattern in PATTERNS.items()}


def openai_name(pattern: str) -> str:
    """Returns the name of one of OpenAI's split patterns, or "".

    Example:
        >>> openai_name(R50K_PATTERN), openai_name("a+")
        ('r50k', '')
    """
    return _NAMES.get(pattern, "")
