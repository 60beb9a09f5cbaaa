"""The OpenAI split patterns that the engine also splits without their automaton.

`_ext/engine/split/starts.pxd` has the rules of each family as algebra on bits, with one bit per
character. The rules are stated over kinds of characters; this module finds the kind of each class
of the pattern's automaton.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from bpecore._pattern.automaton import Automaton

# The bits of a kind and the numbers of the families, as in _ext/engine/simd/kinds.h and
# _ext/engine/split/starts.pxd.
UPPER, LOWER, LETTER, NUMBER, WHITE, SPACE, APOSTROPHE, MARK = (1 << bit for bit in range(8))
LINE_END = WHITE | SPACE
SLASH = APOSTROPHE | MARK
R50K, CL100K, O200K = 1, 2, 3

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

FAMILY_NAMES = {R50K: "r50k", CL100K: "cl100k", O200K: "o200k"}
"""The name of each family."""

PATTERNS = {R50K: R50K_PATTERN, CL100K: CL100K_PATTERN, O200K: O200K_PATTERN}
"""The split pattern of each family."""

_FAMILIES = {pattern: family for family, pattern in PATTERNS.items()}


def family_of(pattern: str) -> int:
    """Returns the number of a split pattern's family.

    Args:
        pattern: a split pattern.

    Returns:
        1 to 3, or 0 for a pattern without a family, which only its automaton splits.

    Example:
        >>> family_of("a+")
        0
    """
    return _FAMILIES.get(pattern, 0)


def class_kinds(automaton: Automaton, family: int) -> bytes:
    """Returns the kind of each of an automaton's classes.

    Args:
        automaton: the automaton of a family's pattern.
        family: the family's number.

    Returns:
        `uint8[classes]`. All characters of a class have one kind, as far as the family's rules
        distinguish kinds.

    Example:
        >>> from bpecore._pattern import compile_pattern
        >>> automaton = compile_pattern(O200K_PATTERN)
        >>> len(class_kinds(automaton, O200K)) == automaton.class_count
        True
    """
    import struct

    index = struct.unpack(f"<{len(automaton.block_index) // 2}H", automaton.block_index)
    kinds = bytearray(automaton.class_count)
    for class_number in range(automaton.class_count):
        place = automaton.block_classes.index(class_number)
        code_point = index.index(place // 128) * 128 + place % 128
        kinds[class_number] = _kind(code_point, family)
    return bytes(kinds)


def _kind(code_point: int, family: int) -> int:
    from bpecore._pattern.properties import WHITE_SPACE, general_category

    character = chr(code_point)
    if character in "\r\n":
        return LINE_END
    if character == " ":
        return SPACE
    if code_point in WHITE_SPACE:
        return WHITE
    if character == "'":
        return APOSTROPHE
    if character == "/":
        return SLASH
    for category, kind in (("Lu", UPPER), ("Lt", UPPER), ("Ll", LOWER), ("L", LETTER)):
        if code_point in general_category(category):
            return kind
    if code_point in general_category("N"):
        return NUMBER
    if family == O200K and code_point in general_category("M"):
        return LETTER | MARK
    return 0
